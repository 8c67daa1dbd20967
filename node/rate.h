/* Token bucket: how much may happen a second.  Pure.  Thread: one. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct rate {
    uint64_t per_s; /* 0: no limit */
    uint64_t burst; /* at once after a quiet time */
    uint64_t milli; /* thousandths of a token left */
    uint64_t last_ms;
};

/* A full bucket.  The burst is five seconds' worth. */
void rate_init(struct rate *rate, uint64_t per_s, uint64_t now_ms);
/* Takes `n` tokens, or none and false.  More than the burst is granted to a full bucket. */
bool rate_take(struct rate *rate, uint64_t n, uint64_t now_ms);
