#include "store/db.h"

#include "base/alloc.h"
#include "store/wal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

/* Both programs together have under 200 texts; a full cache only means preparing again. */
#define CACHE_SLOTS 512
#define CACHE_MOST  384
#define BUSY_MS     5000
/* A transaction of one message changes about ten pages, each of which goes to the WAL whole: pages smaller
 * than the usual 4096 make it a quarter faster.  (Pieces of some 100 kB, rare, become half as slow again: 2.5
 * ms for 300 kB.) */
#define PAGE_BYTES "2048"
/* The WAL is moved into the file, with three waits for the disk, every so many pages (2 MB): about every 100
 * messages.  Four times as many gained nothing.  After a burst the file is cut back to a little more than that. */
#define WAL_PAGES      1000
#define WAL_BYTES_KEPT "2359296"

struct cached {
    sqlite3_stmt *stmt;
    bool busy;
};

struct db {
    sqlite3 *sqlite;
    struct cached cache[CACHE_SLOTS];
    unsigned cached;
    bool in_transaction; /* from db_begin() to its end, whatever SQLite did in between */
    bool checkpoint_due;
    struct wal_file *wal;
};

static pthread_once_t library = PTHREAD_ONCE_INIT;

/* SQLite's own text for what a person can act on is thin: ours says it. */
static enum err_code map(int rc, const char **why)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        *why = "disk full";
        return ERR_IO;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        *why = "database in use by another connection";
        return ERR_LOCKED;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        *why = "database file damaged";
        return ERR_CORRUPT;
    case SQLITE_NOMEM:
        *why = "out of memory";
        return ERR_NOMEM;
    case SQLITE_INTERRUPT:
        *why = "interrupted";
        return ERR_CANCELED;
    case SQLITE_TOOBIG:
        *why = "value too large";
        return ERR_TOOBIG;
    case SQLITE_CONSTRAINT:
        return ERR_EXISTS;
    case SQLITE_ABORT:
        *why = "an earlier error has undone the transaction";
        return ERR_STATE;
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_ERROR:
        return ERR_STATE;
    default:
        return ERR_IO;
    }
}

static bool means_full(int system_error)
{
    return system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG;
}

/* A quota or a file size limit is a full disk to whoever has to make room, but SQLite says "I/O error".  The
 * cause stands with the file that met it: the database or its WAL. */
static bool is_full(struct db *db, int rc)
{
    sqlite3_file *wal = NULL;
    int e = 0;

    if ((rc & 0xff) != SQLITE_IOERR || !db || !db->sqlite)
        return false;
    sqlite3_file_control(db->sqlite, "main", SQLITE_FCNTL_LAST_ERRNO, &e);
    if (!means_full(e) &&
        sqlite3_file_control(db->sqlite, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal) == SQLITE_OK && wal &&
        wal->pMethods)
        wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &e);
    return means_full(e);
}

int db_error(struct db *db, int rc, const char *doing, struct err *err)
{
    const char *why = db && db->sqlite ? sqlite3_errmsg(db->sqlite) : sqlite3_errstr(rc);
    enum err_code code = map(is_full(db, rc) ? SQLITE_FULL : rc, &why);

    return err_set(err, code, "%s: %s (SQLite %d)", doing, why, rc);
}

/* SQLite would use the umask; the file and its WAL are for their owner alone. */
static int create_private(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return err_set(err, ERR_IO, "creating %s: %s", path, strerror(errno));
    close(fd);
    return 0;
}

static int note_wal(void *ctx, sqlite3 *sqlite, const char *schema, int pages)
{
    struct db *db = ctx;

    (void)sqlite;
    (void)schema;
    db->checkpoint_due = pages >= WAL_PAGES;
    return SQLITE_OK;
}

static int configure(struct db *db, const struct db_options *o, struct err *err)
{
    char sql[64];
    int r;

    sqlite3_busy_timeout(db->sqlite, o->busy_ms ? o->busy_ms : BUSY_MS);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)0);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DQS_DML, 0, (int *)0);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DQS_DDL, 0, (int *)0);
    r = db_exec(db,
                "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
                "PRAGMA cache_size = -4000;",
                err);
    if (r == 0 && o->read_only)
        return db_exec(db, "PRAGMA query_only = ON", err);
    if (r == 0)
        r = db_exec(db,
                    "PRAGMA page_size = " PAGE_BYTES
                    "; PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON;" WAL_FILE_PRAGMAS
                    "PRAGMA journal_size_limit = " WAL_BYTES_KEPT,
                    err);
    if (o->checkpoints_itself)
        sqlite3_wal_hook(db->sqlite, note_wal, db);
    else
        sqlite3_wal_autocheckpoint(db->sqlite, WAL_PAGES);
    if (r == 0 && o->max_pages) {
        sqlite3_snprintf(sizeof sql, sql, "PRAGMA max_page_count = %lld", (long long)o->max_pages);
        r = db_exec(db, sql, err);
    }
    return r;
}

/* SQLite's counters of memory, which nobody here reads, take a lock and a look at the block with each allocation.
 * Where somebody has started the library before, they stay. */
static void start_library(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int db_open(const char *path, const struct db_options *options, struct db **out, struct err *err)
{
    const struct db_options o = options ? *options : (struct db_options){0};
    struct db *db = NULL;
    int64_t ignored;
    int rc, r;

    pthread_once(&library, start_library);
    if (access(path, F_OK) != 0) {
        if (errno != ENOENT) /* what somebody else's folder holds is not known */
            return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
        if (!o.create || o.read_only)
            return err_set(err, ERR_NOTFOUND, "no database at %s", path);
        if ((r = create_private(path, err)) != 0)
            return r;
    }
    if (!(db = xm_alloc(sizeof *db)))
        return err_set(err, ERR_NOMEM, "opening %s: out of memory", path);
    if ((r = wal_file_new(&db->wal, err)) != 0)
        goto done;
    /* A reader too is opened for writing: in WAL mode it has to write its place into the -shm file.
     * query_only keeps it from anything else. */
    rc = sqlite3_open_v2(path, &db->sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        r = db_error(db, rc, "opening the database", err);
        goto done;
    }
    sqlite3_extended_result_codes(db->sqlite, 1);
    /* The first read is what tells a database from any other file. */
    if ((r = configure(db, &o, err)) != 0 || (r = db_int(db, "PRAGMA schema_version", &ignored, err)) != 0)
        goto done;
    *out = db;
    db = NULL;
done:
    db_close(db);
    return r;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    db_rollback(db);
    for (unsigned i = 0; i < CACHE_SLOTS; i++)
        sqlite3_finalize(db->cache[i].stmt);
    sqlite3_close(db->sqlite);
    wal_file_free(db->wal);
    xm_free(db);
}

int db_exec(struct db *db, const char *sql, struct err *err)
{
    int rc = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : db_error(db, rc, "database", err);
}

int db_int(struct db *db, const char *sql, int64_t *out, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, db, sql);
    if ((r = db_step(&q, err)) == DB_ROW)
        *out = db_col_i64(&q, 0);
    db_end(&q);
    if (r == DB_DONE)
        return err_set(err, ERR_NOTFOUND, "no row");
    return r == DB_ROW ? 0 : r;
}

static int run(struct db *db, const char *sql, struct err *err)
{
    struct db_query q;

    db_query(&q, db, sql);
    return db_run(&q, err);
}

int db_begin_reading(struct db *db, struct err *err)
{
    return run(db, "BEGIN", err);
}

void db_end_reading(struct db *db)
{
    if (run(db, "COMMIT", NULL) != 0 && !sqlite3_get_autocommit(db->sqlite))
        sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

int db_begin(struct db *db, enum db_durability durability, struct err *err)
{
    int r;

    if (db->in_transaction)
        return err_set(err, ERR_STATE, "a transaction is open already");
    if ((r = run(db, "BEGIN IMMEDIATE", err)) != 0)
        return r;
    db->in_transaction = true;
    wal_file_begin(db->wal, db->sqlite, durability == DB_DURABLE);
    return 0;
}

int db_commit(struct db *db, struct err *err)
{
    int r;

    if (!db->in_transaction)
        return err_set(err, ERR_STATE, "no transaction is open");
    if ((r = run(db, "COMMIT", err)) != 0)
        db_rollback(db);
    wal_file_end(db->wal);
    db->in_transaction = false;
    return r;
}

void db_rollback(struct db *db)
{
    if (!db->in_transaction)
        return;
    db->in_transaction = false;
    /* After a full disk SQLite has rolled back by itself. */
    if (!sqlite3_get_autocommit(db->sqlite))
        sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
    wal_file_end(db->wal);
}

bool db_in_transaction(const struct db *db)
{
    return db->in_transaction;
}

int db_checkpoint(struct db *db, struct err *err)
{
    int rc = sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

    return rc == SQLITE_OK ? 0 : db_error(db, rc, "writing the WAL back", err);
}

bool db_checkpoint_is_due(const struct db *db)
{
    return db->checkpoint_due;
}

int db_checkpoint_some(struct db *db, struct err *err)
{
    int rc = sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

    db->checkpoint_due = false;
    return rc == SQLITE_OK ? 0 : db_error(db, rc, "writing the WAL back", err);
}

int64_t db_last_id(const struct db *db)
{
    return sqlite3_last_insert_rowid(db->sqlite);
}

int64_t db_changes(const struct db *db)
{
    return sqlite3_changes64(db->sqlite);
}

struct sqlite3 *db_handle(const struct db *db)
{
    return db->sqlite;
}

static unsigned slot_of(const char *sql)
{
    uint64_t mixed = (uint64_t)(uintptr_t)sql * UINT64_C(0x9e3779b97f4a7c15);

    return (unsigned)(mixed >> 32) % CACHE_SLOTS;
}

/* Text in a buffer may have changed since: the address finds the slot, the text decides. */
static bool same_sql(sqlite3_stmt *stmt, const char *sql)
{
    const char *has = sqlite3_sql(stmt);

    return has && strcmp(has, sql) == 0;
}

void db_query(struct db_query *q, struct db *db, const char *sql)
{
    unsigned at = slot_of(sql);

    *q = (struct db_query){.db = db, .rc = SQLITE_OK, .slot = -1};
    if (db->in_transaction && sqlite3_get_autocommit(db->sqlite)) {
        /* SQLite ended the transaction at an error that the caller passed over: going on would write
         * half of it. */
        q->rc = SQLITE_ABORT;
        return;
    }
    while (db->cache[at].stmt && !same_sql(db->cache[at].stmt, sql))
        at = (at + 1) % CACHE_SLOTS;
    if (db->cache[at].stmt && !db->cache[at].busy) {
        q->stmt = db->cache[at].stmt;
    } else {
        q->rc = sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &q->stmt, NULL);
        if (q->rc != SQLITE_OK || db->cache[at].stmt || db->cached >= CACHE_MOST)
            return;
        db->cache[at].stmt = q->stmt;
        db->cached++;
    }
    db->cache[at].busy = true;
    q->slot = (int)at;
}

static void note(struct db_query *q, int rc)
{
    if (q->rc == SQLITE_OK)
        q->rc = rc;
}

void db_bind_i64(struct db_query *q, int at, int64_t value)
{
    if (q->rc == SQLITE_OK)
        note(q, sqlite3_bind_int64(q->stmt, at, value));
}

void db_bind_slice(struct db_query *q, int at, struct slice value)
{
    if (q->rc != SQLITE_OK)
        return;
    if (value.len)
        note(q, sqlite3_bind_blob64(q->stmt, at, value.data, value.len, SQLITE_STATIC));
    else
        note(q, sqlite3_bind_zeroblob(q->stmt, at, 0));
}

void db_bind_slice_or_null(struct db_query *q, int at, struct slice value)
{
    if (value.data)
        db_bind_slice(q, at, value);
    else
        db_bind_null(q, at);
}

void db_bind_copy(struct db_query *q, int at, struct slice value)
{
    if (q->rc == SQLITE_OK && value.len)
        note(q, sqlite3_bind_blob64(q->stmt, at, value.data, value.len, SQLITE_TRANSIENT));
    else
        db_bind_slice(q, at, value);
}

void db_bind_text(struct db_query *q, int at, const char *value)
{
    if (q->rc == SQLITE_OK)
        note(q, sqlite3_bind_text(q->stmt, at, value, -1, SQLITE_STATIC));
}

void db_bind_null(struct db_query *q, int at)
{
    if (q->rc == SQLITE_OK)
        note(q, sqlite3_bind_null(q->stmt, at));
}

int db_step(struct db_query *q, struct err *err)
{
    int rc = q->rc;

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(q->stmt);
        if (rc == SQLITE_ROW)
            return DB_ROW;
        if (rc == SQLITE_DONE)
            return DB_DONE;
        q->rc = rc;
    }
    return db_error(q->db, rc, "database", err);
}

void db_again(struct db_query *q)
{
    if (q->stmt)
        sqlite3_reset(q->stmt);
}

void db_end(struct db_query *q)
{
    if (!q->stmt)
        return;
    if (q->slot < 0) {
        sqlite3_finalize(q->stmt);
    } else {
        sqlite3_reset(q->stmt);
        /* Borrowed parameters must not be looked at again. */
        sqlite3_clear_bindings(q->stmt);
        q->db->cache[q->slot].busy = false;
    }
    q->stmt = NULL;
}

int db_run(struct db_query *q, struct err *err)
{
    int r = db_step(q, err);

    db_end(q);
    return r < 0 ? r : 0;
}

int64_t db_col_i64(const struct db_query *q, int at)
{
    return sqlite3_column_int64(q->stmt, at);
}

int64_t db_col_i64_or(const struct db_query *q, int at, int64_t if_null)
{
    return db_col_null(q, at) ? if_null : sqlite3_column_int64(q->stmt, at);
}

struct slice db_col_slice(const struct db_query *q, int at)
{
    static const uint8_t empty;
    const void *data;

    if (db_col_null(q, at))
        return (struct slice){0};
    data = sqlite3_column_blob(q->stmt, at);
    /* An empty blob has no address, but is not NULL. */
    return slice_of(data ? data : &empty, (size_t)sqlite3_column_bytes(q->stmt, at));
}

const char *db_col_text(const struct db_query *q, int at)
{
    return (const char *)sqlite3_column_text(q->stmt, at);
}

bool db_col_null(const struct db_query *q, int at)
{
    return sqlite3_column_type(q->stmt, at) == SQLITE_NULL;
}
