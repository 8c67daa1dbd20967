/* The node's database: one SQLite file, one process, a connection that writes and one that reads.
 *
 * The writer is used by one thread at a time (node/batch.h), the reader by the loop.  WAL with
 * durable transactions: what was answered with OK is on the disk.  The tables have their verbs in
 * node/messages.h, welcomes.h, key_packages.h, inbox_log.h and commit_log.h. */
#pragma once
#include "store/db.h"

#include <stdint.h>

struct clock;
struct err;

struct node_data {
    struct db *writer; /* whichever thread runs the batch */
    struct db *reader; /* loop */
    const struct clock *clock;
    int64_t last_ns;   /* newest time given out; writer's thread */
    int lock_fd;
};

/* Makes directories (0700) and file (0600) as needed.  ERR_LOCKED names the process that has it,
 * ERR_UNSUPPORTED a file of a newer program, ERR_CORRUPT, ERR_IO. */
int node_data_open(const char *path, const struct clock *clock, struct node_data *out, struct err *err);
void node_data_close(struct node_data *data); /* zeroed or closed before: fine */

/* The time of a new row: the clock's, in whole microseconds as on the public network, and always later
 * than that of every row before, restarts and a clock set back included.  Writer's thread. */
int64_t node_data_now(struct node_data *data);
