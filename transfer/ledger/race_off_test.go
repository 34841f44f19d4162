//go:build !race

package ledger_test

// slowness thins out what is only repetition.
const slowness = 1
