//go:build !race

package commands_test

// slow says that the program runs under the race detector.
const slow = false
