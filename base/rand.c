#include "base/rand.h"

#include <sodium.h>
#include <string.h>

static void system_fill(void *ctx, void *out, size_t len)
{
    (void)ctx;
    randombytes_buf(out, len);
}

const struct rand rand_system = {system_fill, NULL};

uint64_t rand_u64(const struct rand *r)
{
    uint64_t v;

    rand_fill(r, &v, sizeof v);
    return v;
}

uint64_t rand_below(const struct rand *r, uint64_t bound)
{
    uint64_t v, limit;

    if (bound < 2)
        return 0;
    limit = UINT64_MAX - UINT64_MAX % bound; /* values from here on would favour small results */
    do
        v = rand_u64(r);
    while (v >= limit);
    return v % bound;
}

static void seeded_fill(void *ctx, void *out, size_t len)
{
    struct rand_seed *seed = ctx;
    uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];

    memcpy(nonce, &seed->counter, sizeof nonce);
    seed->counter++;
    crypto_stream_chacha20(out, len, nonce, seed->key);
}

struct rand rand_seeded(struct rand_seed *seed, uint64_t value)
{
    memset(seed, 0, sizeof *seed);
    memcpy(seed->key, &value, sizeof value);
    return (struct rand){seeded_fill, seed};
}
