package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

const (
	applicationID = 0x4353474a // "CSGJ" in the file's header
	formatVersion = 1
)

const schema = `
CREATE TABLE journal (
	id      INTEGER PRIMARY KEY CHECK (id = 1),
	uid     BLOB NOT NULL,
	master  TEXT NOT NULL, -- id of the key that wraps the journal's key
	wrapped BLOB NOT NULL
);
CREATE TABLE events (
	seq    INTEGER PRIMARY KEY AUTOINCREMENT,
	at     INTEGER NOT NULL, -- first seen, ms since 1970
	sealed BLOB NOT NULL
);
CREATE INDEX events_at ON events (at);
CREATE TABLE visits (
	id     INTEGER PRIMARY KEY AUTOINCREMENT,
	entry  INTEGER NOT NULL, -- ms since 1970
	sealed BLOB NOT NULL
);
CREATE INDEX visits_entry ON visits (entry, id);
`

// What errors of this package wrap.
var (
	// ErrLocked: another process has the file open.
	ErrLocked = errors.New("locked")
	// ErrCorrupt: the file is not as it was written.
	ErrCorrupt = errors.New("corrupt")
	// ErrFull: there is no room on the disk, or the file has its greatest size.
	ErrFull = errors.New("full")
	// ErrReadOnly: the file or its folder can't be written.
	ErrReadOnly = errors.New("read-only")
	// ErrInvalid: a query is not within its limits.
	ErrInvalid = errors.New("invalid")
	// ErrClosed: the journal was closed.
	ErrClosed = errors.New("closed")
)

// database is the file, which one connection has to itself.
type database struct {
	path string
	pool *sql.DB
	conn *sql.Conn
}

func openDatabase(ctx context.Context, path string, fileBytes int64) (*database, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("gates' journal: %w", err)
	}
	// SQLite would make it readable by others.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: gates' journal: %w; its folder must exist and be writable by this process", ErrReadOnly, err)
		}
		return nil, fmt.Errorf("gates' journal: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("gates' journal: %w", err)
	}
	pool, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: "mode=rw"}).String())
	if err != nil {
		return nil, fmt.Errorf("gates' journal: %w", err)
	}
	pool.SetMaxOpenConns(1)
	db := &database{path: path, pool: pool}
	if db.conn, err = pool.Conn(ctx); err == nil {
		err = db.prepare(ctx, fileBytes)
	}
	if err != nil {
		return nil, errors.Join(db.translate(err), db.close())
	}
	return db, nil
}

// prepare takes the file for this process, and makes the tables of a new one.
func (db *database) prepare(ctx context.Context, fileBytes int64) error {
	for _, pragma := range []string{
		"busy_timeout = 0", "locking_mode = EXCLUSIVE", "journal_mode = WAL",
		"synchronous = FULL",  // what a subscriber was told of is there after a power cut
		"secure_delete = ON",  // what is deleted is overwritten
		"temp_store = MEMORY", // nothing is left in temporary files
		"cell_size_check = ON", "trusted_schema = OFF",
	} {
		if err := db.exec(ctx, "PRAGMA "+pragma); err != nil {
			return err
		}
	}
	if err := db.exec(ctx, "BEGIN EXCLUSIVE; COMMIT"); err != nil {
		return err
	}
	var application, version, tables, pageSize int64
	for query, v := range map[string]*int64{
		"PRAGMA application_id": &application, "PRAGMA user_version": &version, "PRAGMA page_size": &pageSize,
		"SELECT count(*) FROM sqlite_schema": &tables,
	} {
		if err := db.conn.QueryRowContext(ctx, query).Scan(v); err != nil {
			return err
		}
	}
	switch {
	case tables == 0 && application == 0:
		if err := db.exec(ctx, fmt.Sprintf("BEGIN; PRAGMA application_id = %d; PRAGMA user_version = %d; %s COMMIT", applicationID, formatVersion, schema)); err != nil {
			return err
		}
	case application != applicationID:
		return fmt.Errorf("%w: %s is no journal of gates", ErrCorrupt, db.path)
	case version != formatVersion:
		return fmt.Errorf("%w: %s has format version %d, this program knows %d", ErrInvalid, db.path, version, formatVersion)
	}
	if fileBytes > 0 {
		return db.exec(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", max(fileBytes/pageSize, 1)))
	}
	return nil
}

func (db *database) exec(ctx context.Context, statement string, args ...any) error {
	_, err := db.conn.ExecContext(ctx, statement, args...)
	return err
}

// together runs f in one transaction.
func (db *database) together(ctx context.Context, f func() error) error {
	if err := db.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		return db.translate(err)
	}
	// What was begun is ended, whatever became of the caller.
	ctx = context.WithoutCancel(ctx)
	if err := f(); err != nil {
		return errors.Join(db.translate(err), db.exec(ctx, "ROLLBACK"))
	}
	if err := db.exec(ctx, "COMMIT"); err != nil {
		// A failed COMMIT may have ended the transaction already; then there is nothing to roll back.
		_ = db.exec(ctx, "ROLLBACK")
		return db.translate(err)
	}
	return nil
}

// each calls visit for every row of a query.
func (db *database) each(ctx context.Context, visit func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := db.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return db.translate(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := visit(rows.Scan); err != nil {
			return err
		}
	}
	return db.translate(rows.Err())
}

func (db *database) translate(err error) error {
	var failure *sqlite.Error
	if err == nil || !errors.As(err, &failure) {
		return err
	}
	switch failure.Code() & 0xff {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return fmt.Errorf("%w: another process has %s open; ask its server, or give each its own file", ErrLocked, db.path)
	case lib.SQLITE_FULL:
		return fmt.Errorf("%w: %s can't grow: make room on the disk (%w)", ErrFull, db.path, err)
	case lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_PERM:
		return fmt.Errorf("%w: %s and its folder must be writable by this process (%w)", ErrReadOnly, db.path, err)
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return fmt.Errorf("%w: %s is damaged; restore it from a backup (%w)", ErrCorrupt, db.path, err)
	}
	return fmt.Errorf("%s: %w", db.path, err)
}

func (db *database) close() error {
	var err error
	if db.conn != nil {
		err = db.conn.Close()
	}
	return errors.Join(err, db.pool.Close())
}
