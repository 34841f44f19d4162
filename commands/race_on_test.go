//go:build race

package commands_test

// slow says that the program runs under the race detector, some five times slower.
const slow = true
