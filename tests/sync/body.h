/* Tests whose whole body is one fiber in a world of its own: BODY(what_is_so) { ... }.
 * Included by test programs alone, after cmocka.h. */
#pragma once
#include "sync/prefs.h"
#include "tests/sync/shorthand.h"

static struct world *world; /* of the running test */

#define BODY(name)                                                                                                  \
    static void name##_body(void);                                                                                  \
    static void name##_run(struct world *w)                                                                         \
    {                                                                                                               \
        world = w;                                                                                                  \
        name##_body();                                                                                              \
    }                                                                                                               \
    static void name(void **state)                                                                                  \
    {                                                                                                               \
        world_run(*state, name##_run);                                                                              \
    }                                                                                                               \
    static void name##_body(void)

/* An installation that has begun its work and does nothing further by itself. */
static struct peer *installation(uint8_t wallet)
{
    struct peer *p = world_installation(world, wallet);

    peer_make_whole(p);
    prefs_start(&p->core);
    world_until(world, "an installation has begun", peer_is_idle, p);
    return p;
}
