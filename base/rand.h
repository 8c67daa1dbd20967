/* Randomness as an argument.  Production passes rand_system (libsodium's generator); a test or a
 * simulation passes rand_seeded, which repeats itself for the same seed and must never hold keys
 * of a real person.  Thread: rand_system any; a seeded one belongs to its user. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct rand {
    void (*fill)(void *ctx, void *out, size_t len);
    void *ctx;
};

extern const struct rand rand_system;

static inline void rand_fill(const struct rand *r, void *out, size_t len)
{
    r->fill(r->ctx, out, len);
}

uint64_t rand_u64(const struct rand *r);
/* Uniform in 0 .. bound - 1; 0 for bound 0. */
uint64_t rand_below(const struct rand *r, uint64_t bound);

/* State of a seeded generator (ChaCha20 under the seed). */
struct rand_seed {
    uint8_t key[32];
    uint64_t counter;
};

/* `seed` lives as long as the generator is used. */
struct rand rand_seeded(struct rand_seed *seed, uint64_t value);
