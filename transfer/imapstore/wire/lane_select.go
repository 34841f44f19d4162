package wire

import (
	"context"
	"errors"

	"mailferry/transfer/mail"
)

// Enter opens a folder by its raw name for appending.
func (l *Lane) Enter(ctx context.Context, raw string) (*Sender, Selected, error) {
	s := l.Board(raw, 0)
	defer s.tied(ctx)()
	l.box.Lock()
	r, err := s.enter()
	l.box.Unlock()
	if err != nil {
		return nil, Selected{}, s.trouble(ctx)
	}
	sel, err := s.entered(ctx, r)
	s.validity = sel.UIDValidity
	return s, sel, err
}

// enter sends the SELECT. lane.box is held.
func (s *Sender) enter() (*ride, error) {
	l := s.lane
	r := &ride{sender: s, selects: &Selected{}}
	l.selected = nil
	err := l.command(l.c.opening("SELECT", s.raw), r)
	if err == nil {
		l.selected = s
	}
	return r, err
}

// entered waits for the reply to a SELECT.
func (s *Sender) entered(ctx context.Context, r *ride) (Selected, error) {
	if !s.lane.await(r) {
		return Selected{}, s.trouble(ctx)
	}
	return r.selects.settled("open for writing", r.reply)
}

// SetFlags is StoreAll of a Conn. The folder is selected for it, unless it is still.
func (s *Sender) SetFlags(ctx context.Context, steps []FlagStep) error {
	defer s.tied(ctx)()
	if err := s.trouble(ctx); err != nil {
		return err
	}
	sent, err := s.store(ctx, steps)
	for _, r := range sent {
		if !s.lane.await(r) {
			return s.trouble(ctx)
		}
		if !r.reply.OK() && err == nil {
			err = classify(opStore, r.reply)
		}
	}
	return err
}

// store sends the steps while the folder is selected and nobody can select another.
func (s *Sender) store(ctx context.Context, steps []FlagStep) (sent []*ride, err error) {
	l := s.lane
	l.box.Lock()
	defer l.box.Unlock()
	if err := s.selectAgain(ctx); err != nil {
		return nil, err
	}
	for _, m := range storing(steps) {
		r := &ride{sender: s}
		if l.command(m, r) != nil {
			return sent, s.trouble(ctx)
		}
		sent = append(sent, r)
	}
	return sent, nil
}

var errReplaced = errors.New("the folder was replaced by another of its name")

// selectAgain selects the folder if it is not. UIDs mean messages of one UIDVALIDITY alone. lane.box is held.
func (s *Sender) selectAgain(ctx context.Context) error {
	if s.lane.selected == s {
		return nil
	}
	r, err := s.enter()
	if err != nil {
		return s.trouble(ctx)
	}
	sel, err := s.entered(ctx, r)
	if err == nil && (sel.UIDValidity != s.validity || sel.NotSticky) {
		err = &mail.Error{Op: opStore, Scope: mail.ScopeFolder, Retry: mail.RetrySoon, Err: errReplaced}
	}
	if err != nil {
		s.lane.selected = nil
	}
	return err
}
