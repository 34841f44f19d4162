package mail_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"mailferry/transfer/mail"
)

func TestErrorsNameWhatFailed(t *testing.T) {
	cause := errors.New("quota exceeded")
	for _, c := range []struct {
		err  mail.Error
		want string
	}{
		{mail.Error{Op: "login", Err: cause}, "login: quota exceeded"},
		{mail.Error{Op: "append", Folder: mail.NewPath("A", "B"), Err: cause}, `append folder "A/B": quota exceeded`},
		{mail.Error{Op: "fetch", Folder: mail.NewPath("a\nb"), UID: 7, Err: cause}, `fetch folder "a\nb" uid 7: quota exceeded`},
		{mail.Error{Op: "list folders"}, "list folders"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestErrorOf(t *testing.T) {
	known := &mail.Error{Op: "append", Scope: mail.ScopeMessage, Retry: mail.RetryNever, Err: context.Canceled}
	wrapped := fmt.Errorf("destination: %w", errors.Join(io.EOF, known))
	if mail.ErrorOf(wrapped) != known || mail.ErrorOf(known) != known {
		t.Error("the Error in the chain was not found")
	}
	if !errors.Is(wrapped, context.Canceled) {
		t.Error("the cause is not in the chain")
	}
	other := mail.ErrorOf(io.EOF)
	if other.Scope != mail.ScopeFolder || other.Retry != mail.RetrySoon || other.Uncertain || !errors.Is(other, io.EOF) {
		t.Errorf("an error nobody classified: %+v", other)
	}
}

func TestABytesBodyOpensAgainAndAgain(t *testing.T) {
	body := mail.BytesBody("octets")
	for range 2 {
		r, err := body.Open()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || string(got) != "octets" || body.Size() != 6 || r.Close() != nil {
			t.Errorf("%q, %v, size %d", got, err, body.Size())
		}
	}
	body.Release()
	body.Release()
}
