package catalogue

// formatVersion is raised whenever an older program would misread the file.
const formatVersion = 1

// applicationID is "mfra", so that file(1) and this package know the file.
const applicationID = 0x6d667261

// A message is there from run added up to but not including run gone (0: still
// there). flags hold since run flags_since; earlier ones are in flag_history, each
// up to the next. suspect is the run that first missed the message at the source.
const schema = `
CREATE TABLE archive (
	one      INTEGER PRIMARY KEY CHECK (one = 1),
	format   TEXT NOT NULL,
	source   BLOB NOT NULL,
	validity INTEGER NOT NULL
) STRICT;
CREATE TABLE runs (
	id       INTEGER PRIMARY KEY,
	source   BLOB NOT NULL,
	started  INTEGER NOT NULL,
	ended    INTEGER NOT NULL DEFAULT 0,
	complete INTEGER NOT NULL DEFAULT 0,
	added    INTEGER NOT NULL DEFAULT 0,
	reflagged INTEGER NOT NULL DEFAULT 0,
	gone     INTEGER NOT NULL DEFAULT 0,
	suspect  INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE folders (
	id         INTEGER PRIMARY KEY,
	path       BLOB NOT NULL UNIQUE,
	dir        BLOB NOT NULL UNIQUE,
	validity   INTEGER NOT NULL,
	next       INTEGER NOT NULL,
	modseq     INTEGER NOT NULL,
	stamp      INTEGER NOT NULL,
	role       TEXT NOT NULL,
	subscribed INTEGER NOT NULL,
	messages   INTEGER NOT NULL,
	unseen     INTEGER NOT NULL,
	bytes      INTEGER NOT NULL,
	added      INTEGER NOT NULL,
	gone       INTEGER NOT NULL,
	suspect    INTEGER NOT NULL
) STRICT;
CREATE TABLE folder_history (
	folder INTEGER NOT NULL,
	added  INTEGER NOT NULL,
	gone   INTEGER NOT NULL,
	PRIMARY KEY (folder, added)
) STRICT, WITHOUT ROWID;
CREATE TABLE origins (
	id       INTEGER PRIMARY KEY,
	source   BLOB NOT NULL,
	folder   BLOB NOT NULL,
	hash     INTEGER NOT NULL,
	validity INTEGER NOT NULL,
	UNIQUE (source, folder, hash, validity)
) STRICT;
CREATE TABLE flagsets (
	id   INTEGER PRIMARY KEY,
	text BLOB NOT NULL UNIQUE
) STRICT;
CREATE TABLE messages (
	folder      INTEGER NOT NULL,
	uid         INTEGER NOT NULL,
	origin      INTEGER NOT NULL,
	origin_uid  INTEGER NOT NULL,
	place       BLOB NOT NULL,
	size        INTEGER NOT NULL,
	sum         BLOB NOT NULL,
	proven      INTEGER NOT NULL,
	date        INTEGER NOT NULL,
	zone        INTEGER NOT NULL,
	bare        BLOB NOT NULL,
	full        BLOB NOT NULL,
	has_id      INTEGER NOT NULL,
	flags       INTEGER NOT NULL,
	flags_since INTEGER NOT NULL,
	modseq      INTEGER NOT NULL,
	added       INTEGER NOT NULL,
	gone        INTEGER NOT NULL,
	suspect     INTEGER NOT NULL,
	PRIMARY KEY (folder, uid)
) STRICT, WITHOUT ROWID;
CREATE TABLE flag_history (
	folder INTEGER NOT NULL,
	uid    INTEGER NOT NULL,
	since  INTEGER NOT NULL,
	flags  INTEGER NOT NULL,
	PRIMARY KEY (folder, uid, since)
) STRICT, WITHOUT ROWID;
INSERT INTO flagsets (id, text) VALUES (1, x'');
`
