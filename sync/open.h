/* Opening a home: from options to a running struct core (sync/core.h).
 *
 * Thread: core_open(), core_open_reader() the caller's; core_start(), core_close() the background. */
#pragma once
#include <jansson.h>
#include <uv.h>

struct core;
struct err;
struct store;
struct xm_options;

/* Opens store and identity and prepares the node API on `loop`; touches no network.  `notify` takes
 * each stream.event (borrowed) on the background thread.
 * ERR_LOCKED, ERR_KEY, ERR_IO, ERR_CORRUPT, ERR_INVALID (bad option). */
int core_open(const struct xm_options *options, uv_loop_t *loop, void (*notify)(void *ctx, json_t *notification),
              void *notify_ctx, struct core **out, struct err *err);

/* First thing on the background thread: begins the work that goes on by itself. */
void core_start(struct core *core);

/* Last thing on it, after core_cancel() when no fiber is left: closes the store, wipes keys. */
void core_close(struct core *core);

/* A read-only connection with the same key.  Any thread; the core stays open meanwhile. */
int core_open_reader(struct core *core, struct store **out, struct err *err);
void core_close_reader(struct store *store);
