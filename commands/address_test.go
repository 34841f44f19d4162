package commands

import (
	"strings"
	"testing"

	"mailferry/transfer/imapstore/wire"
)

func TestAddresses(t *testing.T) {
	print40 := strings.Repeat("0f", 32)
	cases := []struct {
		text string
		want address
	}{
		{"imaps://anna@mail.example", address{user: "anna", host: "mail.example", port: 993}},
		{"IMAPS://anna@mail.example", address{user: "anna", host: "mail.example", port: 993}},
		{"imap://anna@mail.example", address{security: wire.StartTLS, user: "anna", host: "mail.example", port: 143}},
		{"imap://anna@mail.example?tls=none", address{security: wire.Plain, user: "anna", host: "mail.example", port: 143}},
		{"imaps://anna@home.example@mail.example:1993", address{user: "anna@home.example", host: "mail.example", port: 1993}},
		{"imaps://anna%40home.example@mail.example", address{user: "anna@home.example", host: "mail.example", port: 993}},
		{"imaps://dom%2Fa%3Ab%3Fc%25@h", address{user: "dom/a:b?c%", host: "h", port: 993}},
		{"imaps://dom/anna@h", address{user: "dom/anna", host: "h", port: 993}},
		{"imaps://a@[2001:db8::1]", address{user: "a", host: "2001:db8::1", port: 993}},
		{"imaps://a@[::1]:144", address{user: "a", host: "::1", port: 144}},
		{"imaps://a@h?authzid=b@c", address{user: "a", host: "h", port: 993, authzid: "b@c"}},
		{"imaps://a@h?compress=on", address{user: "a", host: "h", port: 993, compress: wire.CompressOn}},
		{"imaps://a@h?compress=off", address{user: "a", host: "h", port: 993, compress: wire.CompressOff}},
		{"imaps://a@h?connections=2&auth=xoauth2", address{user: "a", host: "h", port: 993, connections: 2, auth: "XOAUTH2"}},
		{"imaps://a@h?ca=/a%20b+c%26.pem", address{user: "a", host: "h", port: 993, ca: "/a b+c&.pem"}},
		{"imaps://a@h?cert=c.pem&key=k.pem", address{user: "a", host: "h", port: 993, cert: "c.pem", key: "k.pem"}},
		{"imaps://a@h?fingerprint=" + print40, address{user: "a", host: "h", port: 993, fingerprint: print40}},
		{"imaps://a@h?fingerprint=sha256:" + strings.ToUpper(strings.TrimSuffix(strings.Repeat("0f:", 32), ":")),
			address{user: "a", host: "h", port: 993, fingerprint: print40}},
	}
	for _, c := range cases {
		if got, err := parseAddress(c.text); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v", c.text, got, err)
		}
	}
}

func TestRefusedAddresses(t *testing.T) {
	cases := []struct{ text, words string }{
		{"imaps://mail.example", "names no user"},
		{"imaps://@mail.example", "names no user"},
		{"imaps://", "names no user"},
		{"imaps://anna@", "names no host"},
		{"imaps://anna@?tls=none", "names no host"},
		{"imaps://anna:hunter2@mail.example", "a password in an address is refused"},
		{"imaps://anna:hunter2@x@mail.example:99999", "a password in an address is refused"},
		{"imaps://anna:hunter2?@mail.example", "names no user"},
		{"imaps://an%zzna@h", "a % in the user's name"},
		{"imaps://an%00na@h", "control character"},
		{"imaps://anna@h/INBOX", `goes on after the host "h": /INBOX`},
		{"imaps://anna@h/", "goes on after the host"},
		{"imaps://anna@h:", "is no port"},
		{"imaps://anna@h:0", "is no port"},
		{"imaps://anna@h:65536", "is no port"},
		{"imaps://anna@h:+25", "is no port"},
		{"imaps://anna@h:imap", "is no port"},
		{"imaps://anna@2001:db8::1", "is no port"},
		{"imaps://anna@[2001:db8::1", "closing ]"},
		{"imaps://anna@[mail.example]", "no IPv6 address"},
		{"imaps://anna@[127.0.0.1]", "no IPv6 address"},
		{"imaps://anna@[::1]x", "is no port"},
		{"imaps://anna@mäil.example", "xn--"},
		{"imaps://anna@ma il", "cannot be part of a host name"},
		{"imaps://anna@h#top", "cannot be part of a host name"},
		{"imaps://anna@h?", "unknown address option"},
		{"imaps://anna@h?tsl=none", `unknown address option "tsl"`},
		{"imaps://anna@h?ca=%", "two hexadecimal digits"},
		{"imaps://anna@h?ca=", "has no value"},
		{"imaps://anna@h?ca=a&ca=b", "given twice"},
		{"imaps://anna@h?tls=none", "contradict"},
		{"imap://anna@h?tls=starttls", "the only value is none"},
		{"imap://anna@h?tls=none&ca=x", "nothing for ca"},
		{"imaps://anna@h?key=x", "key without cert"},
		{"imaps://anna@h?auth=GSSAPI", "is not known"},
		{"imaps://anna@h?compress=maybe", "compress=maybe"},
		{"imaps://anna@h?connections=0", "number of connections"},
		{"imaps://anna@h?fingerprint=abc", "no SHA-256"},
	}
	for _, c := range cases {
		_, err := parseAddress(c.text)
		if err == nil || !strings.Contains(err.Error(), c.words) && !strings.Contains(hintOf(err), c.words) {
			t.Errorf("%s: error %v, want one with %q", c.text, err, c.words)
			continue
		}
		if strings.Contains(err.Error()+hintOf(err), "hunter2") {
			t.Errorf("%s: the error repeats the password: %v", c.text, err)
		}
	}
}

func TestAddressesAreShownWithoutOptions(t *testing.T) {
	for text, want := range map[string]string{
		"imaps://anna%40x@h:993?ca=f":      "imaps://anna@x@h",
		"imap://a%3Ab%3F@h:1143?tls=none":  "imap://a%3Ab%3F@h:1143",
		"imaps://a@[::1]:99?connections=2": "imaps://a@[::1]:99",
	} {
		if a, err := parseAddress(text); err != nil || a.String() != want {
			t.Errorf("%s is shown as %s, %v", text, a, err)
		}
	}
}

func TestSameAccount(t *testing.T) {
	cases := []struct {
		a, b string
		same bool
	}{
		{"imaps://u@h", "imaps://u@H", true},
		{"imaps://u@h", "imap://u@h", true},
		{"imaps://u@h", "imaps://v@h", false},
		{"imaps://u@h", "imaps://u@h:994", false},
		{"imaps://u@h?authzid=a", "imaps://u@h?authzid=b", false},
	}
	for _, c := range cases {
		a, b := mustParse(t, c.a), mustParse(t, c.b)
		if a.sameAccount(b) != c.same || b.sameAccount(a) != c.same {
			t.Errorf("%s and %s: same account is not %v", c.a, c.b, c.same)
		}
	}
}

func mustParse(t *testing.T, text string) address {
	t.Helper()
	a, err := parseAddress(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestStateNamesTellAccountsApart(t *testing.T) {
	long := strings.Repeat("x", 300)
	accounts := []string{"imaps://u@h", "imaps://u@h:99", "imaps://U@h", "imaps://a--b@h", "imaps://a-%2Db@h:5", "imaps://u@h?authzid=v",
		"imaps://..%2F@h", "imaps://" + long + "@h", "imaps://" + long + "y@h", "imaps://%C3%A9@h", "imaps://-@h"}
	names := make(map[string]string)
	for _, text := range accounts {
		name := stateName(mustParse(t, text))
		if other, taken := names[name]; taken {
			t.Errorf("%s and %s are both %q", text, other, name)
		}
		names[name] = text
		if len(name) > 110 || strings.ContainsAny(name, `/\:*"<>| `) || strings.Contains(name, "--") || strings.HasPrefix(name, ".") {
			t.Errorf("%s: unsafe file name %q", text, name)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	f.Add("anna@mail.example?tls=none")
	f.Add("a%40b@[::1]:993?ca=x&connections=3")
	f.Add("x:y?z@w@h/path")
	f.Fuzz(func(t *testing.T, rest string) {
		if a, err := parseAddress("imaps://" + rest); err == nil {
			again, err := parseAddress(a.String())
			if err != nil {
				t.Fatalf("%q is shown as %q: %v", rest, a, err)
			}
			if again.String() != a.String() || again.user != a.user || again.host != a.host || again.port != a.port {
				t.Fatalf("%q is shown as %q, which is another account", rest, a)
			}
		}
		if _, err := parseAddress("imaps://anna:hunter2" + rest + "@mail.example"); err == nil || strings.Contains(err.Error()+hintOf(err), "hunter2") {
			t.Fatalf("a password was taken or repeated: %v", err)
		}
	})
}
