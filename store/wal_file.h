/* How a transaction reaches the WAL: in one write, and waiting for the disk only where it has to.
 *
 * SQLite hands its WAL each page in two pieces and so made 22 calls of the system for a text, the node 14 more:
 * a tenth of the time that sending took, and a seventh of receiving.  Here they are held, in order, until SQLite
 * asks for the file or, at the transaction's end and before it shows it to others, for its safety (xSync).  A
 * write that fails shows there.  The connection stands at `synchronous = FULL`, so that xSync always comes; in a
 * transaction that need not be durable it is not passed on, which is what NORMAL means.
 *
 * Nothing is held between transactions.  Thread: the connection's.
 * Sources: SQLite's wal.c (sqlite3WalFrames, walCheckpoint) and pager.c (sqlite3PagerSetFlags). */
#pragma once
#include "base/err.h"

#include <stdbool.h>

struct wal_file;
struct sqlite3;

/* What the connection has to be set to. */
#define WAL_FILE_PRAGMAS "PRAGMA synchronous = FULL; PRAGMA checkpoint_fullfsync = ON;"

/* ERR_NOMEM. */
int wal_file_new(struct wal_file **out, struct err *err);
/* After the connection has been closed.  NULL is fine. */
void wal_file_free(struct wal_file *wal);

/* For the transaction that has just begun.  On a file system on which writing may damage what stands beside it
 * SQLite does as it would without this: each transaction is durable. */
void wal_file_begin(struct wal_file *wal, struct sqlite3 *sqlite, bool durable);
/* After its end.  What a transaction rolled back has left is dropped. */
void wal_file_end(struct wal_file *wal);
