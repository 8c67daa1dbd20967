/* A node in memory, behind the same table of functions as the real one: any number of installations
 * talk through it on one loop, and a test says when it is away, refuses, or lets somebody else in
 * first. */
#pragma once
#include "base/bytes.h"
#include "net/node_api.h"

#include <stdbool.h>
#include <uv.h>

struct fake_node;

struct fake_node *fake_node_new(void);
void fake_node_free(struct fake_node *node);
/* Streams deliver from this loop; without one there are none. */
void fake_node_attach(struct fake_node *node, uv_loop_t *loop);

/* One installation's view. */
struct fake_api {
    struct node_api base;
    struct fake_node *node;
    bool offline;            /* every call: ERR_OFFLINE */
    bool lose_answers;       /* group messages are stored, and the answer is ERR_OFFLINE */
    const char *names_inbox; /* whatever address is asked for: this inbox, be it true or not */
    bool refuse_messages;    /* group messages: ERR_REMOTE */
    size_t message_max;      /* not 0: a request with a longer group message is refused whole: ERR_REMOTE */
    size_t request_max;      /* not 0: group messages of more bytes together are not sent: ERR_TOOBIG */
    bool refuse_welcomes;    /* invitations: ERR_REMOTE */
    bool refuse_packages;    /* whoever asks for key packages: ERR_REMOTE */
    unsigned fail_call;      /* the n-th call from now (1: the next) fails once with ERR_OFFLINE ... */
    bool fail_after;         /* ... after it has done its work, else before */
    unsigned away_after;        /* 1: offline after the next call, 2: one call later, ... */
    unsigned away_after_update; /* 1: offline once it has taken an identity update, 2: one call later, ... */
    bool lost;               /* private: the running call's answer is lost */
    bool updated;            /* private: it has taken an identity update of ours */
    /* Counted since the test last zeroed them; `queries`: group messages read, `welcome_queries`: invitations,
     * `subscriptions`: to group messages. */
    unsigned calls, sends, queries, welcome_queries, subscriptions;
    /* Called once before the next group messages are stored: somebody else is faster. */
    void (*before_send)(void *ctx);
    void *before_send_ctx;
    void (*before_updates)(void); /* the same before the next identity logs are read */
};
void fake_api_init(struct fake_api *api, struct fake_node *node);
/* Every stream of this installation ends, as when its connection is lost. */
void fake_api_cut(struct fake_api *api);

/* The ledgers, for tests that look or meddle. */
struct fake_message {
    uint8_t group_id[16];
    uint64_t id, created_ns;
    struct bytes data;
    uint8_t hmac[32];
    bool has_hmac, should_push, is_commit;
};
size_t fake_node_messages(struct fake_node *node, struct fake_message **out); /* all groups, in order */
size_t fake_node_welcomes(struct fake_node *node);
size_t fake_node_identity_updates(struct fake_node *node);
/* As if somebody had published these bytes into the group. */
void fake_node_inject(struct fake_node *node, const uint8_t group_id[16], struct slice data, bool is_commit);
/* The newest group message as a stream would deliver it; slices stay valid until the next one is stored. */
void fake_node_last(struct fake_node *node, struct node_group_message *out);

/* Takes the newest group message, or welcome, out of the ledger; the bytes are the caller's. */
void fake_node_pop(struct fake_node *node, uint8_t group_id[16], struct bytes *data);
void fake_node_pop_welcome(struct fake_node *node, struct node_welcome_message *like, struct bytes *data,
                           struct bytes *hpke, struct bytes *metadata);
void fake_node_inject_welcome(struct fake_node *node, const uint8_t key[32], struct slice data, struct slice hpke,
                              struct slice metadata);
