package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sample is what one run took.
type sample struct {
	Wall, CPU time.Duration
	Resident  int64 // octets at the peak
	Octets    int64 // on the wire, where the lines count
	Trips     int   // round trips, where the lines are slow
}

// run measures a command from a disk that has nothing left to write.
func run(cmd *exec.Cmd) (sample, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	syscall.Sync()
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		text := out.String()
		return sample{}, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, text[max(0, len(text)-2000):])
	}
	s := sample{Wall: wall, CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.Resident = usage.Maxrss << 10
	}
	return s, nil
}

// runFloor measures a floor, which tells its own time because it loads before it works.
func (l *lab) runFloor(args ...string) (sample, error) {
	cmd := exec.Command(l.self, append([]string{"floor"}, args...)...)
	var failure strings.Builder
	cmd.Stderr = &failure
	syscall.Sync()
	out, err := cmd.Output()
	if err != nil {
		return sample{}, fmt.Errorf("floor %v: %w: %s", args, err, failure.String())
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	return sample{Wall: time.Duration(seconds * float64(time.Second))}, err
}
