#include "store/store.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rand.h"
#include "store/home.h"
#include "store/keys.h"
#include "store/lock.h"
#include "store/migrate.h"
#include "store/rows.h"

#include <errno.h>
#include <sodium.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION_ID 0x786d7475 /* "xmtu": what file(1) and we recognise it by */
/* RFC 9106 section 4, the choice for machines with little memory; 0.15 s here. */
#define ARGON_PASSES 3
#define ARGON_BYTES  (64u << 20)

static struct store *store_new(const char *home, const struct store_options *options)
{
    const struct store_options o = options ? *options : (struct store_options){0};
    struct store *store = xm_alloc(sizeof *store);

    if (!store)
        return NULL;
    store->lock_fd = -1;
    store->clock = o.clock ? o.clock : &clock_system;
    store->rand = o.rand ? o.rand : &rand_system;
    store->cost.passes = o.argon_passes ? o.argon_passes : ARGON_PASSES;
    store->cost.bytes = o.argon_bytes ? o.argon_bytes : ARGON_BYTES;
    if (!(store->path = home_path(home, STORE_FILE))) {
        store_close(store);
        return NULL;
    }
    return store;
}

static int take_lock(struct store *store, const char *home, struct err *err)
{
    char *path = home_path(home, STORE_LOCK_FILE);
    int r = path ? lock_take(path, &store->lock_fd, err) : store_no_memory(err);

    xm_free(path);
    return r;
}

/* A copy or a restored backup may have come with other modes than those that we make. */
static int close_to_others(struct store *store, const char *home, struct err *err)
{
    struct stat st;
    int r = store_home_make(home, err);

    if (r == 0 && stat(store->path, &st) == 0 && (st.st_mode & 077) && chmod(store->path, 0600) != 0)
        r = err_set(err, ERR_DENIED, "%s is open to other users and not ours to close: %s", store->path,
                    strerror(errno));
    return r;
}

/* A file without tables is what a crash during store_create() leaves: as good as none. */
static int check_kind(struct db *db, int64_t *version, struct err *err)
{
    int64_t application;
    int r;

    if ((r = migrate_version(db, version, err)) != 0 ||
        (r = db_int(db, "PRAGMA application_id", &application, err)) != 0)
        return r;
    if (*version != 0 && application != APPLICATION_ID)
        return err_set(err, ERR_CORRUPT, "the file is a database of another program");
    return 0;
}

static void use_key(struct store *store, const uint8_t data_key[SEAL_KEY_LEN])
{
    sealer_init(&store->sealer, data_key, store->rand);
}

/* One transaction makes tables and key together. */
static int create_tables(struct store *store, const struct store_key *key, struct err *err)
{
    const struct keys_cost cost = {store->cost.passes, store->cost.bytes};
    uint8_t data_key[SEAL_KEY_LEN];
    char sql[80];
    int r;

    rand_fill(store->rand, data_key, sizeof data_key);
    use_key(store, data_key);
    sqlite3_snprintf(sizeof sql, sql, "PRAGMA application_id = %d; PRAGMA user_version = %d;", APPLICATION_ID,
                     (int)schema_version);
    if ((r = db_begin(store->db, DB_DURABLE, err)) != 0)
        goto done;
    for (size_t i = 0; r == 0 && i < schema_version; i++) {
        r = db_exec(store->db, schema_migrations[i].sql, err);
        if (r == 0 && schema_migrations[i].run)
            r = schema_migrations[i].run(store, err);
    }
    if (r == 0 && (r = keys_wrap(store->db, data_key, key, &cost, store->rand, err)) == 0 &&
        (r = db_exec(store->db, sql, err)) == 0)
        r = db_commit(store->db, err);
    db_rollback(store->db);
done:
    sodium_memzero(data_key, sizeof data_key);
    return r;
}

int store_create(const char *home, const struct store_key *key, const struct store_options *options,
                 struct store **out, struct err *err)
{
    const struct db_options db_options = {.create = true, .max_pages = options ? options->max_pages : 0};
    struct store *store = store_new(home, options);
    int64_t version;
    int r;

    if (!store)
        return err_set(err, ERR_NOMEM, "creating the database: out of memory");
    if ((r = store_home_make(home, err)) != 0 || (r = take_lock(store, home, err)) != 0 ||
        (r = db_open(store->path, &db_options, &store->db, err)) != 0 ||
        (r = check_kind(store->db, &version, err)) != 0)
        goto done;
    if (version != 0) {
        r = err_set(err, ERR_EXISTS, "there is a database in %s", home);
        goto done;
    }
    if ((r = create_tables(store, key, err)) != 0)
        goto done;
    *out = store;
    store = NULL;
done:
    store_close(store);
    return r;
}

static int unlock(struct store *store, const struct store_key *key, struct err *err)
{
    uint8_t data_key[SEAL_KEY_LEN];
    int r = keys_unwrap(store->db, key, data_key, err);

    if (r == 0)
        use_key(store, data_key);
    sodium_memzero(data_key, sizeof data_key);
    return r;
}

int store_open(const char *home, const struct store_key *key, const struct store_options *options,
               struct store **out, struct err *err)
{
    const struct db_options db_options = {.max_pages = options ? options->max_pages : 0};
    struct store *store = store_new(home, options);
    int64_t version;
    int r;

    if (!store)
        return err_set(err, ERR_NOMEM, "opening the database: out of memory");
    /* Before the lock, which would make a file in a folder that is not there or not ours. */
    if (access(store->path, F_OK) != 0) {
        r = err_set(err, ERR_NOTFOUND, "no database in %s", home);
        goto done;
    }
    if ((r = close_to_others(store, home, err)) != 0 || (r = take_lock(store, home, err)) != 0 ||
        (r = db_open(store->path, &db_options, &store->db, err)) != 0 ||
        (r = check_kind(store->db, &version, err)) != 0)
        goto done;
    if (version == 0) {
        r = err_set(err, ERR_NOTFOUND, "no database in %s", home);
        goto done;
    }
    if ((r = unlock(store, key, err)) != 0 ||
        (r = migrate_run(store->db, store->path, schema_migrations, schema_version, store, err)) != 0)
        goto done;
    migrate_forget_copies(store->path, schema_version, clock_now_ns(store->clock));
    *out = store;
    store = NULL;
done:
    store_close(store);
    return r;
}

int store_open_reader(struct store *from, struct store **out, struct err *err)
{
    const struct db_options db_options = {.read_only = true};
    struct store *store = xm_alloc(sizeof *store);
    int r;

    if (!store || !(store->path = xm_strdup(from->path))) {
        xm_free(store);
        return err_set(err, ERR_NOMEM, "opening a reader: out of memory");
    }
    store->lock_fd = -1;
    store->read_only = true;
    store->clock = from->clock;
    store->rand = from->rand;
    if ((r = db_open(store->path, &db_options, &store->db, err)) != 0) {
        store_close(store);
        return r;
    }
    use_key(store, from->sealer.key);
    *out = store;
    return 0;
}

int store_open_read_only(const char *home, const struct store_key *key, const struct store_options *options,
                         struct store **out, struct err *err)
{
    const struct db_options db_options = {.read_only = true};
    struct store *store = store_new(home, options);
    int64_t version;
    int r;

    if (!store)
        return err_set(err, ERR_NOMEM, "opening the database: out of memory");
    store->read_only = true;
    if ((r = db_open(store->path, &db_options, &store->db, err)) != 0 ||
        (r = check_kind(store->db, &version, err)) != 0)
        goto done;
    if (version == 0)
        r = err_set(err, ERR_NOTFOUND, "no database in %s", home);
    else if ((size_t)version != schema_version)
        r = err_set(err, ERR_UNSUPPORTED,
                    "the database in %s has version %lld, not %zu: open it with %s program first", home,
                    (long long)version, schema_version,
                    (size_t)version < schema_version ? "this" : "its own");
    else
        r = unlock(store, key, err);
    if (r != 0)
        goto done;
    *out = store;
    store = NULL;
done:
    store_close(store);
    return r;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    db_close(store->db);
    sealer_deinit(&store->sealer);
    /* Last: whoever gets the lock finds the database closed. */
    lock_drop(store->lock_fd);
    xm_free(store->path);
    xm_free_secret(store, sizeof *store);
}

int store_peek(const char *home, struct store_info *out, struct err *err)
{
    const struct db_options db_options = {.read_only = true};
    struct store_info info = {0};
    char *path = home_path(home, STORE_FILE);
    struct db *db = NULL;
    int r;

    if (!path)
        return store_no_memory(err);
    r = db_open(path, &db_options, &db, err);
    if (r == ERR_NOTFOUND) {
        r = 0;
        goto done;
    }
    if (r != 0 || (r = check_kind(db, &info.version, err)) != 0)
        goto done;
    if (info.version != 0 && (r = keys_kind(db, &info.key_kind, err)) == 0)
        info.exists = true;
done:
    db_close(db);
    xm_free(path);
    if (r == 0)
        *out = info;
    return r;
}

int store_rewrap(struct store *store, const struct store_key *new_key, struct err *err)
{
    const struct keys_cost cost = {store->cost.passes, store->cost.bytes};
    int r;

    if ((r = db_begin(store->db, DB_DURABLE, err)) != 0)
        return r;
    if ((r = keys_wrap(store->db, store->sealer.key, new_key, &cost, store->rand, err)) != 0) {
        db_rollback(store->db);
        return r;
    }
    if ((r = db_commit(store->db, err)) != 0)
        return r;
    /* The old wrapping goes from the WAL as well.  A reader may be in the way: then it goes later. */
    db_checkpoint(store->db, NULL);
    return 0;
}

int store_begin(struct store *store, enum db_durability durability, struct err *err)
{
    return db_begin(store->db, durability, err);
}

int store_commit(struct store *store, struct err *err)
{
    int r = db_commit(store->db, err);

    if (r != 0)
        store_group_forget(store);
    return r;
}

void store_rollback(struct store *store)
{
    store_group_forget(store);
    db_rollback(store->db);
}

bool store_in_transaction(const struct store *store)
{
    return db_in_transaction(store->db);
}

struct db *store_db(struct store *store)
{
    return store->db;
}

static int check_column(struct store *store, enum sealed column, struct store_mem *mem, struct err *err)
{
    const struct sealed_column *c = &sealed_columns[column];
    char *sql = sqlite3_mprintf("SELECT %s, %s FROM %s WHERE %s IS NOT NULL", c->row_sql, c->column.name,
                                c->column.table, c->column.name);
    struct slice row, plain;
    struct db_query q;
    bool ok = true;
    int r;

    if (!sql)
        return store_no_memory(err);
    db_query(&q, store->db, sql);
    while ((r = db_step(&q, err)) == DB_ROW) {
        store_mem_reset(mem);
        row = store_row_slice(&q, 0, mem, &ok);
        r = ok ? store_row_open(store, &q, 1, column, row, mem, &plain, err) : store_no_memory(err);
        if (r != 0)
            break;
    }
    db_end(&q);
    sqlite3_free(sql);
    return r;
}

int store_check(struct store *store, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct db_query q;
    int r;

    db_query(&q, store->db, "PRAGMA integrity_check(1)");
    r = db_step(&q, err);
    if (r == DB_ROW)
        r = strcmp(db_col_text(&q, 0), "ok") == 0 ? 0 : err_set(err, ERR_CORRUPT, "%s", db_col_text(&q, 0));
    db_end(&q);
    for (int column = 0; r == 0 && column < SEALED_COUNT; column++)
        r = check_column(store, (enum sealed)column, &mem, err);
    store_mem_free(&mem);
    return r;
}
