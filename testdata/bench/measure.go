package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
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
	Needed    int64 // octets that came new before this run; they cross each wire once
}

// run measures a command from a disk that has nothing left to write. A small
// process of its own starts it, because a child's peak memory counts from its
// parent's.
func (l *lab) run(cmd *exec.Cmd) (s sample, err error) {
	stopwatch := exec.Command(l.self, append([]string{"stopwatch"}, cmd.Args...)...)
	stopwatch.Env = cmd.Env
	var out, failure bytes.Buffer
	stopwatch.Stdout, stopwatch.Stderr = &out, &failure
	syscall.Sync()
	if err := stopwatch.Run(); err != nil {
		text := failure.String()
		return s, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, text[max(0, len(text)-2000):])
	}
	return s, json.Unmarshal(out.Bytes(), &s)
}

// stopwatch runs a command and prints its sample.
func stopwatch(args []string) error {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return err
	}
	s := sample{Wall: wall, CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.Resident = usage.Maxrss << 10
	}
	return json.NewEncoder(os.Stdout).Encode(s)
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
