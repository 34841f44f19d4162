package ledger

import (
	"database/sql"
	"fmt"
)

// formatVersion is raised whenever an older program would misread the file.
const formatVersion = 2

// applicationID is "mfry", so that file(1) and this package know the file.
const applicationID = 0x6d667279

const schema = recordSchema + `
CREATE TABLE account (
	source BLOB NOT NULL,
	dest   BLOB NOT NULL
) STRICT;
CREATE TABLE pairs (
	id            INTEGER PRIMARY KEY,
	source        BLOB NOT NULL UNIQUE,
	dest          BLOB NOT NULL,
	src_validity  INTEGER NOT NULL,
	src_next      INTEGER NOT NULL,
	src_messages  INTEGER NOT NULL,
	src_modseq    INTEGER NOT NULL,
	src_unseen    INTEGER NOT NULL,
	src_bytes     INTEGER NOT NULL,
	src_permanent BLOB NOT NULL,
	src_any       INTEGER NOT NULL,
	dst_validity  INTEGER NOT NULL,
	dst_next      INTEGER NOT NULL,
	dst_messages  INTEGER NOT NULL,
	dst_modseq    INTEGER NOT NULL,
	dst_unseen    INTEGER NOT NULL,
	dst_bytes     INTEGER NOT NULL,
	dst_permanent BLOB NOT NULL,
	dst_any       INTEGER NOT NULL,
	adopted       INTEGER NOT NULL,
	complete      INTEGER NOT NULL,
	filter        BLOB NOT NULL,
	subscribed    INTEGER NOT NULL,
	sum           INTEGER NOT NULL
) STRICT;
CREATE INDEX pairs_dest ON pairs (dest);
CREATE TABLE intents (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	pair     INTEGER NOT NULL,
	validity INTEGER NOT NULL,
	next     INTEGER NOT NULL,
	source   TEXT NOT NULL,
	sum      INTEGER NOT NULL
) STRICT;
CREATE TABLE runs (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	started  INTEGER NOT NULL,
	finished INTEGER,
	summary  BLOB
) STRICT;
`

// recordSchema is what holds the records. The chunks' index serves Claimed: a destination
// folder has few pairs.
const recordSchema = `
CREATE TABLE flags (
	id   INTEGER PRIMARY KEY,
	text BLOB NOT NULL UNIQUE,
	sum  INTEGER NOT NULL
) STRICT;
CREATE TABLE chunks (
	pair  INTEGER NOT NULL,
	first INTEGER NOT NULL,
	last  INTEGER NOT NULL,
	top   INTEGER NOT NULL,
	data  BLOB NOT NULL,
	sum   INTEGER NOT NULL,
	PRIMARY KEY (pair, first)
) STRICT, WITHOUT ROWID;
CREATE INDEX chunks_top ON chunks (pair, top);
`

// create makes an empty database a ledger, all of it or nothing.
func create(db *sql.DB, id Identity) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	mark := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", applicationID, formatVersion)
	if _, err := tx.Exec(schema + mark); err != nil {
		return err
	}
	if _, err := tx.Exec("INSERT INTO account VALUES (?, ?)", []byte(id.Source), []byte(id.Dest)); err != nil {
		return err
	}
	return tx.Commit()
}
