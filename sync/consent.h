/* Consent: what this person decided about people and chats (sync.md section 3).
 *
 * A record is (entity type, entity) -> state and time.  Records are marked, never removed: none and
 * `unknown` read the same.  Last writer wins by the sender's timestamp.  Every change, ours or
 * received, is a row of the log; one that we share is also a row of the preference outbox, written
 * in the same transaction, so that a crash loses nothing.
 *
 * Thread: background. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct core;
struct err;

/* Numbers of the store; on the wire the states are one higher. */
enum consent_state { CONSENT_UNKNOWN = 0, CONSENT_ALLOWED = 1, CONSENT_DENIED = 2 };
enum consent_entity { CONSENT_CONVERSATION = 1, CONSENT_INBOX = 2 };

/* One entity and what is to become of it.  `entity`: group id as 32 hex characters, or an inbox id. */
struct consent_choice {
    enum consent_entity type;
    char entity[65];
    enum consent_state state;
};

/* Who may be told about a change of ours. */
enum consent_share {
    CONSENT_QUIET, /* stays here: consent copied to a duplicate DM, a chat our other installation made */
    CONSENT_SHARE  /* goes to our other installations through the preferences group */
};

/* Inside a transaction.  Writes the choices that differ from what is stored, as one batch: records,
 * log rows, outbox, events.  The time is now, but at least one more than what is stored for the
 * entity.  *changed (may be NULL) counts the records that changed.  ERR_NOMEM, ERR_IO. */
int consent_set(struct core *core, const struct consent_choice *choices, size_t n, enum consent_share share,
                size_t *changed, struct err *err);

/* Inside a transaction.  A record from installation `origin` with its sender's time: newer than what
 * is stored wins, and on equal times what is stored stays.  Logged as changed, same or stale, under
 * `batch` (store_consent_batch(), one a message).  Never shared on. */
int consent_receive(struct core *core, const struct consent_choice *choice, int64_t at_ns,
                    const uint8_t origin[32], const uint8_t message_id[32], int64_t batch, struct err *err);

/* The record of one entity; CONSENT_UNKNOWN where there is none. */
int consent_get(struct core *core, enum consent_entity type, const char *entity, enum consent_state *out,
                struct err *err);
/* The same for a conversation by its raw id. */
int consent_of_group(struct core *core, const uint8_t group_id[16], enum consent_state *out, struct err *err);

/* Shorthand for consent_set() of one conversation: creating and sending count as allowing. */
int consent_allow_group(struct core *core, const uint8_t group_id[16], enum consent_share share, struct err *err);
/* The same for what was written then, and has reached the node only now: a decision made since stands. */
int consent_allow_written(struct core *core, const uint8_t group_id[16], int64_t written_at_ns, struct err *err);
/* The latter in a durable transaction of its own. */
int consent_allow_sent(struct core *core, const uint8_t group_id[16], int64_t written_at_ns, struct err *err);

const char *consent_state_name(enum consent_state state);
bool consent_state_parse(const char *name, enum consent_state *out);
const char *consent_entity_name(enum consent_entity type); /* "inboxId", "conversationId" */
bool consent_entity_parse(const char *name, enum consent_entity *out);
