/* The preferences group and its worker: how our installations agree (sync.md sections 1, 2 and 5).
 *
 * Every installation makes a SYNC group when it starts for the first time; the newest known one is
 * the primary, which is written to; all are read.  The worker sends what the outbox holds and applies
 * what arrived; what is owed when an installation comes or goes is in sync/pref_tasks.h.
 *
 * Thread: background.  Calls that wait are marked; they run inside a fiber. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct core;
struct err;
struct prefs;

/* Starts listening to the core's events.  prefs_free() after core_drain(). */
int prefs_new(struct core *core, struct err *err);
void prefs_free(struct core *core);

/* Once registered: makes the preferences group where there is none, or finishes one that was begun,
 * and begins the worker.  Returns at once; the work runs in fibers. */
void prefs_start(struct core *core);

/* Waits.  Welcomes, then all preferences groups, then applies everything unprocessed.
 * *updates counts records applied (changed something or not). */
int prefs_sync(struct core *core, size_t *updates, struct err *err);

/* Applies payloads that are stored and not yet processed; no network.  *updates may be NULL. */
int prefs_apply_stored(struct core *core, size_t *updates, struct err *err);

/* Sends what the outbox holds; waits.  ERR_OFFLINE leaves it for later. */
int prefs_flush(struct core *core, struct err *err);
