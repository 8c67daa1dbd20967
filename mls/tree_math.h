/* Array-based trees (RFC 9420 appendix C): a full binary tree of `width` leaves, a power of two.
 *
 * Leaf i is node 2i; the parent at level l and position p is node (p << (l + 1)) + (1 << l) - 1.
 * All functions are total: `width` and indices are checked by the caller.  Thread: any. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

static inline uint32_t mls_node_width(uint32_t width)
{
    return width ? 2 * width - 1 : 0;
}

static inline uint32_t mls_root(uint32_t width)
{
    return width - 1;
}

static inline unsigned mls_level(uint32_t x)
{
    return (x & 1) ? (unsigned)__builtin_ctz(~x) : 0;
}

static inline uint32_t mls_position(uint32_t x)
{
    return x >> (mls_level(x) + 1);
}

static inline uint32_t mls_left(uint32_t x)
{
    return x ^ (1u << (mls_level(x) - 1));
}

static inline uint32_t mls_right(uint32_t x)
{
    return x ^ (3u << (mls_level(x) - 1));
}

/* Of any node but the root. */
static inline uint32_t mls_parent(uint32_t x)
{
    unsigned k = mls_level(x);
    uint32_t b = (x >> (k + 1)) & 1;

    return (x | (1u << k)) ^ (b << (k + 1));
}

static inline uint32_t mls_sibling(uint32_t x)
{
    uint32_t p = mls_parent(x);

    return x < p ? mls_right(p) : mls_left(p);
}

/* Is `x` the node `above` or somewhere below it? */
static inline bool mls_is_below(uint32_t x, uint32_t above)
{
    unsigned k = mls_level(above);
    uint32_t first = above - ((1u << k) - 1);

    return x >= first && x <= above + ((1u << k) - 1);
}

/* The child of `p` on the way to `x`, which lies below it. */
static inline uint32_t mls_child_towards(uint32_t p, uint32_t x)
{
    return x < p ? mls_left(p) : mls_right(p);
}

static inline bool mls_is_power_of_two(uint32_t n)
{
    return n && !(n & (n - 1));
}
