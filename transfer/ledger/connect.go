package ledger

import (
	"database/sql"
	"database/sql/driver"
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

// connectEmpty makes a database in memory, which has nothing in it. It lives as
// long as its one connection.
func connectEmpty() (*sql.DB, error) {
	c, err := sqlite.NewConnector(":memory:")
	if err != nil {
		return nil, err
	}
	return pool(c, 1), nil
}
