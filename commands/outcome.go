package commands

// outcome is a command that went to its end and found something wrong.
type outcome struct {
	code      exitCode
	msg, hint string
}

func (e *outcome) Error() string { return e.msg }
