#include "node/data.h"

#include "base/clock.h"
#include "base/err.h"
#include "store/lock.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SCHEMA_VERSION 1

/* AUTOINCREMENT: an id is never used twice, whatever is deleted by hand.
 *
 * Group messages begin at 2: a reference client that adds a group to a running stream takes (id 1,
 * commit) for seen.
 *
 * group_messages keeps the small columns in front of `data`, so that the newest row of a group is found
 * without reading its body. */
static const char schema[] =
    "CREATE TABLE group_messages ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, created_ns INTEGER NOT NULL, flags INTEGER NOT NULL,"
    " group_id BLOB NOT NULL, hash BLOB NOT NULL UNIQUE, sender_hmac BLOB NOT NULL, data BLOB NOT NULL) STRICT;"
    "CREATE INDEX group_messages_by_group ON group_messages (group_id);"
    "INSERT INTO sqlite_sequence (name, seq) VALUES ('group_messages', 1);"
    "CREATE TABLE welcomes ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, created_ns INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " wrapper_algorithm INTEGER NOT NULL, installation_key BLOB NOT NULL, hash BLOB NOT NULL UNIQUE,"
    " hpke_public_key BLOB NOT NULL, metadata BLOB NOT NULL, data BLOB NOT NULL) STRICT;"
    "CREATE INDEX welcomes_by_installation ON welcomes (installation_key);"
    "CREATE TABLE key_packages ("
    " installation_key BLOB PRIMARY KEY, updated_ns INTEGER NOT NULL, key_package BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE inbox_log ("
    " sequence_id INTEGER PRIMARY KEY AUTOINCREMENT, created_ns INTEGER NOT NULL, inbox_id BLOB NOT NULL,"
    " identity_update BLOB NOT NULL) STRICT;"
    "CREATE INDEX inbox_log_by_inbox ON inbox_log (inbox_id);"
    "CREATE TABLE address_log ("
    " identifier BLOB NOT NULL, kind INTEGER NOT NULL, inbox_id BLOB NOT NULL,"
    " association_sequence_id INTEGER NOT NULL, revocation_sequence_id INTEGER) STRICT;"
    "CREATE INDEX address_log_by_identifier ON address_log (identifier, kind, association_sequence_id);"
    "CREATE TABLE commit_log ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, created_ns INTEGER NOT NULL, group_id BLOB NOT NULL,"
    " entry BLOB NOT NULL, signature BLOB NOT NULL, public_key BLOB NOT NULL) STRICT;"
    "CREATE INDEX commit_log_by_group ON commit_log (group_id);"
    "PRAGMA user_version = 1;";

static int make_directories(const char *path, struct err *err)
{
    char dir[PATH_MAX];
    char *slash;

    if (strlen(path) >= sizeof dir)
        return err_set(err, ERR_INVALID, "the path %s is too long", path);
    strcpy(dir, path);
    for (slash = strchr(dir + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(dir, 0700) != 0 && errno != EEXIST)
            return err_set(err, ERR_IO, "cannot make the directory %s: %s", dir, strerror(errno));
        *slash = '/';
    }
    return 0;
}

static int take_lock(const char *db_path, int *out, struct err *err)
{
    char path[PATH_MAX];
    int r;

    if (snprintf(path, sizeof path, "%s.lock", db_path) >= (int)sizeof path)
        return err_set(err, ERR_INVALID, "the path %s is too long", db_path);
    r = lock_take(path, out, err);
    if (r == ERR_LOCKED) {
        char holder[sizeof err->text];

        snprintf(holder, sizeof holder, "%s", err->text);
        return err_set(err, r, "the database is %s: stop that xmtui-node, or give this one another --db", holder);
    }
    return r;
}

static int make_schema(struct db *db, const char *path, struct err *err)
{
    int64_t version;
    int r;

    if ((r = db_int(db, "PRAGMA user_version", &version, err)) != 0)
        return r;
    if (version == SCHEMA_VERSION)
        return 0;
    if (version != 0)
        return err_set(err, ERR_UNSUPPORTED, "%s has format %lld, this xmtui-node knows %d: use the newer program", path,
                       (long long)version, SCHEMA_VERSION);
    if ((r = db_begin(db, DB_DURABLE, err)) != 0)
        return r;
    if ((r = db_exec(db, schema, err)) != 0 || (r = db_commit(db, err)) != 0)
        db_rollback(db);
    return r;
}

static int read_last_ns(struct db *db, int64_t *out, struct err *err)
{
    static const char *const newest[] = {
        "SELECT created_ns FROM group_messages ORDER BY id DESC LIMIT 1",
        "SELECT created_ns FROM welcomes ORDER BY id DESC LIMIT 1",
        "SELECT created_ns FROM inbox_log ORDER BY sequence_id DESC LIMIT 1",
    };
    struct db_query q;
    size_t i;
    int r = 0;

    for (i = 0; i < sizeof newest / sizeof *newest && r >= 0; i++) {
        db_query(&q, db, newest[i]);
        if ((r = db_step(&q, err)) == DB_ROW && db_col_i64(&q, 0) > *out)
            *out = db_col_i64(&q, 0);
        db_end(&q);
    }
    return r < 0 ? r : 0;
}

int node_data_open(const char *path, const struct clock *clock, struct node_data *out, struct err *err)
{
    struct node_data data = {.clock = clock, .lock_fd = -1};
    struct db_options writer = {.create = true, .checkpoints_itself = true}, reader = {.read_only = true};
    int r;

    if ((r = make_directories(path, err)) != 0 || (r = take_lock(path, &data.lock_fd, err)) != 0 ||
        (r = db_open(path, &writer, &data.writer, err)) != 0 || (r = make_schema(data.writer, path, err)) != 0 ||
        (r = read_last_ns(data.writer, &data.last_ns, err)) != 0 ||
        (r = db_open(path, &reader, &data.reader, err)) != 0) {
        node_data_close(&data);
        return r;
    }
    *out = data;
    return 0;
}

void node_data_close(struct node_data *data)
{
    db_close(data->reader);
    db_close(data->writer);
    if (data->clock != NULL) /* opened */
        lock_drop(data->lock_fd);
    *data = (struct node_data){.lock_fd = -1};
}

int64_t node_data_now(struct node_data *data)
{
    enum { US = 1000 };
    int64_t now = clock_now_ns(data->clock) / US * US;

    data->last_ns = now > data->last_ns ? now : data->last_ns + US;
    return data->last_ns;
}
