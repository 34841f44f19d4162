package ledger

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/url"

	"modernc.org/sqlite"
)

// maxReaders bounds the connections for reading; each has a cache of 2 MiB.
const maxReaders = 2

// dataSource names the file for SQLite. Synchronous FULL makes each commit wait
// for the disk; cell_size_check finds damage before it is followed.
func dataSource(path string, pragmas ...string) string {
	q := url.Values{"mode": {"rw"}, "_pragma": append([]string{
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)",
		"cell_size_check(ON)", "trusted_schema(OFF)", "temp_store(MEMORY)",
	}, pragmas...)}
	file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}
	return file.String()
}

// connect opens the file for at most n connections, which stay open once made.
func connect(path string, n int, pragmas ...string) (*sql.DB, error) {
	c, err := sqlite.NewConnector(dataSource(path, pragmas...))
	if err != nil {
		return nil, err
	}
	return pool(c, n), nil
}

func pool(c driver.Connector, n int) *sql.DB {
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db
}

// imageConnector opens a database in memory, once: its content is the image.
type imageConnector struct {
	driver.Connector
	image []byte
	used  bool
}

// connectImage opens the bytes of a database file. The image is let go of.
func connectImage(image []byte) (*sql.DB, error) {
	c, err := sqlite.NewConnector("file::memory:?_pragma=cell_size_check(ON)&_pragma=trusted_schema(OFF)")
	if err != nil {
		return nil, err
	}
	return pool(&imageConnector{Connector: c, image: image}, 1), nil
}

func (c *imageConnector) Connect(ctx context.Context) (driver.Conn, error) {
	if c.used {
		return nil, errors.New("the connection to the copy in memory is lost")
	}
	c.used = true
	conn, err := c.Connector.Connect(ctx)
	if err != nil || len(c.image) == 0 {
		return conn, err
	}
	d := conn.(interface{ Deserialize([]byte) error })
	err = d.Deserialize(c.image)
	c.image = nil
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}
