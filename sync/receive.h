/* Reading a group from the network (groups.md section 4, sync.md 6.3 and 7.4).
 *
 * One envelope is one transaction: decrypted, validated, applied, its cursor moved and its events
 * noted, or nothing of it.  Thread: background; calls wait. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct core;
struct err;
struct node_group_message;

/* Publishes what is queued, reads everything new in order, sends welcomes of accepted commits.
 * *messages (may be NULL) counts messages stored for people.  ERR_STATE: inactive; a group paused
 * for a newer version is no error and does nothing. */
int group_sync(struct core *core, const uint8_t id[16], size_t *messages, struct err *err);

/* group_sync() and, every 30 minutes at most, group_check_installations(). */
int group_sync_full(struct core *core, const uint8_t id[16], size_t *messages, struct err *err);

/* One envelope from the live subscription.  Application messages are stored at once without moving
 * the cursor; a commit, or anything that does not open, leads to group_sync().  A bad envelope is
 * logged and is no error. */
int group_from_stream(struct core *core, const struct node_group_message *message, struct err *err);

/* The place to read on from: the greater of the two cursors of a group. */
int group_cursor(struct core *core, const uint8_t id[16], uint64_t *cursor, struct err *err);
