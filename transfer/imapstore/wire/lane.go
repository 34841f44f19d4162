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
// It needs LITERAL+, so that nothing has to be asked for amid a command. Everything it sends is SELECT,
// APPEND and STATUS, and these two name their folder: which one is selected does not matter to them.
type Lane struct {
	c     *Conn
	multi bool // MULTIAPPEND
	ended chan struct{}

	// write is held by whoever writes to the connection, and never while mu is.
	write   sync.Mutex
	current *ride // an APPEND that is being written

	mu       sync.Mutex
	moved    *sync.Cond
	queue    []*ride // sent or being sent, oldest first
	bytes    int64   // of the queue's bodies
	messages int
	wide     error // why nothing more is sent; what was sent may still be answered
	broken   bool  // nothing will be answered any more
	closing  bool
}

// ride is a command on its way: an APPEND, a SELECT or a STATUS.
type ride struct {
	tag      string
	sender   *Sender // whose messages these are
	items    []*appended
	bytes    int64
	answered bool
	selects  *Selected    // of a SELECT
	asks     bool         // it is a STATUS
	status   *mail.Status // what was answered to it
	reply    Reply
}

// Sender appends to one folder on a Lane. It belongs to one goroutine at a time. What AppendOne,
// Flush and Abandon of a Conn promise holds for it.
type Sender struct {
	lane     *Lane
	raw      string
	limit    int64
	validity uint32

	// Guarded by lane.mu.
	open  int // messages on their way
	ended []ending
	again []*appended // of a MULTIAPPEND that was refused: they go one by one
	late  bool        // some of them have gone
	top   mail.UID    // greatest UID told
	err   error       // of this folder alone
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

// Enter opens a folder by its raw name for appending.
func (l *Lane) Enter(ctx context.Context, raw string) (*Sender, Selected, error) {
	const op = "open for writing"
	defer l.tied(ctx)()
	c := l.c
	m := c.opening("SELECT", raw)
	s := l.Board(raw, 0)
	r := &ride{sender: s, selects: &Selected{}}
	if err := l.command(m, r); err != nil {
		return nil, Selected{}, err
	}
	if err := l.await(r); err != nil {
		return nil, Selected{}, err
	}
	sel, err := r.selects.settled(op, r.reply)
	s.validity = sel.UIDValidity
	return s, sel, err
}

// Board is Enter for a folder of which is known, without asking, that it is there under that UIDVALIDITY.
func (l *Lane) Board(raw string, validity uint32) *Sender {
	return &Sender{lane: l, raw: raw, limit: l.c.caps.AppendLimit(), validity: validity}
}

// await waits for the reply. Its error is that of a lane which ended before.
func (l *Lane) await(r *ride) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !r.answered {
		l.moved.Wait()
	}
	if r.reply.Status == "" {
		return l.wide
	}
	return nil
}

// command writes m at once.
func (l *Lane) command(m *command, r *ride) error {
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.closeCurrent(); err != nil {
		return err
	}
	l.mu.Lock()
	if l.wide != nil {
		defer l.mu.Unlock()
		return l.wide
	}
	r.tag = l.c.upcoming()
	l.queue = append(l.queue, r)
	l.moved.Broadcast()
	l.mu.Unlock()
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

// AppendOne queues a message.
func (s *Sender) AppendOne(ctx context.Context, msg *mail.Message, done Done) error {
	item := &appended{msg: msg, size: msg.Body.Size(), done: done}
	if err := s.trouble(); err != nil {
		s.finish()
		item.end(0, uncertain(err))
		return err
	}
	if s.limit > 0 && item.size > s.limit {
		item.end(0, tooLarge(item.size, s.limit))
		return nil
	}
	defer s.lane.tied(ctx)()
	if err := s.put(item, s.lane.multi); err != nil {
		s.finish()
		return err
	}
	s.report()
	return nil
}

// Flush returns when done has run for every message of this folder's.
func (s *Sender) Flush(ctx context.Context) error {
	defer s.lane.tied(ctx)()
	s.finish()
	return s.trouble()
}

// Finish is Flush, and asks for the folder's state behind the last message. The state is nil if
// the server does not tell it, or if something had to be sent once more.
func (s *Sender) Finish(ctx context.Context) (*mail.Status, error) {
	l := s.lane
	defer l.tied(ctx)()
	s.report()
	l.mu.Lock()
	s.late = false
	l.mu.Unlock()
	r := &ride{sender: s, asks: true}
	if l.command(newCommand("STATUS").name(s.raw).add(" ("+l.c.statusItems()+")"), r) == nil {
		l.await(r)
	}
	s.finish()
	if err := s.trouble(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// Of the selected folder Dovecot tells it before the messages are there.
	if s.late || !r.reply.OK() || r.status == nil || r.status.UIDValidity != s.validity || r.status.UIDNext <= s.top {
		return nil, nil
	}
	return r.status, nil
}

// Abandon ends what is still on its way as uncertain, and the lane with it, if anything is.
func (s *Sender) Abandon() {
	l := s.lane
	l.mu.Lock()
	open := s.open
	l.mu.Unlock()
	if open > 0 {
		err := errors.New("given up before the server answered")
		l.fail(&mail.Error{Op: opAppend, Scope: mail.ScopeStore, Retry: mail.RetrySoon, Kind: mail.KindConnect, Err: err})
	}
	s.finish()
}

// trouble returns why nothing more can be sent.
func (s *Sender) trouble() error {
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	return s.lane.wide
}

// finish waits until everything of this folder's has ended.
func (s *Sender) finish() {
	l := s.lane
	for {
		s.report()
		l.push(true)
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
		s.late = s.late || len(again) > 0
		l.mu.Unlock()
		for _, e := range ended {
			e.item.done(e.uid, e.err)
		}
		for _, item := range again {
			_ = s.put(item, false) // what fails ends as uncertain
		}
		if len(ended)+len(again) == 0 {
			return
		}
	}
}

// put writes one message. If it fails the message has ended, or is about to.
func (s *Sender) put(item *appended, join bool) error {
	l := s.lane
	l.room()
	l.write.Lock()
	defer l.write.Unlock()
	if err := l.board(s, item, join); err != nil {
		return err
	}
	l.c.announce(item)
	if err := l.c.copyItem(item); err != nil {
		if werr := l.c.bw.Flush(); werr != nil { // bufio repeats the network's error
			return l.fail(werr)
		}
		return l.fail(bodyFailed(err))
	}
	r := l.current
	// A literal of no octets gives a MULTIAPPEND up (RFC 3502), so it goes alone.
	if !join || len(r.items) >= batchMessages || r.bytes >= batchBytes || item.size == 0 {
		return l.closeCurrent()
	}
	return nil
}

// board makes item part of the command that is being written, or begins one.
func (l *Lane) board(s *Sender, item *appended, join bool) error {
	if r := l.current; r != nil && (!join || r.sender != s || r.bytes+item.size > batchBytes || item.size == 0) {
		if err := l.closeCurrent(); err != nil {
			s.end(item, 0, uncertain(err))
			return err
		}
	}
	if l.join(s, item) {
		return nil
	}
	if err := l.closeCurrent(); err != nil {
		s.end(item, 0, uncertain(err))
		return err
	}
	l.mu.Lock()
	if err := l.wide; err != nil {
		l.mu.Unlock()
		s.end(item, 0, uncertain(err))
		return err
	}
	r := &ride{tag: l.c.upcoming(), sender: s}
	l.queue = append(l.queue, r)
	l.add(r, item)
	l.moved.Broadcast()
	l.mu.Unlock()
	l.current = r
	l.c.beginAppend(s.raw)
	return nil
}

// join is false when there is no command to join, or it has been answered before its end.
func (l *Lane) join(s *Sender, item *appended) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current == nil || l.current.answered {
		return false
	}
	l.add(l.current, item)
	return true
}

func (l *Lane) add(r *ride, item *appended) {
	r.items = append(r.items, item)
	r.bytes += item.size
	l.bytes += item.size
	l.messages++
	r.sender.open++
}

// end is for a message that is not part of any command.
func (s *Sender) end(item *appended, uid mail.UID, err error) {
	item.msg.Body.Release()
	s.lane.mu.Lock()
	s.ended = append(s.ended, ending{item, uid, err})
	s.lane.mu.Unlock()
}

// room waits until another message fits the window. A command that is being written
// stays open as long as there is an older one to wait for.
func (l *Lane) room() {
	for {
		l.mu.Lock()
		if l.fits() {
			l.mu.Unlock()
			return
		}
		sole := len(l.queue) == 1
		l.mu.Unlock()
		l.push(sole)
		l.mu.Lock()
		if sole == (len(l.queue) == 1) && !l.fits() {
			l.moved.Wait()
		}
		l.mu.Unlock()
	}
}

func (l *Lane) fits() bool {
	return l.wide != nil || len(l.queue) == 0 || l.bytes < windowBytes && l.messages < windowMessages
}

// push sends what is buffered, with the end of the command that is being written if whole.
func (l *Lane) push(whole bool) {
	l.write.Lock()
	defer l.write.Unlock()
	if whole && l.closeCurrent() != nil {
		return
	}
	_ = l.flush() // a failure ends everything that is on its way
}

func (l *Lane) closeCurrent() error {
	if l.current == nil {
		return nil
	}
	l.current = nil
	if _, err := l.c.bw.WriteString("\r\n"); err != nil {
		return l.fail(err)
	}
	return nil
}

func (l *Lane) flush() error {
	if !l.c.bw.pending() {
		return nil
	}
	if err := l.c.bw.Flush(); err != nil {
		return l.fail(err)
	}
	return nil
}

// tied gives the lane up when ctx ends before the returned function is called.
func (l *Lane) tied(ctx context.Context) func() {
	cut := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(cut)
		l.fail(&mail.Error{Op: opAppend, Scope: mail.ScopeStore, Retry: mail.RetryNever, Err: ctx.Err()})
	})
	return func() {
		if !stop() {
			<-cut
		}
	}
}
