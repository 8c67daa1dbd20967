/* The client core: everything one installation has, on the background thread.
 *
 * One struct core is one open home: database, node, own identity, loaded groups, events.  Its
 * flows are fibers (base/fiber.h) on the loop's thread; each shares nothing but this struct, and
 * may find everything changed after a call that waits.  What must not interleave takes a lock of
 * its own (a group's, the welcomes').
 *
 * Writing: core_begin() .. core_commit() is one SQLite transaction; it never spans a wait.  Events
 * noted inside leave after the commit, in order, and are forgotten by a rollback.
 *
 * Thread: background only. */
#pragma once
#include "base/clock.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/rand.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct core_config;
struct group_cache;
struct hmac_cache;
struct inbox_cache;
struct json_t;
struct node_api;
struct store;
struct prefs;
struct streams;
struct waiting_request;

#define INBOX_ID_LEN 64        /* lower-case hex */
#define INSTALLATION_ID_LEN 32 /* Ed25519 public key */
#define GROUP_ID_LEN 16
#define MESSAGE_ID_LEN 32
#define CORE_TAKEN_MAX 32

/* Who this installation is.  The signature key's secret half stays here while the home is open. */
struct self {
    bool registered; /* the network knows us: identity update read back */
    char inbox_id[INBOX_ID_LEN + 1];
    uint8_t installation_id[INSTALLATION_ID_LEN];
    uint8_t seed[32]; /* Ed25519 seed of installation_id; wiped by core_close() */
};

/* What happened, for streams, the sync worker and the screen. */
enum core_event_kind {
    CORE_MESSAGE,              /* group_id, message_id: stored for the first time, shown to people */
    CORE_MESSAGE_STATUS,       /* group_id, message_id: published or failed */
    CORE_CONVERSATION,         /* group_id: a new conversation, made or joined (never SYNC or oneshot) */
    CORE_CONVERSATION_CHANGED, /* group_id: name, members, roles, activity */
    CORE_CONSENT,              /* log_id: a decision changed something, ours or synced */
    CORE_PREFERENCES,          /* the HMAC root key changed, or an installation appeared */
    CORE_SYNC_WELCOME,         /* group_id: a trusted preferences group arrived by welcome */
    CORE_SYNC_MESSAGE,         /* group_id, message_id: a payload was stored in a preferences group */
    CORE_OUTBOX,               /* something waits to be sent */
    CORE_NETWORK               /* the connection's state changed */
};

struct core_event {
    enum core_event_kind kind;
    uint8_t group_id[GROUP_ID_LEN];
    uint8_t message_id[MESSAGE_ID_LEN];
    int64_t log_id;
};

/* A message the node has and whose rows do not say so yet; sync/taken.h. */
struct core_taken {
    uint8_t group_id[GROUP_ID_LEN];
    uint8_t message_id[MESSAGE_ID_LEN];
    int64_t intent_id;
};

typedef void core_listener(void *ctx, const struct core_event *event);

#define CORE_LISTENERS_MAX 8

struct core {
    uv_loop_t *loop;
    const struct clock *clock;
    const struct rand *rand;
    struct store *store;
    struct node_api *api; /* NULL with the offline option */
    struct self self;
    struct group_cache *groups;
    struct inbox_cache *inboxes; /* made on first use; inbox_cache_clear() */
    struct prefs *prefs;
    struct streams *streams;
    const char *env; /* name of the network, as in the configuration; borrowed; NULL is "local" */
    const char *protocol_version; /* of libxmtp, whose rules we follow; borrowed; NULL: PROTOCOL_VERSION */
    bool offline; /* touch the store only */
    bool quiet;   /* fetch nothing on its own */
    bool closing; /* every wait ends with ERR_CANCELED */
    struct fiber_lock welcome_lock; /* one reader of welcomes at a time */
    struct fiber_lock task_lock;    /* one runner of tasks at a time */

    /* Takes each stream.event (a JSON object, borrowed) on its way up. */
    void (*notify)(void *ctx, struct json_t *notification);
    void *notify_ctx;
    const struct core_config *config;
    struct hmac_cache *hmac; /* private to hmac.c */
    struct waiting_request *waiting; /* private to account.c */

    unsigned upkeep_rounds; /* private to worker.c */

    /* private to local_node.c: one starter of the local node at a time */
    bool node_starts;
    struct err node_start; /* how it ended; code 0: it answers */
    struct fiber_line node_line;

    /* private to taken.c */
    struct core_taken taken[CORE_TAKEN_MAX];
    unsigned n_taken;
    bool taken_waits; /* a fiber is about to write them */

    /* private to core.c */
    unsigned fibers;
    uv_timer_t *grace;
    struct core_sleeper *sleepers;
    struct core_event *pending; /* noted in the open transaction */
    size_t pending_len, pending_cap;
    struct {
        core_listener *call;
        void *ctx;
    } listeners[CORE_LISTENERS_MAX];
    size_t n_listeners;
};

/* ---- transactions and events ---- */

/* Opens the transaction.  `durable`: on disk before core_commit() returns, for what is about to be
 * used on the wire (intents, ratchets, outbox); received envelopes come again and need not. */
int core_begin(struct core *core, bool durable, struct err *err);
/* Commits, then hands the noted events to the listeners.  On failure it is rolled back. */
int core_commit(struct core *core, struct err *err);
void core_rollback(struct core *core);

/* Inside a transaction: `event` leaves after the commit.  ERR_NOMEM. */
int core_note(struct core *core, const struct core_event *event, struct err *err);
/* Outside: hands the event to the listeners now. */
void core_emit(struct core *core, const struct core_event *event);
/* Listeners are called on the background thread after the commit; they must not wait, but may start
 * a fiber.  Called at start-up; there are fewer than CORE_LISTENERS_MAX. */
void core_listen(struct core *core, core_listener *call, void *ctx);

/* ---- fibers ---- */

/* Starts `run` as a fiber that core_drain() waits for; `ctx` is run's to free.  When no stack can
 * be had `run` is not called and ERR_NOMEM returned. */
int core_spawn(struct core *core, void (*run)(struct core *core, void *ctx), void *ctx, struct err *err);
/* Inside a fiber: waits.  0, or ERR_CANCELED when the core closes meanwhile. */
int core_sleep(struct core *core, uint64_t ms, struct err *err);
/* The core_sleep() of this fiber ends with the next turn of the loop; nothing where it is not in one. */
void core_rouse(struct core *core, const struct fiber *fiber);
/* Runs each(0) .. each(n - 1), up to `width` of them at the same time, and waits for all.  Inside a
 * fiber.  A closing core skips what has not begun. */
void core_each(struct core *core, size_t n, size_t width, void (*each)(struct core *core, void *ctx, size_t i),
               void *ctx);
/* The end begins: sleepers wake with ERR_CANCELED; work in hand may finish while the node answers
 * (5 s), then its calls are cancelled too.  The network closes with the last fiber. */
void core_cancel(struct core *core);

static inline int64_t core_now_ns(const struct core *core)
{
    return clock_now_ns(core->clock);
}

/* Whether `then_ns`, as this clock once gave it, is `age_ns` ago.  A time still to come counts as long ago: the
 * clock was ahead then, and nothing should wait until it gets there again. */
static inline bool core_is_past(const struct core *core, int64_t then_ns, int64_t age_ns)
{
    int64_t now = core_now_ns(core);

    return then_ns > now || now - then_ns >= age_ns;
}
