/* A core on a fresh home in a temporary folder, without a node: for what touches only the store.
 * Time is `now_ns` and moves when the test says so. */
#pragma once
#include "sync/core.h"

struct home {
    struct core core;
    struct clock clock;
    int64_t now_ns;
    char path[64];
    struct core_event events[64]; /* in the order they left */
    size_t n_events;
};

void home_open(struct home *home);
void home_close(struct home *home);
