/* Jittered exponential backoff: how long to wait before the next dial.  Pure.  Thread: any. */
#pragma once
#include <stdint.h>

struct rand;

struct backoff {
    uint64_t min_ms, max_ms;
    unsigned failures; /* in a row */
};

void backoff_init(struct backoff *b, uint64_t min_ms, uint64_t max_ms);
/* Counts a failure and returns the wait: min·2^(n-1) capped at max, then jittered down by up to half,
 * so that the clients of a restarted node do not come back in one wave. */
uint64_t backoff_next_ms(struct backoff *b, const struct rand *rand);
/* The connection worked. */
void backoff_reset(struct backoff *b);
