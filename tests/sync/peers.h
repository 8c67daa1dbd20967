/* Installations for tests: each a core of its own with a database in a temporary folder, all on one
 * loop, talking through one fake node. */
#pragma once
#include "base/err.h"
#include "sync/consent.h"
#include "sync/core.h"
#include "tests/sync/fake_node.h"

#include <jansson.h>

struct peer {
    struct core core;
    struct fake_api api;
    char home[64]; /* empty: not in use */
    int64_t clock_offset_ns;
    struct clock clock;
    unsigned events[16]; /* by kind */
    unsigned offline_at; /* 1 << kind: its node is away from the first such event on */
    bool whole;          /* peer_make_whole() */
    json_t *told;        /* what its streams told, oldest first */
};

struct world {
    uv_loop_t loop;
    struct fake_node *node;
    struct peer peers[6];
};

void world_open(struct world *w);
void world_close(struct world *w);

/* A new home, not registered. */
struct peer *world_peer(struct world *w);
/* A registered installation of the wallet that this byte stands for. */
struct peer *world_installation(struct world *w, uint8_t wallet);
/* Ends a peer and removes its home; its place is free for the next. */
void world_drop(struct world *w, struct peer *p);
/* Closes and opens the home again, as after a crash: nothing in memory survives. */
void peer_restart(struct world *w, struct peer *p);
void peer_advance(struct peer *p, int64_t seconds);

/* Gives it what an open home has beside the groups: preferences and streams, and the requests to them. */
void peer_make_whole(struct peer *p);
/* In fibers: ends the peer's own fibers, without which world_run() would go on for ever.  What it was
 * about to do may be lost, as when a program ends.  It may be restarted. */
void peer_stop(struct world *w, struct peer *p);
/* In fibers, on a whole peer: the result of a request; a new reference. */
json_t *peer_call(struct peer *p, const char *method, const char *params);
/* The same, where it may fail; *result may be NULL then. */
int peer_try(struct peer *p, const char *method, const char *params, json_t **result, struct err *err);
/* In fibers, on a whole peer: decides about somebody or a conversation. */
void peer_decide(struct peer *p, enum consent_entity type, const char *entity, const char *state);
/* How often a statement with these words in it has been run. */
unsigned peer_runs(struct peer *p, const char *words);
/* For world_until(): the peer has nothing in hand. */
bool peer_is_idle(void *peer);
/* In fibers: waits, at most ten seconds, until done() says so. */
void world_until(struct world *w, const char *what, bool (*done)(void *ctx), void *ctx);
/* In fibers: every timer that runs now ends at once, as if hours had gone by. */
void world_let_timers_end(struct world *w);

/* Runs `body` as a fiber and the loop until it is over. */
void world_run(struct world *w, void (*body)(struct world *w));

/* Shorthand inside fibers; each asserts success. */
void peer_sync(struct peer *p);
void peer_send(struct peer *p, const uint8_t id[16], const char *text);
/* Texts of the conversation of this group, oldest first, joined by "|". */
const char *peer_texts(struct peer *p, const uint8_t id[16]);
/* Same epoch and epoch authenticator? */
void assert_same_epoch(struct peer *a, struct peer *b, const uint8_t id[16]);
