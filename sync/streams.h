/* Subscriptions: what happened, as stream.event notifications (interface of `stream.start`).
 *
 * Every subscription shares the one live connection (sync/live.h); it lives as long as there is one.
 * Thread: background. */
#pragma once
#include <jansson.h>
#include <stdbool.h>

struct core;
struct err;
struct streams;

enum stream_kind {
    STREAM_MESSAGES = 1 << 0,
    STREAM_CONVERSATIONS = 1 << 1,
    STREAM_CONSENT = 1 << 2,
    STREAM_PREFERENCES = 1 << 3,
    STREAM_ALL = 15
};

int streams_new(struct core *core, struct err *err);
void streams_free(struct core *core); /* after the core's fibers have ended */

/* Inside a fiber.  Returns once the connection is live, or its first attempt has failed: then *live is
 * false, and the subscription goes on trying.  `states`: bits 1 << consent state of the conversations
 * wanted; 0 for unknown and allowed. */
int streams_start(struct core *core, unsigned kinds, unsigned states, json_int_t *subscription, bool *live,
                  struct err *err);
/* ERR_NOTFOUND. */
int streams_stop(struct core *core, json_int_t subscription, struct err *err);

/* For a closing core: ends the live connection. */
void streams_cancel(struct core *core);

/* "live", "reconnecting" or "offline": the live connection's state, or the link's when nothing streams. */
const char *streams_network_state(struct core *core);
