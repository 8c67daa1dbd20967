/* The live connection: welcomes and messages as the node stores them (sync.md section 7).
 *
 * While it is wanted, one fiber keeps it up: fetch welcomes, subscribe to the own welcome topic and to
 * every conversation in question (preferences groups always), process what comes in order, take in
 * new conversations at once, and after a loss begin again with backoff.  Nothing is lost in between,
 * since every subscription starts at the stored cursors and what is known already is passed over.
 *
 * Back-pressure: over QUEUE_HIGH items waiting, the streams are paused, and the node's window fills.
 *
 * Thread: background. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct core;
struct err;
struct live;

enum live_state { LIVE_OFF, LIVE_CONNECTING, LIVE_ON, LIVE_LOST };

/* `changed` is called after each change of state, from the live fiber. */
int live_new(struct core *core, void (*changed)(void *ctx), void *ctx, struct live **out, struct err *err);
void live_free(struct live *live); /* after the core's fibers have ended */

/* Conversations whose consent state is in `states` (bits 1 << state) are wanted from now on; 0 ends it. */
void live_want(struct live *live, unsigned states);
/* Conversations or consent have changed: looks again which are wanted. */
void live_refresh(struct live *live);
/* We have come into this group: it is subscribed to afresh, from where the invitation says, though it may be
 * streamed already: what came before the invitation, after we had been out of it, was passed over. */
void live_joined(struct live *live, const uint8_t id[16]);
/* Something else has reached the node: a lost stream does not wait out its time before it tries again. */
void live_link_is_back(struct live *live);
enum live_state live_state(const struct live *live);
/* Inside a fiber: returns when it is live, or when an attempt has failed.  0, or why it is not. */
int live_wait(struct live *live, struct err *err);
/* For a closing core: ends the subscriptions. */
void live_stop(struct live *live);
