/* Reading many conversations at once: syncAll, and the part of it that preferences.sync needs
 * (sync.md 6.1, 6.4, 6.5).  Thread: background; calls wait. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct core;
struct err;

/* Of the n groups, asks the node which have something newer than their cursors and runs `each` for
 * those, several at the same time.  *with_news may be NULL. */
int sync_groups_with_news(struct core *core, uint8_t (*ids)[16], size_t n,
                          void (*each)(struct core *core, void *ctx, size_t i), void *ctx, size_t *with_news,
                          struct err *err);

struct sync_all_result {
    size_t eligible; /* conversations and preferences groups looked at */
    size_t synced;   /* of those, read without an error; without news counts */
    size_t messages; /* stored for people */
};

/* Groups that wanted a newer program than the one that paused them, and not than this one, are open again; no
 * network.  They are read by whoever reads next. */
int sync_unpause(struct core *core, struct err *err);

/* That, then welcomes, then every conversation whose consent state is in `consent_states` (bits 1 << state;
 * 0: unknown and allowed), duplicates included, and all preferences groups, whose payloads are then
 * applied.  A conversation that fails is logged and not counted; welcomes that fail do not stop the rest. */
int sync_all(struct core *core, unsigned consent_states, struct sync_all_result *out, struct err *err);

/* All groups of one conversation: a 1:1 chat with its duplicates.  *messages may be NULL. */
int sync_conversation(struct core *core, const uint8_t id[16], size_t *messages, struct err *err);
