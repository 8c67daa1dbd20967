#include "tests/store/faulty_vfs.h"

#include <sqlite3.h>
#include <string.h>

struct faulty_file {
    sqlite3_file base;
    int is_wal;
    sqlite3_file *real; /* right behind this struct */
};

static sqlite3_vfs vfs, *below;
static enum faulty_call armed;
static unsigned left; /* calls until one fails; 0: none does */
static int stays, failed;
static char *calls; /* where they are noted, or NULL */
static size_t calls_left;

void faulty_vfs_arm(enum faulty_call call, unsigned n, int for_good)
{
    armed = call;
    left = n;
    stays = for_good;
    failed = 0;
}

int faulty_vfs_disarm(void)
{
    left = 0;
    return failed;
}

void faulty_vfs_note(char *out, size_t size)
{
    calls = out;
    calls_left = size;
    if (out)
        *out = 0;
}

static void note(sqlite3_file *file, char of_wal, char of_database)
{
    if (!calls || calls_left < 2)
        return;
    *calls++ = ((struct faulty_file *)file)->is_wal ? of_wal : of_database;
    *calls = 0;
    calls_left--;
}

static int fails(enum faulty_call call)
{
    if (call != armed || !left || --left > 0)
        return 0;
    if (stays)
        left = 1;
    failed = 1;
    return 1;
}

static sqlite3_file *real(sqlite3_file *file)
{
    return ((struct faulty_file *)file)->real;
}

static int do_close(sqlite3_file *file)
{
    return real(file)->pMethods ? real(file)->pMethods->xClose(real(file)) : SQLITE_OK;
}

static int do_read(sqlite3_file *file, void *out, int len, sqlite3_int64 at)
{
    return fails(FAULTY_READ) ? SQLITE_IOERR_READ : real(file)->pMethods->xRead(real(file), out, len, at);
}

/* Half of it arrives, as on a disk that goes away. */
static int do_write(sqlite3_file *file, const void *from, int len, sqlite3_int64 at)
{
    note(file, 'w', 'W');
    if (fails(FAULTY_FULL))
        return SQLITE_FULL;
    if (!fails(FAULTY_WRITE))
        return real(file)->pMethods->xWrite(real(file), from, len, at);
    real(file)->pMethods->xWrite(real(file), from, len / 2, at);
    return SQLITE_IOERR_WRITE;
}

static int do_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return fails(FAULTY_TRUNCATE) ? SQLITE_IOERR_TRUNCATE : real(file)->pMethods->xTruncate(real(file), size);
}

static int do_sync(sqlite3_file *file, int flags)
{
    note(file, 's', 'S');
    return fails(FAULTY_SYNC) ? SQLITE_IOERR_FSYNC : real(file)->pMethods->xSync(real(file), flags);
}

static int do_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real(file)->pMethods->xFileSize(real(file), size);
}

static int do_lock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xLock(real(file), level);
}

static int do_unlock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xUnlock(real(file), level);
}

static int do_reserved(sqlite3_file *file, int *out)
{
    return real(file)->pMethods->xCheckReservedLock(real(file), out);
}

static int do_control(sqlite3_file *file, int op, void *arg)
{
    return real(file)->pMethods->xFileControl(real(file), op, arg);
}

static int do_sector(sqlite3_file *file)
{
    return real(file)->pMethods->xSectorSize(real(file));
}

static int do_characteristics(sqlite3_file *file)
{
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int do_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return fails(FAULTY_SHM) ? SQLITE_IOERR_SHMMAP
                             : real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
}

static int do_shm_lock(sqlite3_file *file, int from, int n, int flags)
{
    return real(file)->pMethods->xShmLock(real(file), from, n, flags);
}

static void do_shm_barrier(sqlite3_file *file)
{
    real(file)->pMethods->xShmBarrier(real(file));
}

static int do_shm_unmap(sqlite3_file *file, int delete_too)
{
    return real(file)->pMethods->xShmUnmap(real(file), delete_too);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = do_close,
    .xRead = do_read,
    .xWrite = do_write,
    .xTruncate = do_truncate,
    .xSync = do_sync,
    .xFileSize = do_size,
    .xLock = do_lock,
    .xUnlock = do_unlock,
    .xCheckReservedLock = do_reserved,
    .xFileControl = do_control,
    .xSectorSize = do_sector,
    .xDeviceCharacteristics = do_characteristics,
    .xShmMap = do_shm_map,
    .xShmLock = do_shm_lock,
    .xShmBarrier = do_shm_barrier,
    .xShmUnmap = do_shm_unmap,
};

static int do_open(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    struct faulty_file *f = (struct faulty_file *)file;
    int rc;

    (void)self;
    f->is_wal = (flags & SQLITE_OPEN_WAL) != 0;
    f->real = (sqlite3_file *)(f + 1);
    memset(f->real, 0, (size_t)below->szOsFile);
    rc = below->xOpen(below, name, f->real, flags, out_flags);
    f->base.pMethods = f->real->pMethods ? &methods : NULL;
    return rc;
}

int faulty_vfs_install(void)
{
    below = sqlite3_vfs_find(NULL);
    vfs = *below;
    vfs.pNext = NULL;
    vfs.zName = "faulty";
    vfs.szOsFile = (int)sizeof(struct faulty_file) + below->szOsFile;
    vfs.xOpen = do_open;
    return sqlite3_vfs_register(&vfs, 1) == SQLITE_OK ? 0 : -1;
}
