/* The Keccak-f[1600] permutation and a sponge of rate 136 over it (FIPS 202 sections 3 and 4).
 * The three functions differ in the padding byte alone: 0x01 Keccak, 0x06 SHA3, 0x1f SHAKE. */
#include "crypto/keccak.h"

#include <sodium.h>

#define RATE 136 /* 1600 bits less twice the 256-bit capacity half */

struct sponge {
    uint64_t lane[25];
    size_t at; /* byte position inside the rate */
};

static const uint64_t round_constant[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* The path of rho and pi through the 24 lanes other than lane 0: where, and how far rotated. */
static const uint8_t pi_lane[24] = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                    15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};
static const uint8_t rho_bits[24] = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                     27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};

static uint64_t rotl(uint64_t v, unsigned bits)
{
    return (v << bits) | (v >> (64 - bits));
}

static void theta(uint64_t a[25])
{
    uint64_t column[5];

    for (int x = 0; x < 5; x++)
        column[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
    for (int x = 0; x < 5; x++) {
        uint64_t mix = column[(x + 4) % 5] ^ rotl(column[(x + 1) % 5], 1);

        for (int y = 0; y < 25; y += 5)
            a[y + x] ^= mix;
    }
}

static void rho_pi(uint64_t a[25])
{
    uint64_t carried = a[1];

    for (int i = 0; i < 24; i++) {
        uint64_t next = a[pi_lane[i]];

        a[pi_lane[i]] = rotl(carried, rho_bits[i]);
        carried = next;
    }
}

static void chi(uint64_t a[25])
{
    for (int y = 0; y < 25; y += 5) {
        uint64_t first = a[y], second = a[y + 1];

        for (int x = 0; x < 3; x++)
            a[y + x] ^= ~a[y + x + 1] & a[y + x + 2];
        a[y + 3] ^= ~a[y + 4] & first;
        a[y + 4] ^= ~first & second;
    }
}

static void permute(uint64_t a[25])
{
    for (int round = 0; round < 24; round++) {
        theta(a);
        rho_pi(a);
        chi(a);
        a[0] ^= round_constant[round];
    }
}

static void absorb_byte(struct sponge *s, uint8_t byte)
{
    s->lane[s->at / 8] ^= (uint64_t)byte << (8 * (s->at % 8));
    if (++s->at == RATE) {
        permute(s->lane);
        s->at = 0;
    }
}

static void sponge_run(uint8_t pad, const struct slice *parts, size_t count, uint8_t *out, size_t len)
{
    struct sponge s = {0};

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < parts[i].len; k++)
            absorb_byte(&s, parts[i].data[k]);
    s.lane[s.at / 8] ^= (uint64_t)pad << (8 * (s.at % 8));
    s.lane[(RATE - 1) / 8] ^= UINT64_C(0x80) << (8 * ((RATE - 1) % 8));
    permute(s.lane);
    for (size_t k = 0; k < len; k++) {
        if (k > 0 && k % RATE == 0)
            permute(s.lane);
        out[k] = (uint8_t)(s.lane[k % RATE / 8] >> (8 * (k % RATE % 8)));
    }
    sodium_memzero(&s, sizeof s);
}

void keccak_256_parts(const struct slice *parts, size_t count, uint8_t out[32])
{
    sponge_run(0x01, parts, count, out, 32);
}

void keccak_256(struct slice data, uint8_t out[32])
{
    sponge_run(0x01, &data, 1, out, 32);
}

void sha3_256_parts(const struct slice *parts, size_t count, uint8_t out[32])
{
    sponge_run(0x06, parts, count, out, 32);
}

void shake_256(struct slice data, uint8_t *out, size_t len)
{
    sponge_run(0x1f, &data, 1, out, len);
}
