package wire

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"mailferry/transfer/mail"
)

// Lane is a connection on which several folders are appended to at once. While one folder
// waits for its last answers the next one's messages are on their way: on a long line most of
// the time of small folders is waiting. A goroutine of its own reads the answers.
//
// It needs LITERAL+, so that nothing has to be asked for amid a command. APPEND names its folder: which
// one is selected does not matter to it. To STORE it does.
type Lane struct {
	c     *Conn
	multi bool // MULTIAPPEND
	ended chan struct{}

	// box is held by whoever selects a folder, until nothing more needs it to be selected. It is taken before write.
	box      sync.Mutex
	selected *Sender // who did last; nil: nobody, or it is not known whether the server did

	// write is held by whoever writes to the connection, and never while mu is.
	write sync.Mutex

	mu       sync.Mutex
	moved    *sync.Cond
	queue    []*ride // sent or being sent, oldest first
	bytes    int64   // of the queue's bodies
	messages int
	wide     error // why nothing more is sent; what was sent may still be answered
	broken   bool  // nothing will be answered any more
	closing  bool
}

// ride is a command on its way: an APPEND, a SELECT or a STORE.
type ride struct {
	tag      string
	sender   *Sender // whose messages these are
	items    []*appended
	bytes    int64
	answered bool
	writing  bool      // an APPEND whose end has not been written: its bodies are being read
	selects  *Selected // of a SELECT
	reply    Reply
}

// Sender appends to one folder on a Lane. It belongs to one goroutine at a time. What AppendOne,
// Flush and Abandon of a Conn promise holds for it.
type Sender struct {
	lane     *Lane
	raw      string
	limit    int64
	validity uint32
	held     []*appended // for the next MULTIAPPEND
	bytes    int64       // of these

	// Guarded by lane.mu.
	open  int // messages on their way
	ended []ending
	again []*appended // of a MULTIAPPEND that was refused: they go one by one
	err   error       // of this folder alone
	gone  error       // its caller's context has ended
}

type ending struct {
	item *appended
	uid  mail.UID
	err  error
}

// CanLane reports whether NewLane works on this connection, and whether every folder's
// limit is known without asking.
func (c *Conn) CanLane() bool {
	return c.caps.Has("LITERAL+") && c.caps.Has("UIDPLUS") && (!c.caps.Has("APPENDLIMIT") || c.caps.AppendLimit() > 0)
}

// NewLane takes c over until End.
func (c *Conn) NewLane() *Lane {
	l := &Lane{c: c, multi: c.caps.Has("MULTIAPPEND"), ended: make(chan struct{})}
	l.moved = sync.NewCond(&l.mu)
	go l.read()
	return l
}

// End waits for the reader. The connection is the caller's again, in order or not. No Sender is open.
func (l *Lane) End() {
	l.mu.Lock()
	l.closing = true
	l.moved.Broadcast()
	l.mu.Unlock()
	<-l.ended
}

// Healthy reports whether the lane takes more folders.
func (l *Lane) Healthy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wide == nil && !l.broken
}

// Ended is closed when the connection is the caller's again: after End, or when nothing more will be sent or answered.
func (l *Lane) Ended() <-chan struct{} { return l.ended }

// Board is Enter for a folder of which is known, without asking, that it is there under that UIDVALIDITY.
func (l *Lane) Board(raw string, validity uint32) *Sender {
	return &Sender{lane: l, raw: raw, limit: l.c.caps.AppendLimit(), validity: validity}
}

// await waits for the reply. It is false if the lane ended before.
func (l *Lane) await(r *ride) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !r.answered {
		l.moved.Wait()
	}
	return r.reply.Status != ""
}

// command writes m at once.
func (l *Lane) command(m *command, r *ride) error {
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.join(r); err != nil {
		return err
	}
	l.c.traceCommand(l.c.nextTag(), m)
	l.c.bw.WriteString(r.tag + " ")
	for _, p := range m.parts {
		l.c.bw.WriteString(p.text)
		if p.literal != "" {
			l.c.bw.WriteString("{" + strconv.Itoa(len(p.literal)) + "+}\r\n" + p.literal)
		}
	}
	l.c.bw.WriteString("\r\n")
	return l.flush()
}

// join makes r the last of what is on its way.
func (l *Lane) join(r *ride) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wide != nil {
		return l.wide
	}
	r.tag = l.c.upcoming()
	l.queue = append(l.queue, r)
	l.bytes += r.bytes
	l.messages += len(r.items)
	r.sender.open += len(r.items)
	l.moved.Broadcast()
	return nil
}

// AppendOne queues a message.
func (s *Sender) AppendOne(ctx context.Context, msg *mail.Message, done Done) error {
	item := &appended{msg: msg, size: msg.Body.Size(), done: done}
	if s.collects(item) && s.calm(ctx) {
		s.held, s.bytes = append(s.held, item), s.bytes+item.size
		return nil
	}
	defer s.tied(ctx)()
	if err := s.trouble(ctx); err != nil {
		s.finish()
		item.end(0, uncertain(err))
		return err
	}
	if s.limit > 0 && item.size > s.limit {
		item.end(0, tooLarge(item.size, s.limit))
		return nil
	}
	if s.hold(item) != nil {
		s.finish()
		return s.trouble(ctx)
	}
	s.report()
	return nil
}

// collects reports whether the message is one of a command that is to have more: nothing is sent for it.
func (s *Sender) collects(item *appended) bool {
	return s.lane.multi && item.size > 0 && (s.limit == 0 || item.size <= s.limit) &&
		len(s.held)+1 < batchMessages && s.bytes+item.size < batchBytes
}

// calm reports whether there is nothing to tell, to send again or to complain of.
func (s *Sender) calm(ctx context.Context) bool {
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	return ctx.Err() == nil && s.err == nil && s.gone == nil && s.lane.wide == nil && len(s.ended)+len(s.again) == 0
}

// hold keeps a message back until there are enough for one command: folders that took turns message
// by message would have nothing to put into one.
func (s *Sender) hold(item *appended) error {
	// A literal of no octets gives a MULTIAPPEND up (RFC 3502), so it goes alone.
	if len(s.held) > 0 && (s.bytes+item.size > batchBytes || item.size == 0) {
		if err := s.send(); err != nil {
			s.drop(err, item)
			return err
		}
	}
	more := s.collects(item)
	s.held, s.bytes = append(s.held, item), s.bytes+item.size
	if more {
		return nil
	}
	return s.send()
}

// Push sends what is kept back, unless an answer is awaited in any case: there may soon be more.
func (s *Sender) Push(ctx context.Context) error {
	l := s.lane
	defer s.tied(ctx)()
	s.report()
	l.mu.Lock()
	waiting := s.open > 0
	l.mu.Unlock()
	if !waiting {
		_ = s.send() // what fails ends as uncertain
	}
	l.push()
	s.report()
	return s.trouble(ctx)
}

// Flush returns when done has run for every message of this folder's.
func (s *Sender) Flush(ctx context.Context) error {
	defer s.tied(ctx)()
	s.finish()
	return s.trouble(ctx)
}

// Abandon ends what has not been answered as uncertain, and the lane with it, if anything is on its way.
func (s *Sender) Abandon() {
	l := s.lane
	err := error(&mail.Error{Op: opAppend, Scope: mail.ScopeStore, Retry: mail.RetrySoon, Kind: mail.KindConnect,
		Err: errors.New("given up before the server answered")})
	l.mu.Lock()
	open := s.open
	l.mu.Unlock()
	if open > 0 {
		err = l.fail(err)
	}
	s.drop(err, append(s.take(), s.refused()...)...)
	s.report()
}

// refused returns what would have been sent once more, and now will not be.
func (s *Sender) refused() []*appended {
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	items := s.again
	s.again = nil
	return items
}

// trouble returns why nothing more can be sent.
func (s *Sender) trouble(ctx context.Context) error {
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	switch {
	case s.err != nil:
		return s.err
	case s.lane.wide != nil && s.gone == nil && ctx.Err() != nil:
		return cancelled(ctx) // another folder's context may have ended first
	}
	return s.blame(s.lane.wide)
}

// blame is err, or why this folder itself was given up. lane.mu is held.
func (s *Sender) blame(err error) error {
	if s.gone != nil {
		return s.gone
	}
	return err
}

func cancelled(ctx context.Context) error {
	return &mail.Error{Op: opAppend, Scope: mail.ScopeStore, Retry: mail.RetryNever, Err: ctx.Err()}
}

// finish waits until everything of this folder's has ended.
func (s *Sender) finish() {
	l := s.lane
	for {
		s.report()
		_ = s.send()
		l.push()
		l.mu.Lock()
		for s.open > 0 && len(s.ended) == 0 && len(s.again) == 0 {
			l.moved.Wait()
		}
		over := s.open == 0 && len(s.ended) == 0 && len(s.again) == 0
		l.mu.Unlock()
		if over {
			return
		}
	}
}

// report runs done for what has ended, and sends again what a refused batch left over.
func (s *Sender) report() {
	l := s.lane
	for {
		l.mu.Lock()
		ended, again := s.ended, s.again
		s.ended, s.again = nil, nil
		l.mu.Unlock()
		for _, e := range ended {
			e.item.done(e.uid, e.err)
		}
		for _, item := range again {
			_ = s.write([]*appended{item}) // what fails ends as uncertain
		}
		if len(ended)+len(again) == 0 {
			return
		}
	}
}

// take returns what is kept back, and keeps it no longer.
func (s *Sender) take() []*appended {
	items := s.held
	s.held, s.bytes = nil, 0
	return items
}

var errNeighbour = errors.New("another folder on the same connection was given up")

// tied gives the lane up when ctx ends before the returned function is called. The other folders
// have done nothing that would keep them from trying again.
func (s *Sender) tied(ctx context.Context) func() {
	cut := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(cut)
		s.lane.mu.Lock()
		s.gone = cancelled(ctx)
		s.lane.mu.Unlock()
		s.lane.fail(&mail.Error{Op: opAppend, Scope: mail.ScopeStore, Retry: mail.RetrySoon, Kind: mail.KindConnect, Err: errNeighbour})
	})
	return func() {
		if !stop() {
			<-cut
		}
	}
}
