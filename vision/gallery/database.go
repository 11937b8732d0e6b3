package gallery

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver
)

const (
	applicationID = 0x43534741 // "CSGA" in the file's header
	formatVersion = 1
	// pageBytes lets seven templates of 512 dimensions share a page.
	pageBytes = 16384
)

const schema = `
CREATE TABLE store (
	id      INTEGER PRIMARY KEY CHECK (id = 1),
	uid     BLOB NOT NULL,
	master  TEXT NOT NULL, -- id of the key that wraps the store's key
	wrapped BLOB NOT NULL
);
CREATE TABLE galleries (
	id     INTEGER PRIMARY KEY AUTOINCREMENT,
	name   TEXT NOT NULL UNIQUE,
	uid    BLOB NOT NULL,
	key    INTEGER NOT NULL, -- gallery_keys.seq that sealed is encrypted with
	sealed BLOB NOT NULL
);
CREATE TABLE gallery_keys (
	gallery INTEGER NOT NULL,
	seq     INTEGER NOT NULL,
	master  TEXT NOT NULL,
	wrapped BLOB NOT NULL,
	PRIMARY KEY (gallery, seq)
);
CREATE TABLE slots ( -- the encrypted records; see slots.go
	id    INTEGER PRIMARY KEY,
	bytes BLOB NOT NULL
);
CREATE TABLE free (
	slot INTEGER PRIMARY KEY,
	size INTEGER NOT NULL
);
CREATE TABLE persons (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	gallery INTEGER NOT NULL,
	key     INTEGER NOT NULL, -- gallery_keys.seq that the record is encrypted with
	slot    INTEGER NOT NULL
);
CREATE INDEX persons_gallery ON persons (gallery, key);
CREATE TABLE templates (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	gallery INTEGER NOT NULL,
	person  INTEGER NOT NULL,
	key     INTEGER NOT NULL,
	slot    INTEGER NOT NULL
);
CREATE INDEX templates_person ON templates (gallery, person);
CREATE INDEX templates_key ON templates (gallery, key);
`

// database is the file. All its statements go through one connection, which has it to itself.
type database struct {
	path    string
	pool    *sql.DB
	conn    *sql.Conn
	release func() // gives up the process's claim on the file; nil where there is none
}

// openDatabase opens the file, or makes it with what initialise puts in. A new file gets its name only when it is whole, so
// that an empty one is never taken for a gallery without persons.
func openDatabase(ctx context.Context, path string, fileBytes int64, initialise func(context.Context, *database) error) (*database, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("gallery file: %w", err)
	}
	release, err := claim(path)
	if err != nil {
		return nil, err
	}
	db, err := openClaimed(ctx, path, fileBytes, initialise)
	if err != nil {
		release()
		return nil, err
	}
	db.release = release
	return db, nil
}

func openClaimed(ctx context.Context, path string, fileBytes int64, initialise func(context.Context, *database) error) (*database, error) {
	_, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = create(ctx, path, initialise)
	case err == nil:
		err = inspectHeader(path)
	default:
		err = fmt.Errorf("%w: gallery file: %w", ErrReadOnly, err)
	}
	if err != nil {
		return nil, err
	}
	db, err := connect(ctx, path)
	if err != nil {
		return nil, err
	}
	if err := db.inspect(ctx, fileBytes); err != nil {
		return nil, errors.Join(db.translate(err), db.close())
	}
	return db, nil
}

func create(ctx context.Context, path string, initialise func(context.Context, *database) error) (err error) {
	fresh := path + ".new"
	// What an earlier attempt left behind holds nothing that was acknowledged.
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(fresh + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: gallery file: %w", ErrReadOnly, err)
		}
	}
	f, err := os.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("%w: gallery file: %w; its folder must exist and be writable by this process", ErrReadOnly, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("gallery file: %w", err)
	}
	db, err := connect(ctx, fresh)
	if err != nil {
		return err
	}
	err = db.exec(ctx, fmt.Sprintf("BEGIN; PRAGMA application_id = %d; PRAGMA user_version = %d; %s", applicationID, formatVersion, schema))
	if err == nil {
		err = initialise(ctx, db)
	}
	if err == nil {
		err = db.exec(ctx, "COMMIT")
	}
	if err = errors.Join(db.translate(err), db.close()); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("gallery file: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return fmt.Errorf("gallery file: %w", err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("gallery file: sync its folder: %w", err)
	}
	return nil
}

func connect(ctx context.Context, path string) (*database, error) {
	pool, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: "mode=rw"}).String())
	if err != nil {
		return nil, fmt.Errorf("gallery file: %w", err)
	}
	pool.SetMaxOpenConns(1)
	db := &database{path: path, pool: pool}
	if db.conn, err = pool.Conn(ctx); err != nil {
		return nil, errors.Join(db.translate(err), pool.Close())
	}
	for _, pragma := range []string{
		fmt.Sprintf("page_size = %d", pageBytes),
		"busy_timeout = 0",
		// The lock is taken with the first access and kept: a second process would not see what this one holds in memory.
		"locking_mode = EXCLUSIVE",
		"journal_mode = WAL",
		"synchronous = FULL",       // an acknowledged write survives a power cut
		"secure_delete = ON",       // what is deleted is overwritten in the pages
		"temp_store = MEMORY",      // nothing is left in temporary files
		"cell_size_check = ON",     // damaged pages are refused, not followed
		"trusted_schema = OFF",     // a schema that was tampered with runs no functions
		"cache_size = -16384",      // KiB
		"wal_autocheckpoint = 500", // pages, 8 MB
	} {
		if err := db.exec(ctx, "PRAGMA "+pragma); err != nil {
			return nil, errors.Join(db.translate(err), db.close())
		}
	}
	// Takes the exclusive lock even where the pragmas did not need it.
	if err := db.exec(ctx, "BEGIN EXCLUSIVE; COMMIT"); err != nil {
		return nil, errors.Join(db.translate(err), db.close())
	}
	return db, nil
}

// inspect refuses a file that was cut short, and sets how large it may grow.
func (db *database) inspect(ctx context.Context, fileBytes int64) error {
	var pages, size int64
	for pragma, v := range map[string]*int64{"page_count": &pages, "page_size": &size} {
		if err := db.conn.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(v); err != nil {
			return err
		}
	}
	if err := db.checkpoint(ctx); err != nil {
		return err
	}
	info, err := os.Stat(db.path)
	if err != nil {
		return err
	}
	if info.Size() < pages*size {
		return fmt.Errorf("%w: %s is cut short: it has %d bytes of %d; restore it from a backup", ErrCorrupt, db.path, info.Size(), pages*size)
	}
	if fileBytes > 0 {
		// Not below what is there: SQLite takes the number of pages then.
		return db.exec(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", max(fileBytes/size, 1)))
	}
	return nil
}

// checkpoint moves what was written from the log into the file and empties the log, so that nothing deleted is left in it.
func (db *database) checkpoint(ctx context.Context) error {
	var busy, frames, moved int
	if err := db.conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved); err != nil {
		return err
	}
	if busy != 0 {
		return fmt.Errorf("gallery file %s: its log could not be emptied", db.path)
	}
	return nil
}

func (db *database) exec(ctx context.Context, statement string, args ...any) error {
	_, err := db.conn.ExecContext(ctx, statement, args...)
	return err
}

// each calls visit for every row of a query.
func (db *database) each(ctx context.Context, visit func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := db.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := visit(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (db *database) translate(err error) error { return translate(db.path, err) }

func (db *database) close() error {
	err := errors.Join(db.conn.Close(), db.pool.Close())
	if db.release != nil {
		db.release()
	}
	return err
}
