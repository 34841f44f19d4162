package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"

	"modernc.org/sqlite"

	"mailferry/transfer/mail"
)

// DB is an open catalogue. Its methods may be called from several goroutines at once.
type DB struct {
	db       *sql.DB
	readOnly bool
	temp     string // a directory to remove in the end

	line  *line // by which everything goes if it may be written; nil: it is only read
	turns turns
	tally tally

	preparing sync.Mutex
	stmts     map[string]*sql.Stmt // of a catalogue that is only read

	mu      sync.Mutex // never held by who waits for the connection
	setIDs  map[string]int64
	sets    map[int64]mail.Flags
	origins map[origin]int64
	byID    map[int64]origin
	marks   *bool // whether messages may be suspect; nil: not known
}

type origin struct {
	source, folder string
	hash           uint32
	validity       uint32
}

// dataSource names the file for SQLite. It is kept with a rollback journal and
// not with a write-ahead log, which a reader could not open without writing beside it.
func dataSource(path, mode string, pragmas ...string) string {
	q := url.Values{"mode": {mode}, "_pragma": append([]string{
		"busy_timeout(60000)", "cell_size_check(ON)", "trusted_schema(OFF)", "temp_store(MEMORY)", "cache_size(-8000)",
	}, pragmas...)}
	file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}
	return file.String()
}

func open(path, mode string, connections int, pragmas ...string) (*DB, error) {
	c, err := sqlite.NewConnector(dataSource(path, mode, pragmas...))
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return &DB{db: db, readOnly: mode == "ro", stmts: make(map[string]*sql.Stmt),
		turns: turns{moved: make(chan struct{}, 1)}, setIDs: make(map[string]int64), sets: make(map[int64]mail.Flags), origins: make(map[origin]int64), byID: make(map[int64]origin)}, nil
}

// Create makes a catalogue at path, where nothing may be. The caller makes the name durable.
func Create(path, format string) (*DB, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	d, err := openToWrite(path)
	if err != nil {
		return nil, err
	}
	err = d.write(context.Background(), func(tx *transaction) error {
		for _, text := range []string{schema,
			fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, formatVersion)} {
			if _, err := tx.Exec(text); err != nil {
				return err
			}
		}
		_, err := tx.Exec("INSERT INTO archive VALUES (1, ?, x'', 0)", format)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func openToWrite(path string) (*DB, error) {
	d, err := open(path, "rw", 1, "journal_mode(PERSIST)", "synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	if d.line, err = openLine(d.db, path); err != nil {
		return nil, errors.Join(err, d.db.Close())
	}
	return d, nil
}

// Open opens the catalogue at path for reading and writing. thorough looks for damage in
// all of it. A damaged one is an error for which Damaged is true.
func Open(path string, thorough bool) (*DB, error) {
	d, err := openToWrite(path)
	if err != nil {
		return nil, err
	}
	if err := d.admit(thorough); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// OpenReadOnly opens the catalogue at path for reading, also beside one process
// that writes it. Nothing beside it is changed.
func OpenReadOnly(path string, thorough bool) (*DB, error) {
	d, err := open(path, "ro", 4, "query_only(ON)")
	if err != nil {
		return nil, err
	}
	err = d.admit(thorough)
	if err == nil {
		return d, nil
	}
	if err = errors.Join(err, d.Close()); !needsRollback(err) {
		return nil, err
	}
	return openCopy(path)
}

// openCopy opens a copy of a catalogue whose last writer was killed in the middle
// of a change, which cannot be undone without writing.
func openCopy(path string) (*DB, error) {
	dir, err := os.MkdirTemp("", "mailferry-catalogue-")
	if err != nil {
		return nil, err
	}
	copied := dir + "/catalogue.db"
	err = errors.Join(copyFile(copied, path), copyFile(copied+"-journal", path+"-journal"))
	if err == nil {
		var d *DB
		if d, err = Open(copied, true); err == nil {
			d.readOnly, d.temp = true, dir
			return d, nil
		}
	}
	return nil, errors.Join(err, os.RemoveAll(dir))
}

func copyFile(to, from string) error {
	text, err := os.Open(from)
	if err != nil {
		return err
	}
	defer text.Close()
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.ReadFrom(text)
	return errors.Join(err, f.Close())
}

// admit makes sure that the file is a catalogue of this format.
func (d *DB) admit(thorough bool) error {
	var app, version int
	row := d.queryRow(context.Background(), "SELECT a.application_id, v.user_version FROM pragma_application_id a, pragma_user_version v")
	if err := row.Scan(&app, &version); err != nil {
		return err
	}
	switch {
	case app != applicationID || version < 1:
		return damaged("it is not a catalogue of mailferry")
	case version > formatVersion:
		return fmt.Errorf("%w: format %d, this one knows %d", ErrNewer, version, formatVersion)
	}
	var one int
	if err := d.queryRow(context.Background(), "SELECT one FROM archive").Scan(&one); err != nil {
		return unreadable(err)
	}
	if !thorough {
		return nil
	}
	var result string
	if err := d.queryRow(context.Background(), "PRAGMA integrity_check(1)").Scan(&result); err != nil {
		return unreadable(err)
	}
	if result != "ok" {
		return damaged("%s", result)
	}
	return nil
}

// Close closes the catalogue. It may be called twice.
func (d *DB) Close() error {
	d.preparing.Lock()
	stmts := d.stmts
	d.stmts = make(map[string]*sql.Stmt)
	d.preparing.Unlock()
	var errs []error
	for _, s := range stmts {
		errs = append(errs, s.Close())
	}
	if d.line != nil {
		last := ""
		if !d.readOnly {
			// The journal goes; a reader that is at work makes this impossible, and then it stays, empty.
			last = "PRAGMA busy_timeout = 100; PRAGMA journal_mode = DELETE"
		}
		errs = append(errs, d.line.close(last))
	}
	errs = append(errs, d.db.Close())
	if d.temp != "" {
		errs = append(errs, os.RemoveAll(d.temp))
	}
	return errors.Join(errs...)
}

// forget drops what a change that failed may have put into the caches.
func (d *DB) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.setIDs)
	clear(d.sets)
	clear(d.origins)
	clear(d.byID)
}
