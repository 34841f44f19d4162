package faultproxy

import "context"

// TB is what Start needs of a testing.TB.
type TB interface {
	Helper()
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Start is New for a test. At the end of the test the proxy is closed, and the
// test fails if one of the rules never struck.
func Start(t TB, backend string, rules ...Rule) *Proxy {
	t.Helper()
	p, err := New(context.Background(), backend, rules...)
	if err != nil {
		t.Fatalf("fault proxy: %v", err)
		return nil
	}
	t.Cleanup(func() {
		p.Close()
		for _, name := range p.Unfired() {
			t.Errorf("a fault never struck: %s", name)
		}
	})
	return p
}
