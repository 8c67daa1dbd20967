#include "store/migrate.h"

#include "base/clock.h"
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Long enough to notice that the new version does wrong, and to go back to the program and the copy before. */
#define KEEP_COPY_S (INT64_C(7) * 86400)

int migrate_version(struct db *db, int64_t *version, struct err *err)
{
    return db_int(db, "PRAGMA user_version", version, err);
}

static char *copy_path(const char *path, size_t to)
{
    return sqlite3_mprintf("%s.before-%llu", path, (unsigned long long)to);
}

/* The copy has to be there before the original changes, power cut included. */
static int copy_before(struct db *db, const char *path, size_t to, struct err *err)
{
    char *copy = copy_path(path, to);
    char *sql = copy ? sqlite3_mprintf("VACUUM INTO %Q", copy) : NULL;
    int fd = -1, r;

    if (!sql) {
        r = err_set(err, ERR_NOMEM, "copying the database: out of memory");
        goto done;
    }
    /* VACUUM INTO takes an empty file as it is, which gives the copy its mode. */
    if ((unlink(copy) != 0 && errno != ENOENT) ||
        (fd = open(copy, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0) {
        r = err_set(err, ERR_IO, "creating %s: %s", copy, strerror(errno));
        goto done;
    }
    if ((r = db_exec(db, sql, err)) != 0)
        goto done;
    if (fsync(fd) != 0)
        r = err_set(err, ERR_IO, "writing %s: %s", copy, strerror(errno));
done:
    if (fd >= 0) {
        close(fd);
        if (r != 0)
            unlink(copy);
    }
    sqlite3_free(sql);
    sqlite3_free(copy);
    return r < 0 ? err_wrap(err, r, "copying the database before it is migrated") : 0;
}

static int apply(struct db *db, const struct migration *step, size_t to, struct store *store, struct err *err)
{
    char sql[64];
    int r;

    if ((r = db_exec(db, step->sql, err)) != 0 || (step->run && (r = step->run(store, err)) != 0))
        return r;
    snprintf(sql, sizeof sql, "PRAGMA user_version = %zu", to);
    return db_exec(db, sql, err);
}

int migrate_run(struct db *db, const char *path, const struct migration *steps, size_t count,
                struct store *store, struct err *err)
{
    int64_t version;
    int r;

    if ((r = migrate_version(db, &version, err)) != 0)
        return r;
    if (version < 0 || (uint64_t)version > count)
        return err_set(err, ERR_UNSUPPORTED,
                       "the database has version %lld, made by a newer program; this one knows %zu",
                       (long long)version, count);
    if ((size_t)version == count)
        return 0;
    if (version > 0 && (r = copy_before(db, path, count, err)) != 0)
        return r;
    if ((r = db_begin(db, DB_DURABLE, err)) != 0)
        return r;
    for (size_t at = (size_t)version; at < count; at++) {
        if ((r = apply(db, &steps[at], at + 1, store, err)) != 0) {
            db_rollback(db);
            return err_wrap(err, r, "migrating the database to version %zu", at + 1);
        }
    }
    return db_commit(db, err);
}

void migrate_forget_copies(const char *path, size_t count, int64_t now_ns)
{
    struct stat st;

    for (size_t to = 1; to <= count; to++) {
        char *copy = copy_path(path, to);

        if (copy && lstat(copy, &st) == 0 && now_ns / NS_PER_S - st.st_mtime >= KEEP_COPY_S)
            (void)unlink(copy);
        sqlite3_free(copy);
    }
}
