/* Numbered migrations.  The version of a database is PRAGMA user_version; step i leads to version i + 1. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct db;
struct err;
struct store;

struct migration {
    const char *sql;
    /* After the SQL, for what SQL cannot do (sealed columns); may be NULL. */
    int (*run)(struct store *store, struct err *err);
};

int migrate_version(struct db *db, int64_t *version, struct err *err);

/* Brings the database at `path` from its version to `count`, all in one transaction, after copying it to
 * PATH.before-COUNT (mode 0600; an older copy of that name is replaced).  A new database (version 0) is not
 * copied. `store` is handed to the steps.  ERR_UNSUPPORTED: it is newer than `count`. */
int migrate_run(struct db *db, const char *path, const struct migration *steps, size_t count,
                struct store *store, struct err *err);

/* Removes the copies of the database at `path` that migrations to versions up to `count` made a week ago or earlier,
 * by the time of the file.  For whoever has opened it at `count`: it has proved itself since.  What cannot be
 * removed stays, and no harm is done. */
void migrate_forget_copies(const char *path, size_t count, int64_t now_ns);
