package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"mailferry/transfer/mail"
)

// Bounds of what is sent and not yet answered. A window of 4 MB fills a line of 100 MB
// per second at 40 ms, and so many messages of 4 KB. Its last message may reach beyond it: a large
// one would otherwise wait for an empty window, which small ones of other folders keep from
// coming. Larger batches gain nothing on Dovecot, and all of a batch has to be sent again when
// one message is refused.
const (
	windowBytes    = 8 << 20
	windowMessages = 1024
	batchBytes     = 2 << 20 // of one MULTIAPPEND
	batchMessages  = 50
)

const opAppend = "append"

// Done is told what became of an appended message. uid is zero when the server
// does not tell it.
type Done func(uid mail.UID, err error)

// appender is the state of the APPENDs of a connection.
type appender struct {
	queue    []*batch // sent or being sent, oldest first
	bytes    int64    // of the queue's bodies
	messages int
	wide     error // an error that concerns more than one message
}

// batch is one APPEND command.
type batch struct {
	raw   string
	tag   string
	items []*appended
	bytes int64
	open  bool // more messages may follow in the same command (RFC 3502)
}

type appended struct {
	msg    *mail.Message
	size   int64
	done   Done
	joined bool // in a batch, which ends it
}

// AppendOne queues a message for the folder of that raw name and takes over its
// body. limit is the greatest size the server takes, zero if unknown. done runs
// once, inside this call or a later one of AppendOne, Flush or Abandon. An error
// returned means that the connection cannot append any more; by then done has run
// for everything queued.
func (c *Conn) AppendOne(ctx context.Context, raw string, limit int64, msg *mail.Message, done Done) error {
	item := &appended{msg: msg, size: msg.Body.Size(), done: done}
	if err := c.appendReady(ctx); err != nil {
		c.fell(err)
		item.end(0, uncertain(err))
		return err
	}
	if limit > 0 && item.size > limit {
		item.end(0, tooLarge(item.size, limit))
		return nil
	}
	if c.waits(newCommand("").name(raw)) {
		err := unnameable()
		item.end(0, err)
		return err
	}
	defer c.watch(ctx)()
	if err := c.enqueue(raw, item); err != nil {
		if !item.joined {
			defer item.end(0, uncertain(err))
		}
		return c.fell(err)
	}
	return c.wideError()
}

// unnameable is for names that need a literal, on a server that has to ask for each: its
// question would be taken for the one about the message.
func unnameable() error {
	return &mail.Error{Op: opAppend, Scope: mail.ScopeFolder, Retry: mail.RetryNever, Kind: mail.KindRefused,
		Err: errors.New("the folder's name holds control characters, and the server does not take it in this command")}
}

func tooLarge(size, limit int64) error {
	return &mail.Error{Op: opAppend, Scope: mail.ScopeMessage, Retry: mail.RetryNever, Kind: mail.KindRefused,
		Err: fmt.Errorf("%d octets are more than the %d the server takes", size, limit)}
}

func (c *Conn) appendReady(ctx context.Context) error {
	if c.app.wide != nil {
		return c.app.wide
	}
	return c.ready(ctx, opAppend)
}

// Flush returns when done has run for everything queued.
func (c *Conn) Flush(ctx context.Context) error {
	if len(c.app.queue) == 0 && c.app.wide == nil {
		return nil
	}
	if err := c.appendReady(ctx); err != nil {
		return c.fell(err)
	}
	defer c.watch(ctx)()
	if err := c.drain(); err != nil {
		return c.fell(err)
	}
	return c.wideError()
}

// Abandon ends what is still queued as uncertain and puts the connection out of
// use, if anything is.
func (c *Conn) Abandon() {
	if len(c.app.queue) > 0 {
		err := errors.New("given up before the server answered")
		c.spoil(err)
		c.fell(&mail.Error{Op: opAppend, Scope: mail.ScopeStore, Retry: mail.RetrySoon, Kind: mail.KindConnect, Err: err})
	}
}

// wideError reports an error of a wider scope once the queue is empty, so that
// what the server did answer is not thrown away.
func (c *Conn) wideError() error {
	if c.app.wide == nil {
		return nil
	}
	if err := c.drain(); err != nil {
		return c.fell(err)
	}
	return c.app.wide
}

// fell ends every queued message as uncertain.
func (c *Conn) fell(err error) error {
	if c.app.wide == nil {
		c.app.wide = err
	}
	c.spoil(err)
	queue := c.app.queue
	c.app.queue, c.app.bytes, c.app.messages = nil, 0, 0
	for _, b := range queue {
		for _, item := range b.items {
			item.end(0, uncertain(err))
		}
	}
	return err
}

func uncertain(err error) error {
	e := *mail.ErrorOf(err)
	e.Uncertain = true
	return &e
}

// end releases the body first: done may be waiting for its memory.
func (a *appended) end(uid mail.UID, err error) {
	a.msg.Body.Release()
	a.done(uid, err)
}

func (c *Conn) enqueue(raw string, item *appended) error {
	if err := c.makeRoom(); err != nil {
		return err
	}
	if !c.nonSync(item.size) {
		return c.appendSync(raw, item)
	}
	b := c.openBatch(raw, item.size)
	if b == nil {
		b = c.startBatch(raw)
	}
	c.join(b, item)
	if err := c.writeItem(item); err != nil {
		return err
	}
	// A literal of no octets gives a MULTIAPPEND up (RFC 3502), so it goes alone.
	if !c.caps.Has("MULTIAPPEND") || len(b.items) >= batchMessages || b.bytes >= batchBytes || item.size == 0 {
		return c.closeBatch(b)
	}
	b.open = true
	return nil
}

// makeRoom waits for answers until another message fits the window. A batch that is
// being written stays open as long as there is an older one to wait for.
func (c *Conn) makeRoom() error {
	for len(c.app.queue) > 0 && (c.app.bytes >= windowBytes || c.app.messages >= windowMessages) {
		if len(c.app.queue) == 1 {
			if err := c.closeOpen(); err != nil {
				return err
			}
		}
		if err := c.answer1(); err != nil {
			return err
		}
	}
	return nil
}

// openBatch returns the command that is still being written, if the next
// message may go with it.
func (c *Conn) openBatch(raw string, size int64) *batch {
	n := len(c.app.queue)
	if n == 0 || !c.app.queue[n-1].open {
		return nil
	}
	b := c.app.queue[n-1]
	if b.raw != raw || b.bytes+size > batchBytes || size == 0 {
		c.closeBatch(b)
		return nil
	}
	return b
}

func (c *Conn) startBatch(raw string) *batch {
	b := &batch{raw: raw, tag: c.upcoming()}
	c.app.queue = append(c.app.queue, b)
	c.beginAppend(raw)
	return b
}

// beginAppend writes an APPEND up to the folder's name.
func (c *Conn) beginAppend(raw string) {
	tag := c.nextTag()
	c.bw.WriteString(tag + " APPEND")
	for _, p := range newCommand("").name(raw).parts {
		c.bw.WriteString(p.text)
		if p.literal != "" { // AppendOne has made sure that it may
			c.bw.WriteString("{" + strconv.Itoa(len(p.literal)) + "+}\r\n" + p.literal)
		}
	}
	if c.rd.trace.w != nil {
		c.rd.trace.line("C", []byte(tag+" APPEND "+quote(raw)))
	}
}

func (c *Conn) join(b *batch, item *appended) {
	item.joined = true
	b.items = append(b.items, item)
	b.bytes += item.size
	c.app.bytes += item.size
	c.app.messages++
}

// writeItem writes flags, date and literal of one message.
func (c *Conn) writeItem(item *appended) error {
	c.announce(item)
	return c.writeBody(item)
}

func (c *Conn) announce(item *appended) {
	c.bw.Write(appendArgs(c.bw.AvailableBuffer(), item, "+"))
}

// writeBody leaves the connection unusable when the body is not as long as
// announced: the server would take what follows for the rest of it.
func (c *Conn) writeBody(item *appended) error {
	err := c.copyItem(item)
	if err == nil {
		return nil
	}
	// bufio repeats the network's error.
	if werr := c.bw.Flush(); werr != nil {
		return c.lost(opAppend, werr)
	}
	c.spoil(err)
	return bodyFailed(err)
}

// copyItem writes the octets that were announced. Its error is the network's or the body's.
func (c *Conn) copyItem(item *appended) error {
	c.rd.trace.literal("C", item.size)
	body, err := item.msg.Body.Open()
	if err != nil {
		return err
	}
	defer body.Close()
	n, err := c.copyBody(body, item.size)
	if err == nil && n != item.size {
		err = fmt.Errorf("%d octets of %d: %w", n, item.size, io.ErrUnexpectedEOF)
	}
	return err
}

// copyBody writes at most size octets. What lies in memory goes to the network from there.
func (c *Conn) copyBody(body io.Reader, size int64) (int64, error) {
	if whole, ok := body.(io.WriterTo); ok {
		part := &atMost{w: c.bw, left: size}
		_, err := whole.WriteTo(part)
		return size - part.left, err
	}
	return io.Copy(c.bw, io.LimitReader(body, size))
}

// atMost drops what is written beyond so many octets.
type atMost struct {
	w    io.Writer
	left int64
}

func (a *atMost) Write(p []byte) (int, error) {
	n, err := a.w.Write(p[:min(int64(len(p)), a.left)])
	a.left -= int64(n)
	if err != nil {
		return n, err
	}
	return len(p), nil
}

func bodyFailed(err error) error {
	return &mail.Error{Op: opAppend, Scope: mail.ScopeStore, Retry: mail.RetrySoon,
		Err: fmt.Errorf("the message's body could not be read in full: %w", err)}
}

func (c *Conn) closeBatch(b *batch) error {
	b.open = false
	if _, err := c.bw.WriteString("\r\n"); err != nil {
		return c.lost(opAppend, err)
	}
	return nil
}

func (c *Conn) closeOpen() error {
	if n := len(c.app.queue); n > 0 && c.app.queue[n-1].open {
		return c.closeBatch(c.app.queue[n-1])
	}
	return nil
}

// drain waits for every answer.
func (c *Conn) drain() error {
	if err := c.closeOpen(); err != nil {
		return err
	}
	for len(c.app.queue) > 0 {
		if err := c.answer1(); err != nil {
			return err
		}
	}
	return nil
}

// answer1 reads the oldest command's reply, and those that have arrived with it.
func (c *Conn) answer1() error {
	for {
		tag, rep, err := c.event(opAppend, nil)
		if err != nil {
			return err
		}
		if err := c.settle(tag, rep); err != nil {
			return err
		}
		if c.rd.br.Buffered() == 0 || len(c.app.queue) == 0 {
			return nil
		}
	}
}

// appendArgs writes flags, date and the literal's size as APPEND wants them (RFC 9051 section 6.3.12), with
// mark behind the size.
func appendArgs(b []byte, item *appended, mark string) []byte {
	sep := " ("
	for _, flag := range item.msg.Flags {
		if ValidFlag(flag) {
			b = append(append(b, sep...), flag...)
			sep = " "
		}
	}
	if sep == " " {
		b = append(b, ')')
	}
	if date := item.msg.InternalDate; !date.IsZero() {
		b = appendDate(append(b, ' '), date)
	}
	b = strconv.AppendInt(append(b, " {"...), item.size, 10)
	return append(append(b, mark...), "}\r\n"...)
}

// ValidFlag reports whether a flag can be written in a command: a system flag or
// an atom (RFC 9051 section 9).
func ValidFlag(flag string) bool {
	word := strings.TrimPrefix(flag, `\`)
	for i := range len(word) {
		if c := word[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`(){%*"\]`, c) >= 0 {
			return false
		}
	}
	return word != ""
}
