/* Installations for tests: each a core of its own with a database in a temporary folder, all on one
 * loop, talking through one fake node. */
#pragma once
#include "base/err.h"
#include "sync/core.h"
#include "tests/sync/fake_node.h"

struct peer {
    struct core core;
    struct fake_api api;
    char home[64]; /* empty: not in use */
    int64_t clock_offset_ns;
    struct clock clock;
    unsigned events[16]; /* by kind */
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

/* Runs `body` as a fiber and the loop until it is over. */
void world_run(struct world *w, void (*body)(struct world *w));

/* Shorthand inside fibers; each asserts success. */
void peer_sync(struct peer *p);
void peer_send(struct peer *p, const uint8_t id[16], const char *text);
/* Texts of the conversation of this group, oldest first, joined by "|". */
const char *peer_texts(struct peer *p, const uint8_t id[16]);
/* Same epoch and epoch authenticator? */
void assert_same_epoch(struct peer *a, struct peer *b, const uint8_t id[16]);
