/* Sending messages, and the outbox of what is not sent yet (sync.md section 8).
 *
 * A message is stored with its idempotency key and queued in one durable transaction before the
 * network is touched; whatever happens then, it is sent with the same message id.
 *
 * Thread: background.  Calls marked "waits" run inside a fiber. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct core;
struct err;

enum send_status { SEND_UNPUBLISHED = 1, SEND_PUBLISHED = 2, SEND_FAILED = 3 };

struct send_options {
    bool optimistic;  /* queue only; group_publish() or the next sync sends it */
    bool no_push;     /* should_push false whatever the type says */
    bool no_consent;  /* do not count as allowing the chat: preference payloads, optimistic sends */
    bool note_later;  /* *status tells that the node has it; the rows say so a little later (sync/taken.h), so
                       * that the caller is answered before the database is written once more */
    /* Runs inside the transaction that queues the message, for instance to link an outbox row to it;
     * non-zero fails the send.  May be NULL.  (Asked for by prefs.c.) */
    int (*also)(struct core *core, void *ctx, const uint8_t message_id[32], struct err *err);
    void *also_ctx;
};

/* Waits unless optimistic.  Messages of one group are sent in the order of the calls.  `content`: a serialised
 * EncodedContent.  Without a network the message stays queued: 0 is returned with *status SEND_UNPUBLISHED.
 * ERR_STATE: inactive group; ERR_PAUSED. */
int group_send(struct core *core, const uint8_t id[16], struct slice content, const struct send_options *options,
               uint8_t message_id[32], enum send_status *status, struct err *err);

/* Waits.  Sends what is queued for the group, after a look at its installations; *published counts messages that
 * the node has taken. */
int group_publish(struct core *core, const uint8_t id[16], size_t *published, struct err *err);

/* Waits.  Sends what is queued in all groups.  ERR_OFFLINE stops at the first group. */
int outbox_flush(struct core *core, size_t *published, struct err *err);

/* Messages, commits and welcomes that wait to be sent. */
int outbox_size(struct core *core, size_t *n, struct err *err);

/* Pure: the id of a message (groups.md 8.3). */
void message_id(const uint8_t group_id[16], struct slice idempotency_key, struct slice content, uint8_t out[32]);
