/* Identity logs of inboxes: loading, states, diffs, addresses (identity.md sections 4.5 and 4.6).
 *
 * The store keeps every identity update as it came; a state is their evaluation up to a sequence id
 * and is cached.  What the network is asked is said per call; those calls run inside a fiber.
 *
 * Thread: background. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct core;
struct err;
struct identity_state;
struct installation_set;

/* One inbox pinned at a place of its log, as groups list their members. */
struct inbox_at {
    const char *inbox_id;
    uint64_t sequence_id; /* 0: nothing pinned */
};

/* Waits.  Fetches what the network has beyond the store for these inboxes, at most 50 a request,
 * and stores it.  Unknown inboxes simply stay empty.  ERR_OFFLINE, ERR_REMOTE, ERR_IO. */
int inbox_load(struct core *core, const char *const *inbox_ids, size_t n, struct err *err);

/* Waits.  inbox_load() for those inboxes whose stored log does not reach the pinned id. */
int inbox_load_missing(struct core *core, const struct inbox_at *at, size_t n, struct err *err);

/* True if every pinned id is stored (or is 0), so that inbox_state_at() needs no network. */
bool inbox_has_all(struct core *core, const struct inbox_at *at, size_t n);

/* Greatest stored sequence id of the inbox; 0 when nothing is stored. */
int inbox_latest(struct core *core, const char *inbox_id, uint64_t *sequence_id, struct err *err);

/* The state after exactly `sequence_id`; the log must have an update with that id (ERR_NOTFOUND).
 * sequence_id 0 means the newest stored.  *out is borrowed from a small cache: valid until the next
 * call of this module or the next wait.  ERR_MALFORMED: the log does not evaluate. */
int inbox_state_at(struct core *core, const char *inbox_id, uint64_t sequence_id,
                      const struct identity_state **out, struct err *err);

/* Whether an installation belongs to the inbox at that place of its log. */
int inbox_has_installation(struct core *core, const char *inbox_id, uint64_t sequence_id,
                              const uint8_t installation_id[32], bool *has, struct err *err);

/* Installations that appear and disappear when an inbox goes from one place of its log to another
 * (groups.md 3.3): from 0, everything is new; to 0 (removed from the group), everything goes.
 * Appends to the sets.  ERR_NOTFOUND when the log lacks one of the ids. */
int inbox_diff(struct core *core, const char *inbox_id, uint64_t from, uint64_t to,
                  struct installation_set *added, struct installation_set *removed, struct err *err);

/* Waits.  The inbox of an address (0x…, any case): asks the network, falls back to what was last
 * learnt when there is none.  ERR_NOTFOUND: the address has no inbox.  ERR_OFFLINE, ERR_INVALID. */
int inbox_resolve_address(struct core *core, const char *address, char inbox_id[65], struct err *err);

/* The same for several in one request; `out[i][0]` is 0 for an address without an inbox. */
int inbox_resolve_addresses(struct core *core, const char *const *addresses, size_t n, char (*out)[65],
                               struct err *err);

/* Forgets cached states (the database changed under us, or memory is wanted). */
void inbox_cache_clear(struct core *core);
