#include "net/backoff.h"

#include "base/rand.h"

void backoff_init(struct backoff *b, uint64_t min_ms, uint64_t max_ms)
{
    b->min_ms = min_ms ? min_ms : 1;
    b->max_ms = max_ms < b->min_ms ? b->min_ms : max_ms;
    b->failures = 0;
}

uint64_t backoff_next_ms(struct backoff *b, const struct rand *rand)
{
    uint64_t wait = b->min_ms;

    for (unsigned i = 0; i < b->failures && wait < b->max_ms; i++)
        wait = wait > b->max_ms / 2 ? b->max_ms : wait * 2;
    if (wait > b->max_ms)
        wait = b->max_ms;
    if (b->failures < 64) /* more doublings change nothing */
        b->failures++;
    return wait - rand_below(rand, wait / 2 + 1);
}

void backoff_reset(struct backoff *b)
{
    b->failures = 0;
}
