//go:build race

package commands_test

// slow says that the program runs under the race detector, some five times slower.
const slow = true

// some of n cases are enough to look for races.
func some(n int) int { return (n + 1) / 2 }
