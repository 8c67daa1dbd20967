#include "store/wal_file.h"

#include "base/alloc.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Three texts' worth of pages. */
#define HELD_MAX 65536
/* Writing over what is there takes half as long to be safe as writing behind the end, where the file's size has
 * to be safe too: so the end moves in steps of 25 texts.  What stands behind the last frame means nothing to
 * SQLite.  (Its own way to files takes less than 128 KiB in one call.) */
#define GROW_WRITE 126976
#define GROW_WRITES 4

/* SQLite reaches a file through its table of methods alone: the WAL's is exchanged for a copy in which some come
 * here first. */
struct wal_file {
    sqlite3_io_methods methods;
    const sqlite3_io_methods *below;
    bool holds;       /* in a transaction */
    bool durable;
    int failed;       /* SQLite's code: what was held is lost, and so is the transaction, whatever it tries next */
    sqlite3_int64 at; /* where in the file the held bytes belong */
    int len;
    sqlite3_int64 size; /* of the file */
    uint8_t held[HELD_MAX];
};

static struct wal_file *of(sqlite3_file *file)
{
    return (struct wal_file *)((char *)(uintptr_t)file->pMethods - offsetof(struct wal_file, methods));
}

/* From the end of what was written.  Where there is no room for more than that, that was enough. */
static void grow(sqlite3_file *file, sqlite3_int64 end)
{
    static uint8_t nothing[GROW_WRITE];
    struct wal_file *wal = of(file);

    wal->size = end;
    for (int i = 0; i < GROW_WRITES; i++) {
        if (wal->below->xWrite(file, nothing, sizeof nothing, wal->size) != SQLITE_OK)
            return;
        wal->size += (sqlite3_int64)sizeof nothing;
    }
}

static int flush(sqlite3_file *file)
{
    struct wal_file *wal = of(file);
    int len = wal->len;

    wal->len = 0;
    if (wal->failed != SQLITE_OK || len == 0)
        return wal->failed;
    wal->failed = wal->below->xWrite(file, wal->held, len, wal->at);
    if (wal->failed == SQLITE_OK && wal->at + len > wal->size)
        grow(file, wal->at + len);
    return wal->failed;
}

static int held_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 at)
{
    struct wal_file *wal = of(file);
    int rc;

    if ((at != wal->at + wal->len || len > HELD_MAX - wal->len) && (rc = flush(file)) != SQLITE_OK)
        return rc;
    if (!wal->holds || len > HELD_MAX)
        return wal->below->xWrite(file, data, len, at);
    if (wal->len == 0)
        wal->at = at;
    memcpy(wal->held + wal->len, data, (size_t)len);
    wal->len += len;
    return SQLITE_OK;
}

static int flushed_read(sqlite3_file *file, void *data, int len, sqlite3_int64 at)
{
    int rc = flush(file);

    return rc == SQLITE_OK ? of(file)->below->xRead(file, data, len, at) : rc;
}

static int flushed_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = flush(file);

    of(file)->size = size;
    return rc == SQLITE_OK ? of(file)->below->xTruncate(file, size) : rc;
}

static int flushed_size(sqlite3_file *file, sqlite3_int64 *size)
{
    int rc = flush(file);

    return rc == SQLITE_OK ? of(file)->below->xFileSize(file, size) : rc;
}

/* With checkpoint_fullfsync what a checkpoint and a fresh WAL need comes as SYNC_FULL, in whatever transaction; the
 * end of a transaction comes as SYNC_NORMAL. */
static int flushed_sync(sqlite3_file *file, int flags)
{
    struct wal_file *wal = of(file);
    bool end_of_transaction = (flags & 0x0f) == SQLITE_SYNC_NORMAL;
    int rc = flush(file);

    if (rc != SQLITE_OK || (end_of_transaction && !wal->durable))
        return rc;
    return wal->below->xSync(file, flags);
}

static int bare_close(sqlite3_file *file)
{
    file->pMethods = of(file)->below;
    return file->pMethods->xClose(file);
}

static void attach(struct wal_file *wal, sqlite3_file *file)
{
    wal->below = file->pMethods;
    wal->methods = *wal->below;
    wal->methods.xClose = bare_close;
    wal->methods.xRead = flushed_read;
    wal->methods.xWrite = held_write;
    wal->methods.xTruncate = flushed_truncate;
    wal->methods.xSync = flushed_sync;
    wal->methods.xFileSize = flushed_size;
    file->pMethods = &wal->methods;
    if (wal->below->xFileSize(file, &wal->size) != SQLITE_OK)
        wal->size = 0;
}

int wal_file_new(struct wal_file **out, struct err *err)
{
    *out = xm_alloc(sizeof **out);
    return *out ? 0 : err_set(err, ERR_NOMEM, "opening the database: out of memory");
}

void wal_file_free(struct wal_file *wal)
{
    xm_free(wal);
}

/* Where it does not, SQLite fills up a sector after the sync that ends a transaction. */
static bool ends_with_sync(sqlite3_file *file)
{
    return (file->pMethods->xDeviceCharacteristics(file) & SQLITE_IOCAP_POWERSAFE_OVERWRITE) != 0;
}

void wal_file_begin(struct wal_file *wal, struct sqlite3 *sqlite, bool durable)
{
    sqlite3_file *file = NULL;

    wal->durable = durable;
    if (sqlite3_file_control(sqlite, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) != SQLITE_OK || !file ||
        !file->pMethods)
        return; /* no WAL */
    if (file->pMethods != &wal->methods && ends_with_sync(file))
        attach(wal, file);
    wal->holds = file->pMethods == &wal->methods;
}

void wal_file_end(struct wal_file *wal)
{
    wal->holds = wal->durable = false;
    wal->failed = SQLITE_OK;
    wal->len = 0;
}
