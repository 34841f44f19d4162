package imapstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"mailferry/transfer/imapstore"
	"mailferry/transfer/imapstore/imaptest/faultproxy"
	"mailferry/transfer/imapstore/servertest"
	"mailferry/transfer/mail"
)

const rowFolders = 14

func rowFolder(n int) mail.Path { return mail.NewPath(fmt.Sprintf("row %02d", n)) }

// row makes folders of some messages each, every body naming its folder. The last ones are empty.
func row(t *testing.T, server *servertest.Server) {
	t.Helper()
	st := imapstore.New(account(t, server.Addr, "row", server.Password))
	defer st.Close()
	for n := range rowFolders {
		if err := st.Create(t.Context(), mail.Folder{Path: rowFolder(n)}); err != nil {
			t.Fatal(err)
		}
		w, err := st.OpenWriter(t.Context(), rowFolder(n))
		if err != nil {
			t.Fatal(err)
		}
		for i := range (rowFolders - 2 - n) * 3 {
			body := fmt.Sprintf("Subject: %d of %s\r\n\r\n%s\r\n", i+1, rowFolder(n), strings.Repeat("x", 700*i))
			if err := w.Append(t.Context(), &mail.Message{Body: mail.BytesBody(body)}, func(mail.UID, error) {}); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(w.Flush(t.Context()), w.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// readRow reads every folder of the row at once over two connections, as the engine does, and
// returns how many came whole. Those that did not have an error, and nothing of another folder.
func readRow(t *testing.T, src *imapstore.Source, ctxOf func(n int) context.Context) (whole int) {
	t.Helper()
	if _, err := src.Folders(t.Context()); err != nil {
		return 0
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for n := range rowFolders {
		wg.Go(func() {
			if err := readOne(ctxOf(n), src, n); err == nil {
				mu.Lock()
				defer mu.Unlock()
				whole++
			} else if strings.HasPrefix(err.Error(), "mixed up") {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return whole
}

func readOne(ctx context.Context, src *imapstore.Source, n int) error {
	r, err := src.OpenReaderAhead(ctx, rowFolder(n), nil, 1)
	if err != nil {
		return err
	}
	defer r.Close()
	want := max(0, (rowFolders-2-n)*3)
	if got := int(r.Status().Messages); got != want {
		return fmt.Errorf("mixed up: %s holds %d messages, told of %d", rowFolder(n), want, got)
	}
	var all, came mail.UIDSet
	if want > 0 {
		all.AddRange(1, mail.UID(want))
	}
	err = r.Fetch(ctx, all, func(info mail.Info, body io.Reader) error {
		text, err := io.ReadAll(body)
		if err == nil && !bytes.HasPrefix(text, fmt.Appendf(nil, "Subject: %d of %s\r\n", info.UID, rowFolder(n))) {
			return fmt.Errorf("mixed up: uid %d of %s is %.60q", info.UID, rowFolder(n), text)
		}
		came.Add(info.UID)
		return err
	})
	if err == nil && came.Len() != want {
		err = fmt.Errorf("mixed up: %d of %d messages of %s came, without an error", came.Len(), want, rowFolder(n))
	}
	return err
}

// free makes sure that no connection is lost to anybody: all of them can be opened.
func free(t *testing.T, src *imapstore.Source, conns int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range conns {
		r, err := src.OpenReader(ctx, rowFolder(0))
		if err != nil {
			t.Fatalf("a connection is missing: %v", err)
		}
		defer r.Close()
	}
}

// TestFoldersFollowEachOther: two connections read all folders, each folder's opening sent behind the
// mail of the one before.
func TestFoldersFollowEachOther(t *testing.T) {
	server := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true})
	row(t, server)
	for range 5 {
		opts := account(t, server.Addr, "row", server.Password)
		opts.Connections = 2
		src := imapstore.NewSource(opts)
		if whole := readRow(t, src, func(int) context.Context { return t.Context() }); whole != rowFolders {
			t.Errorf("%d of %d folders came whole", whole, rowFolders)
		}
		free(t, src, 2)
		src.Close()
	}
}

// TestFollowingFoldersOnABadLine cuts and stalls connections at random places, and gives up on some
// folders: what comes is right, and no connection is lost.
func TestFollowingFoldersOnABadLine(t *testing.T) {
	server := servertest.StartDovecot(t, servertest.DovecotOptions{Memory: true})
	row(t, server)
	random := rand.New(rand.NewPCG(1, 2))
	broken := 0
	for range 40 {
		rules := [][]faultproxy.Rule{
			{faultproxy.At(faultproxy.ServerOctets(4000+random.Int64N(400_000)), faultproxy.Cut())},
			{faultproxy.At(faultproxy.Command("EXAMINE", 1+random.IntN(rowFolders)), faultproxy.No("not now"))},
			nil,
		}[random.IntN(3)]
		proxy, err := faultproxy.New(t.Context(), server.Addr, rules...)
		if err != nil {
			t.Fatal(err)
		}
		opts := account(t, proxy.Addr(), "row", server.Password)
		opts.Connections = 2
		src := imapstore.NewSource(opts)
		ctx, cancel := context.WithCancel(t.Context())
		given := random.IntN(rowFolders)
		stop := time.AfterFunc(time.Duration(random.IntN(20))*time.Millisecond, cancel)
		whole := readRow(t, src, func(n int) context.Context {
			if n == given {
				return ctx
			}
			return t.Context()
		})
		if stop.Stop(); whole < rowFolders {
			broken++
		}
		if rules == nil {
			free(t, src, 2)
		}
		cancel()
		src.Close()
		proxy.Close()
	}
	if broken < 10 {
		t.Errorf("only %d of 40 readings were broken", broken)
	}
}
