/* SQLite, opened the one way this project uses it: WAL, one writer, prepared statements kept.
 *
 * Knows no table: store/ (the client's database) and node/ (the node's) both stand on it.
 *
 * A query is a struct db_query on the caller's stack.  It is sticky: a failed prepare or bind shows
 * in the next db_step(), so a verb reads straight down and looks at one return code:
 *
 *     struct db_query q;
 *
 *     db_query(&q, db, "SELECT state FROM intents WHERE id = ?1");
 *     db_bind_i64(&q, 1, id);
 *     if ((r = db_step(&q, err)) == DB_ROW)
 *         *state = db_col_i64(&q, 0);
 *     db_end(&q);
 *
 * SQL texts are string literals: the cache of statements is keyed by their address.  The same text
 * may run twice at once (a callback that asks what its caller asks); the second gets a statement of
 * its own.  A statement left open would hold the WAL, so every verb ends its query before it returns.
 *
 * Thread: a connection belongs to one thread at a time. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct db;
struct sqlite3;
struct sqlite3_stmt;

enum db_durability {
    /* Survives a crash of the program; the last moments may be lost with the power.  For what comes
     * again by itself: received envelopes. */
    DB_NORMAL,
    /* On the disk before db_commit() returns: intents and ratchets about to be used on the wire. */
    DB_DURABLE,
};

struct db_options {
    bool read_only;    /* never writes; the file must exist */
    bool create;       /* makes the file, mode 0600, if it is not there */
    int64_t max_pages; /* 0: no limit.  Over it a write fails as if the disk were full */
    int busy_ms;       /* how long a write waits for another connection's; 0: 5 seconds */
    bool checkpoints_itself; /* no: the commit that makes the WAL long moves it into the file, while somebody may
                                be waiting for its answer; yes: the caller does, with db_checkpoint_some() */
};

/* `options` may be NULL.  ERR_NOTFOUND (no file and not to be created), ERR_IO, ERR_CORRUPT (no SQLite
 * database), ERR_LOCKED, ERR_NOMEM. */
int db_open(const char *path, const struct db_options *options, struct db **out, struct err *err);
/* Ends every cached statement; an open transaction is rolled back.  NULL is fine. */
void db_close(struct db *db);

/* Between these all that is read is one state of the database, and the file is locked once for all of it.  On a
 * connection that only reads; not for long, since the WAL grows meanwhile. */
int db_begin_reading(struct db *db, struct err *err);
void db_end_reading(struct db *db);

/* One transaction at a time: ERR_STATE inside another.  The lock for writing is taken at once. */
int db_begin(struct db *db, enum db_durability durability, struct err *err);
/* On failure (ERR_IO, disk full) everything is rolled back. */
int db_commit(struct db *db, struct err *err);
/* Without a transaction it does nothing, so a `done:` may always call it. */
void db_rollback(struct db *db);
bool db_in_transaction(const struct db *db);

/* Runs a script of statements without parameters. */
int db_exec(struct db *db, const char *sql, struct err *err);
/* One integer, e.g. of a PRAGMA. */
int db_int(struct db *db, const char *sql, int64_t *out, struct err *err);
/* Moves the WAL into the file and truncates it.  ERR_LOCKED while a reader holds it: harmless. */
int db_checkpoint(struct db *db, struct err *err);
/* Has the last commit left a WAL that is to be moved?  Only of a database opened with `checkpoints_itself`. */
bool db_checkpoint_is_due(const struct db *db);
/* Moves what no reader is using, and waits for none.  What fails is due again after the next commit. */
int db_checkpoint_some(struct db *db, struct err *err);
int64_t db_last_id(const struct db *db); /* rowid of the last insert */
int64_t db_changes(const struct db *db); /* rows changed by the last statement */
/* For what this header lacks, and for tests. */
struct sqlite3 *db_handle(const struct db *db);

enum { DB_DONE = 0, DB_ROW = 1 };

struct db_query {
    struct db *db;
    struct sqlite3_stmt *stmt;
    int rc;   /* first SQLite code that was not OK */
    int slot; /* in the cache; -1: of its own */
};

void db_query(struct db_query *q, struct db *db, const char *sql);
/* Parameters count from 1.  Bytes and text are borrowed until db_end(), except by db_bind_copy(). */
void db_bind_i64(struct db_query *q, int at, int64_t value);
void db_bind_slice(struct db_query *q, int at, struct slice value);         /* a blob; empty is not NULL */
void db_bind_slice_or_null(struct db_query *q, int at, struct slice value); /* data NULL: NULL */
void db_bind_copy(struct db_query *q, int at, struct slice value);
void db_bind_text(struct db_query *q, int at, const char *value); /* NULL: NULL */
void db_bind_null(struct db_query *q, int at);
/* DB_ROW, DB_DONE, or an error: ERR_IO (text says when the disk is full), ERR_LOCKED, ERR_CORRUPT,
 * ERR_EXISTS (a uniqueness rule), ERR_NOMEM, ERR_CANCELED (interrupted). */
int db_step(struct db_query *q, struct err *err);
/* Ready to be bound and stepped again. */
void db_again(struct db_query *q);
/* Gives the statement back; may be called twice. */
void db_end(struct db_query *q);
/* Steps a statement that returns no row, and ends it.  0 or an error. */
int db_run(struct db_query *q, struct err *err);

/* Columns count from 0; slices and text are valid until the next step. */
int64_t db_col_i64(const struct db_query *q, int at); /* NULL: 0 */
int64_t db_col_i64_or(const struct db_query *q, int at, int64_t if_null);
struct slice db_col_slice(const struct db_query *q, int at); /* NULL: data NULL */
const char *db_col_text(const struct db_query *q, int at);   /* NULL: NULL */
bool db_col_null(const struct db_query *q, int at);

/* Maps an SQLite result code and puts "doing: reason" into err. */
int db_error(struct db *db, int rc, const char *doing, struct err *err);
