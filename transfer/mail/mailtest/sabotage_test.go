package mailtest

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"mailferry/transfer/mail"
)

func TestTheSuiteSeesSabotage(t *testing.T) {
	for _, c := range sabotages() {
		t.Run(c.defect, func(t *testing.T) {
			failed := failing(t, c.seenBy, func(r *recorder) mail.Store {
				opts := c.opts
				opts.Reporter = r
				s := &sabotaged{Memory: New(opts)}
				c.do(s)
				return s
			})
			if !slices.Contains(failed, c.seenBy) {
				t.Errorf("check %q does not see it", c.seenBy)
			}
		})
	}
}

// TestTheRecorderPassesWhatIsSound: without sabotage nothing is recorded.
func TestTheRecorderPassesWhatIsSound(t *testing.T) {
	if failed := failing(t, "", func(r *recorder) mail.Store {
		return &sabotaged{Memory: New(Options{Reporter: r})}
	}); len(failed) > 0 {
		t.Errorf("a sound store fails %q", failed)
	}
}

// sabotage pairs a defect with a check that has to see it.
type sabotage struct {
	defect, seenBy string
	opts           Options
	do             func(s *sabotaged)
}

func sabotages() []sabotage {
	return slices.Concat(folderSabotages(), listSabotages(), fetchSabotages(), appendSabotages(), changeSabotages(), appenderSabotages())
}

func folderSabotages() []sabotage {
	return []sabotage{
		{"children before parents", "folder list", Options{}, func(s *sabotaged) {
			s.folders = func(l []mail.Folder) []mail.Folder { slices.Reverse(l); return l }
		}},
		{"a folder listed twice", "folder list", Options{}, func(s *sabotaged) {
			s.folders = func(l []mail.Folder) []mail.Folder { return append(l, l[len(l)-1]) }
		}},
		{"a folder not listed", "folder list", Options{}, func(s *sabotaged) {
			s.folders = func(l []mail.Folder) []mail.Folder { return l[:len(l)-1] }
		}},
		{"unread messages miscounted", "folder status", Options{}, func(s *sabotaged) {
			s.folders = func(l []mail.Folder) []mail.Folder {
				for _, f := range l {
					f.Status.Unseen++
				}
				return l
			}
		}},
		{"names cut to ASCII", "folder names", Options{}, func(s *sabotaged) {
			s.create = func(f mail.Folder) mail.Folder {
				f.Path = mail.ParsePath(strings.ToValidUTF8(strings.ReplaceAll(f.Path.String(), "ü", "u"), "?"))
				return f
			}
		}},
		{"roles forgotten", "roles", Options{}, func(s *sabotaged) {
			s.create = func(f mail.Folder) mail.Folder { f.Role = ""; return f }
		}},
		{"subscriptions forgotten", "subscriptions", Options{}, func(s *sabotaged) {
			s.folders = func(l []mail.Folder) []mail.Folder {
				for i := range l {
					l[i].Subscribed = false
				}
				return l
			}
		}},
		{"a name that changes each time", "name", Options{}, func(s *sabotaged) {
			s.name = func(p mail.Path) mail.Path { return mail.PathFromKey(p.Key() + "_") }
		}},
		{"a missing folder is any error", "missing folder", Options{}, func(s *sabotaged) {
			s.open = &mail.Error{Op: "open", Scope: mail.ScopeStore, Retry: mail.RetrySoon}
		}},
		{"mod-sequences in spite of Traits", "folder status", Options{}, func(s *sabotaged) {
			s.traits = func(t *mail.Traits) { t.ModSeqs = false }
		}},
	}
}

func listSabotages() []sabotage {
	ctx := context.Background()
	return []sabotage{
		{"n:* tells the last message", "list part", Options{}, func(s *sabotaged) {
			s.list = func(r mail.Reader, o mail.ListOptions, fn func(mail.Info) error) error {
				var last mail.UID
				r.List(ctx, mail.ListOptions{}, func(i mail.Info) error { last = i.UID; return nil })
				o.From = min(o.From, last)
				return r.List(ctx, o, fn)
			}
		}},
		{"an empty Only is no Only", "list part", Options{}, func(s *sabotaged) {
			s.list = func(r mail.Reader, o mail.ListOptions, fn func(mail.Info) error) error {
				if o.Only != nil && o.Only.Empty() {
					o.Only = nil
				}
				return r.List(ctx, o, fn)
			}
		}},
		{"a listing in descending order", "list", Options{}, func(s *sabotaged) {
			s.list = func(r mail.Reader, o mail.ListOptions, fn func(mail.Info) error) error {
				var all []mail.Info
				err := r.List(ctx, o, func(i mail.Info) error { all = append(all, i); return nil })
				for _, i := range slices.Backward(all) {
					fn(i)
				}
				return err
			}
		}},
		{"fn's error swallowed", "list stopped", Options{}, func(s *sabotaged) {
			s.list = func(r mail.Reader, o mail.ListOptions, fn func(mail.Info) error) error {
				r.List(ctx, o, fn)
				return nil
			}
		}},
		{"fields nobody asked for", "list fields", Options{}, func(s *sabotaged) {
			s.list = func(r mail.Reader, o mail.ListOptions, fn func(mail.Info) error) error {
				o.Size = true
				return r.List(ctx, o, fn)
			}
		}},
		{"mod-sequences ignored", "list changes", Options{}, func(s *sabotaged) {
			s.list = func(r mail.Reader, o mail.ListOptions, fn func(mail.Info) error) error {
				o.ChangedSince = 0
				return r.List(ctx, o, fn)
			}
		}},
		{"expunged messages untold", "list expunged", Options{}, func(s *sabotaged) {
			s.list = func(r mail.Reader, o mail.ListOptions, fn func(mail.Info) error) error {
				o.Vanished = nil
				return r.List(ctx, o, fn)
			}
		}},
		{"cancelling unheard", "cancelled before", Options{}, func(s *sabotaged) {
			s.list = func(r mail.Reader, o mail.ListOptions, fn func(mail.Info) error) error {
				return r.List(ctx, o, fn)
			}
		}},
		{"a cancelled append said to be taken", "cancelled append", Options{Window: 9}, func(s *sabotaged) {
			s.append = func(w mail.Writer, m *mail.Message, done func(mail.UID, error)) error {
				return w.Append(ctx, m, func(u mail.UID, _ error) { done(u, nil) })
			}
			s.flush = func(w mail.Writer) error {
				if len(s.Memory.Messages(mail.NewPath("suite cancelled append"))) > 0 {
					return context.Canceled
				}
				return w.Flush(ctx)
			}
		}},
		{"half a list passed off as whole", "cancelled in a list", Options{}, func(s *sabotaged) {
			s.list = func(r mail.Reader, o mail.ListOptions, fn func(mail.Info) error) error {
				n := 0
				r.List(ctx, o, func(i mail.Info) error {
					if n++; n > 10 {
						return io.EOF
					}
					return fn(i)
				})
				return nil
			}
		}},
	}
}

func fetchSabotages() []sabotage {
	ctx := context.Background()
	return []sabotage{
		{"bare line feeds mended", "octets", Options{}, rewritten(func(raw []byte) []byte {
			return CRLF(strings.ReplaceAll(string(raw), "\r\n", "\n"))
		})},
		{"a final newline added", "octets", Options{}, rewritten(func(raw []byte) []byte {
			if !bytes.HasSuffix(raw, []byte("\n")) {
				raw = append(raw, "\r\n"...)
			}
			return raw
		})},
		{"8-bit made X", "octets", Options{}, rewritten(func(raw []byte) []byte {
			return bytes.Map(func(r rune) rune {
				if r >= 0x80 {
					return 'X'
				}
				return r
			}, raw)
		})},
		{"From quoted", "octets", Options{}, rewritten(func(raw []byte) []byte {
			return bytes.ReplaceAll(raw, []byte("\nFrom "), []byte("\n>From "))
		})},
		{"a short body passed off as whole", "octets", Options{}, func(s *sabotaged) {
			s.fetch = func(r mail.Reader, set mail.UIDSet, fn func(mail.Info, io.Reader) error) error {
				return r.Fetch(ctx, set, func(i mail.Info, b io.Reader) error { return fn(i, io.LimitReader(b, 1000)) })
			}
		}},
		{"a message that does not come", "list", Options{}, func(s *sabotaged) {
			s.fetch = func(r mail.Reader, set mail.UIDSet, fn func(mail.Info, io.Reader) error) error {
				return r.Fetch(ctx, set.Minus(mail.NewUIDSet(set.Last())), fn)
			}
		}},
		{"reading sets Seen", "fetch leaves flags", Options{}, func(s *sabotaged) {
			s.fetch = func(r mail.Reader, set mail.UIDSet, fn func(mail.Info, io.Reader) error) error {
				return r.Fetch(ctx, set, func(i mail.Info, b io.Reader) error {
					for _, f := range s.Memory.sorted() {
						s.Memory.SetFlags(f.Path, i.UID, mail.NewFlags(mail.Seen))
					}
					return fn(i, b)
				})
			}
		}},
	}
}

func appenderSabotages() []sabotage {
	ctx := context.Background()
	return []sabotage{
		{"folders mixed up", "appenders at once", Options{}, func(s *sabotaged) {
			s.share = func(p mail.Path) mail.Path {
				if rest, yes := strings.CutSuffix(p.String(), "b"); yes {
					return mail.ParsePath(rest + "c")
				}
				return p
			}
		}},
		{"a sixth folder loses a message", "appenders", Options{}, func(s *sabotaged) {
			n := 0
			s.append = func(w mail.Writer, m *mail.Message, done func(mail.UID, error)) error {
				if n++; n == 6 {
					m.Body.Release()
					done(1, nil)
					return nil
				}
				return w.Append(ctx, m, done)
			}
		}},
		{"a listing that is none", "appender alone", Options{}, func(s *sabotaged) {
			s.list = func(r mail.Reader, opts mail.ListOptions, fn func(mail.Info) error) error {
				if _, shared := r.(*appender); shared {
					return nil
				}
				return r.List(ctx, opts, fn)
			}
		}},
		{"a full folder's refusal for good", "appender alone", Options{}, func(s *sabotaged) {
			s.list = func(r mail.Reader, opts mail.ListOptions, fn func(mail.Info) error) error {
				err := r.List(ctx, opts, fn)
				if _, shared := r.(*appender); shared && err != nil {
					err = mail.ErrorOf(err).Err
				}
				return err
			}
		}},
		{"an appender that only adds flags", "appender flags", Options{}, func(s *sabotaged) {
			s.set = func(w mail.Writer, changes []mail.FlagChange) error {
				changes = slices.Clone(changes)
				for i := range changes {
					changes[i].Remove = nil
				}
				return w.SetFlags(ctx, changes)
			}
		}},
		{"an appender that lists what was there", "appender alone", Options{}, func(s *sabotaged) {
			s.list = func(r mail.Reader, opts mail.ListOptions, fn func(mail.Info) error) error {
				if a, shared := r.(*appender); shared {
					return (*reader)(a.handle()).List(ctx, opts, fn)
				}
				return r.List(ctx, opts, fn)
			}
		}},
	}
}

func appendSabotages() []sabotage {
	ctx := context.Background()
	return []sabotage{
		{"appends in another order", "append order", Options{Window: 200}, func(s *sabotaged) {
			s.flush = func(w mail.Writer) error {
				slices.Reverse(w.(*expunger).handle().queue)
				return w.Flush(ctx)
			}
		}},
		{"done twice", "append order", Options{}, func(s *sabotaged) {
			s.append = func(w mail.Writer, m *mail.Message, done func(mail.UID, error)) error {
				return w.Append(ctx, m, func(u mail.UID, err error) { done(u, err); done(u, err) })
			}
		}},
		{"done never", "append unflushed", Options{}, func(s *sabotaged) {
			s.append = func(w mail.Writer, m *mail.Message, done func(mail.UID, error)) error {
				return w.Append(ctx, m, func(mail.UID, error) {})
			}
		}},
		{"done on a goroutine of its own", "append order", Options{}, func(s *sabotaged) {
			s.append = func(w mail.Writer, m *mail.Message, done func(mail.UID, error)) error {
				return w.Append(ctx, m, func(u mail.UID, err error) {
					over := make(chan struct{})
					go func() { defer close(over); done(u, err) }()
					<-over
				})
			}
		}},
		{"the body kept", "append order", Options{}, func(s *sabotaged) {
			s.append = func(w mail.Writer, m *mail.Message, done func(mail.UID, error)) error {
				kept := *m
				kept.Body = keptBody{m.Body}
				return w.Append(ctx, &kept, done)
			}
		}},
		{"a wrong UID told", "append order", Options{}, func(s *sabotaged) {
			s.append = func(w mail.Writer, m *mail.Message, done func(mail.UID, error)) error {
				return w.Append(ctx, m, func(u mail.UID, err error) { done(u+1, err) })
			}
		}},
		{"twins merged", "append twins", Options{}, func(s *sabotaged) {
			seen := false
			s.append = func(w mail.Writer, m *mail.Message, done func(mail.UID, error)) error {
				if seen {
					m.Body.Release()
					done(1, nil)
					return nil
				}
				seen = true
				return w.Append(ctx, m, done)
			}
		}},
		{"keywords in lower case", "append flags", Options{}, func(s *sabotaged) {
			s.append = func(w mail.Writer, m *mail.Message, done func(mail.UID, error)) error {
				lower := *m
				lower.Flags = mail.ParseFlags(strings.ToLower(m.Flags.String()))
				return w.Append(ctx, &lower, done)
			}
		}},
		{"dates without their zone", "append dates", Options{}, func(s *sabotaged) {
			s.append = func(w mail.Writer, m *mail.Message, done func(mail.UID, error)) error {
				moved := *m
				_, offset := m.InternalDate.Zone()
				moved.InternalDate = m.InternalDate.Add(time.Duration(offset) * time.Second)
				return w.Append(ctx, &moved, done)
			}
		}},
		{"one too large ends the session", "append too large", Options{MaxSize: 1 << 20}, func(s *sabotaged) {
			s.append = func(w mail.Writer, m *mail.Message, done func(mail.UID, error)) error {
				var wide error
				err := w.Append(ctx, m, func(u mail.UID, err error) {
					if err != nil {
						err = &mail.Error{Op: "append", Scope: mail.ScopeStore, Retry: mail.RetrySoon}
					}
					wide = err
					done(u, err)
				})
				if wide != nil {
					err = wide
				}
				return err
			}
		}},
	}
}

func changeSabotages() []sabotage {
	ctx := context.Background()
	return []sabotage{
		{"SetFlags replaces", "set flags", Options{}, func(s *sabotaged) {
			s.set = func(w mail.Writer, changes []mail.FlagChange) error {
				for i := range changes {
					changes[i].Remove = mail.NewFlags(mail.Seen, mail.Flagged).Minus(changes[i].Add)
				}
				return w.SetFlags(ctx, changes)
			}
		}},
		{"SetFlags only adds", "set flags", Options{}, func(s *sabotaged) {
			s.set = func(w mail.Writer, changes []mail.FlagChange) error {
				adding := slices.Clone(changes)
				for i := range adding {
					adding[i].Remove = nil
				}
				return w.SetFlags(ctx, adding)
			}
		}},
		{"expunge takes all that is deleted", "expunge", Options{}, func(s *sabotaged) {
			s.expunge = func(x mail.Expunger, w mail.Writer, set mail.UIDSet) error {
				w.List(ctx, mail.ListOptions{Flags: true}, func(i mail.Info) error {
					if i.Flags.Has(mail.Deleted) {
						set.Add(i.UID)
					}
					return nil
				})
				return x.Expunge(ctx, set)
			}
		}},
		{"an Expunger in spite of its Traits", "expunge", Options{}, func(s *sabotaged) {
			s.traits = func(t *mail.Traits) { t.UIDPlus = false }
		}},
		{"a stale UIDNEXT", "refresh", Options{}, func(s *sabotaged) {
			s.refresh = func(st mail.Status) mail.Status { st.UIDNext = 1; return st }
		}},
	}
}

// rewritten is a store that changes what it takes in and says that it does not.
func rewritten(by func([]byte) []byte) func(s *sabotaged) {
	return func(s *sabotaged) {
		s.traits = func(t *mail.Traits) { t.KeepsBytes = true }
		s.Memory.opts.Rewrite = by
	}
}

// keptBody is never released.
type keptBody struct{ mail.Body }

func (keptBody) Release() {}
