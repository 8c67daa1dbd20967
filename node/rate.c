#include "node/rate.h"

enum { BURST_S = 5 };

void rate_init(struct rate *rate, uint64_t per_s, uint64_t now_ms)
{
    *rate = (struct rate){.per_s = per_s, .burst = per_s * BURST_S, .milli = per_s * BURST_S * 1000, .last_ms = now_ms};
}

bool rate_take(struct rate *rate, uint64_t n, uint64_t now_ms)
{
    uint64_t full = rate->burst * 1000, passed = now_ms > rate->last_ms ? now_ms - rate->last_ms : 0;

    if (rate->per_s == 0)
        return true;
    /* Any pause longer than it takes to fill up counts the same: no product can overflow. */
    if (passed > BURST_S * 1000)
        passed = BURST_S * 1000;
    rate->last_ms = now_ms;
    rate->milli += passed * rate->per_s;
    if (rate->milli > full)
        rate->milli = full;
    if (n > rate->burst)
        n = rate->burst;
    if (rate->milli < n * 1000)
        return false;
    rate->milli -= n * 1000;
    return true;
}
