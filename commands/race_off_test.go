//go:build !race

package commands_test

// slow says that the program runs under the race detector.
const slow = false

// some of n cases are all of them.
func some(n int) int { return n }
