//go:build race

package ledger_test

// slowness thins out what is only repetition: the race detector makes SQLite
// twenty times slower.
const slowness = 20
