/* Messages that the node has taken and whose rows do not say so yet.
 *
 * Whoever sends is answered before the database is written once more.  The note is then written with the
 * next message's transaction, or alone a few milliseconds later, whichever comes first: a text sent by itself
 * costs two transactions, one of many in a row costs one.  A crash before that is as one before the node's
 * answer came: the echo tells.
 *
 * Thread: background. */
#pragma once
#include <stdint.h>

struct core;
struct err;

/* A note left for later is written after so long at the latest. */
#define TAKEN_WAIT_MS 5

/* Outside a transaction.  Writes it at once where it cannot be kept. */
int taken_add(struct core *core, const uint8_t group_id[16], int64_t intent_id, const uint8_t message_id[32],
              struct err *err);

/* Writes what is kept in a transaction of its own, if anything is; for whoever is about to read the rows. */
int taken_write(struct core *core, struct err *err);

/* The same inside an open transaction.  A rollback loses the notes: the echoes tell. */
int taken_write_in(struct core *core, struct err *err);
