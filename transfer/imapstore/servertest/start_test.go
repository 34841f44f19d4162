package servertest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"testing"

	"mailferry/transfer/mail"
)

func TestServersSpeakTLSWithTheirOwnAuthority(t *testing.T) {
	try := func(t *testing.T, s *Server) {
		pem, err := os.ReadFile(s.CAFile)
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			t.Fatal("no certificate in the CA file")
		}
		for _, name := range []string{"localhost", "127.0.0.1"} {
			conn, err := tls.Dial("tcp", s.TLSAddr, &tls.Config{RootCAs: roots, ServerName: name})
			if err != nil {
				t.Errorf("as %s: %v", name, err)
				continue
			}
			if r, err := newParser(conn).response(); err != nil || !r.status.ok() {
				t.Errorf("greeting: %v, %v", r.status, err)
			}
			conn.Close()
		}
		if conn, err := tls.Dial("tcp", s.TLSAddr, &tls.Config{ServerName: "localhost"}); err == nil {
			conn.Close()
			t.Error("a client that does not know the authority got through")
		}
	}
	t.Run("dovecot", func(t *testing.T) { try(t, StartDovecot(t, DovecotOptions{})) })
	t.Run("cyrus", func(t *testing.T) { try(t, StartCyrus(t, CyrusOptions{})) })
}

func TestKillEndsTheServerAndStopRemovesIt(t *testing.T) {
	for name, run := range map[string]func(context.Context) (*Server, error){
		"dovecot": func(ctx context.Context) (*Server, error) { return RunDovecot(ctx, DovecotOptions{Memory: true}) },
		"cyrus":   func(ctx context.Context) (*Server, error) { return RunCyrus(ctx, CyrusOptions{}) },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := run(t.Context())
			if errors.Is(err, ErrNotInstalled) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			e, err := Edit(t.Context(), s.Addr, "anna", s.Password)
			if err != nil {
				t.Fatal(err)
			}
			if s.Pid() == 0 {
				t.Error("no process id")
			}
			if err := s.Kill(); err != nil {
				t.Errorf("kill: %v", err)
			}
			if err := e.Create(mail.NewPath("x")); err == nil {
				t.Error("a session outlived the server")
			}
			e.s.close()
			if conn, err := net.Dial("tcp", s.Addr); err == nil {
				conn.Close()
				t.Error("somebody still listens")
			}
			for range 2 {
				if err := s.Stop(); err != nil {
					t.Errorf("stop: %v", err)
				}
			}
			if _, err := os.Stat(s.Dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is still there: %v", s.Dir, err)
			}
		})
	}
}

func TestServersHideWhatTheyAreToldTo(t *testing.T) {
	s := StartDovecot(t, DovecotOptions{Hide: []string{"CONDSTORE", "QRESYNC", "literal+"}})
	e, err := Edit(t.Context(), s.Addr, "anna", s.Password)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if c := e.s.caps; c["CONDSTORE"] || c["QRESYNC"] || c["LITERAL+"] || !c["UIDPLUS"] || !c["SPECIAL-USE"] {
		t.Errorf("capabilities: %v", c)
	}
}

func TestWhatIsNotInstalledIsSaidSo(t *testing.T) {
	t.Setenv(CyrusRoot, t.TempDir())
	t.Setenv(CourierRoot, "")
	t.Setenv("PATH", t.TempDir())
	if _, err := RunCyrus(t.Context(), CyrusOptions{}); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("cyrus: %v", err)
	}
	if _, err := RunCourier(t.Context(), CourierOptions{}); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("courier: %v", err)
	}
	if _, err := findProgram("no-such-daemon"); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("a program: %v", err)
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		if conn, err := l.Accept(); err == nil {
			cancel() // the client waits for a greeting that does not come
			defer conn.Close()
			_, _ = conn.Read(make([]byte, 1))
		}
	}()
	if _, err := Snapshot(ctx, l.Addr().String(), "anna", "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("a silent server: %v", err)
	}
}
