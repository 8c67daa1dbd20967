/* Reading one group's ledger: what receive.h offers, for those who hold the group's lock.
 * Thread: background. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/commit_log.h"

struct core;
struct err;
struct group;
struct node_group_message;
struct store_intent;

/* Waits.  Everything new in order; then what we had published and is not there goes back to be
 * published.  *messages (may be NULL) is raised by the messages stored for people.
 * Stops without an error at a commit that wants a newer version. */
int group_receive(struct core *core, struct group *g, size_t *messages, struct err *err);

/* What became of one envelope. */
enum envelope_fate {
    ENVELOPE_STORED,  /* a message for people was stored, or our own one confirmed */
    ENVELOPE_DONE,    /* anything else that is now behind us: applied, known, or bad for good */
    ENVELOPE_PAUSED,  /* it wants a newer version: nothing after it can be read */
    ENVELOPE_REFUSED  /* stream only: not for this path, the ledger has to be read in order */
};

/* The parts; each opens and ends its own transaction.  `move_cursor` is false for the live stream.
 * Errors are transient: nothing was changed. */
struct mls_processed;
int receive_application(struct core *core, struct group *g, const struct node_group_message *message,
                        struct mls_processed *processed, bool move_cursor, enum envelope_fate *fate,
                        struct err *err);
/* Waits for identity logs. */
int receive_commit(struct core *core, struct group *g, const struct node_group_message *message,
                   struct mls_processed *processed, enum envelope_fate *fate, struct err *err);
int receive_own_commit(struct core *core, struct group *g, const struct node_group_message *message,
                       const struct store_intent *intent, uint64_t epoch, enum envelope_fate *fate, struct err *err);
int receive_own_message(struct core *core, struct group *g, const struct node_group_message *message,
                        const struct store_intent *intent, uint64_t epoch, bool move_cursor,
                        enum envelope_fate *fate, struct err *err);

/* Inside a transaction: the group has been read up to this envelope. */
int receive_move_cursor(struct core *core, const struct group *g, const struct node_group_message *message,
                        struct err *err);
/* Its own transaction: an envelope that is bad for everybody is passed over; a failed commit is put on
 * record, and an epoch ahead of ours is remembered as a sign of a fork. */
int receive_pass_over(struct core *core, struct group *g, const struct node_group_message *message,
                      enum store_commit_result result, uint64_t epoch, const char *why, struct err *err);
