package floor

import (
	"flag"
	"fmt"
	"io"
	"time"
)

// Main runs one floor in a process of its own, so that its messages in memory do
// not weigh on anything else, and prints the seconds that the work took, without
// the loading before it.
func Main(args []string, out io.Writer) error {
	set := flag.NewFlagSet("floor", flag.ContinueOnError)
	var a Account
	kind := set.String("kind", "", "read, append, multiappend, fsync or syncfs")
	maildir := set.String("maildir", "", "account on disk that holds the messages")
	n := set.Int("n", 1, "connections, files at a time or files in a group")
	dir := set.String("dir", "", "where fsync and syncfs write")
	set.StringVar(&a.Addr, "addr", "", "host:port")
	set.StringVar(&a.User, "user", "", "account")
	set.StringVar(&a.Password, "password", "", "password of a server that runs for this benchmark only")
	if err := set.Parse(args); err != nil {
		return err
	}
	folders, err := Load(*maildir, *kind != "fsync" && *kind != "syncfs")
	if err != nil {
		return err
	}
	start := time.Now()
	switch *kind {
	case "read":
		err = Read(a, folders, *n)
	case "append", "multiappend":
		err = Write(a, folders, *n, *kind == "multiappend")
	case "fsync":
		err = Fsync(*dir, folders, *n)
	case "syncfs":
		err = Syncfs(*dir, folders, *n)
	default:
		err = fmt.Errorf("no floor %q", *kind)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, time.Since(start).Seconds())
	return err
}
