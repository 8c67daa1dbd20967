/* Time as an argument: code that decides takes a struct clock, so a test can move it.
 * Thread: any for clock_system. */
#pragma once
#include <stdint.h>

struct clock {
    int64_t (*now_ns)(void *ctx);      /* wall clock, nanoseconds since 1970 */
    uint64_t (*monotonic_ms)(void *ctx); /* never goes back; for timers */
    void *ctx;
};

extern const struct clock clock_system;

static inline int64_t clock_now_ns(const struct clock *c)
{
    return c->now_ns(c->ctx);
}

static inline uint64_t clock_monotonic_ms(const struct clock *c)
{
    return c->monotonic_ms(c->ctx);
}

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
