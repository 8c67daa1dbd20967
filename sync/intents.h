/* Durable intents: what a group must do on the network, until it is done (sync.md 8.2, groups.md 4.4).
 *
 * States as the store has them; what they mean here:
 *   to publish  nothing of it has left yet, or it has to be built again
 *   published   its bytes may be at the node: hash, staged commit and epoch are on disk.  Only a reading
 *               of the ledger to its end tells; what is not there then goes back to "to publish"
 *   committed   the node has it.  Messages: acknowledged, the echo will bring its place.  Commits: merged,
 *               invitations are still to be sent
 *   gone        done; "error" is what was given up
 * At most one commit of ours is published and unseen in a group.
 *
 * Thread: background.  The group's lock is held by the caller throughout; calls wait unless said. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "store/intents.h"

struct core;
struct err;
struct group;

/* The states of what has not reached the node, or of which nobody knows whether it has. */
#define INTENTS_WAITING (STORE_INTENT_BIT(STORE_INTENT_TO_PUBLISH) | STORE_INTENT_BIT(STORE_INTENT_PUBLISHED))

/* Inside a transaction; does not wait. */
int intent_queue(struct core *core, struct group *g, enum store_intent_kind kind, struct slice data,
                 int64_t *id, struct err *err);

/* Sends what can be sent: messages up to and including the next commit, in the order in which they were queued.
 * Nothing where something is published and unseen: read the ledger, then call again.  *published (may be
 * NULL) counts messages the node has taken.  What is given up holds up nothing behind it; the first such
 * failure is what is returned.  ERR_OFFLINE: everything is kept. */
int intents_publish(struct core *core, struct group *g, size_t *published, struct err *err);

/* How many are to be published; does not wait. */
int intents_waiting(struct core *core, struct group *g, size_t *n, struct err *err);
/* The same with those that are published and unseen; does not wait. */
int intents_outstanding(struct core *core, struct group *g, size_t *n, struct err *err);

/* After the ledger was read to its end: what is published and not in it goes back.  Does not wait. */
int intents_release_unseen(struct core *core, struct group *g, struct err *err);

/* Inside a transaction, when we are out of the group: nothing that waits, or was sent and came too late, will be
 * done; messages count as failed.  Does not wait. */
int intents_give_up(struct core *core, const struct group *g, struct err *err);

/* Sends the invitations of merged commits. */
int intents_send_welcomes(struct core *core, struct group *g, struct err *err);

/* Publishes and reads until no message waits, some rounds. */
int intent_resolve_messages(struct core *core, struct group *g, struct err *err);

enum intent_turn {
    INTENT_IN_TURN, /* behind what has waited longer */
    INTENT_AHEAD,   /* before it: for what messages have to be preceded by */
};

/* intent_queue() in a durable transaction; then publishes and reads until the intent is done or given up (then
 * with its reason), some rounds. */
int intent_run(struct core *core, struct group *g, enum store_intent_kind kind, struct slice data,
               enum intent_turn turn, struct err *err);

/* One message: encrypts it.  *wire is what to send and `hash` what its intent has to say of it.  Inside the
 * durable transaction that stores the intent as published and the group (group_save_mls()). */
int intent_seal_message(struct core *core, struct group *g, struct slice envelope, struct bytes *wire, uint8_t hash[32],
                        struct err *err);
/* The node has taken these messages.  Opens its own transaction; does not wait. */
int intent_acknowledge(struct core *core, struct group *g, const int64_t *ids, const uint8_t (*message_ids)[32],
                       size_t n, struct err *err);
/* One of them, inside a transaction. */
int intent_acknowledge_in(struct core *core, const struct group *g, int64_t id, const uint8_t message_id[32],
                          struct err *err);
/* Hands wire bytes to the node with their HMACs. */
struct wire_message {
    struct slice data;
    bool should_push;
};
int intent_send(struct core *core, const struct group *g, const struct wire_message *messages, size_t n,
                struct err *err);
