/* What every test of flows between installations begins with: a world for each test, and calls that must succeed.
 * Included by test programs alone, after cmocka.h. */
#pragma once
#include "tests/sync/peers.h"

static struct err err; /* of the last call */

#define OK(call)                                                                                                    \
    do {                                                                                                            \
        if ((call) != 0)                                                                                            \
            fail_msg("%s: %s", #call, err.text);                                                                    \
    } while (0)

static int setup(void **state)
{
    static struct world w;

    world_open(&w);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    world_close(*state);
    return 0;
}
