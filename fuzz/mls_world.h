/* What the fuzz targets of mls/ share: two members of one group, made once from a fixed seed, and
 * messages between them.  A target feeds bytes, or damages a good message with them: the first two
 * bytes say where, the rest is XORed there. */
#pragma once
#include "tests/mls/kit.h"

struct mls_world {
    struct rand_seed seed;
    struct rand rand;
    struct kit_member alice, bob, carol;
    struct bytes welcome;            /* of bob */
    struct bytes message, commit;    /* from alice, that bob has not processed */
    struct bytes staged, group_info; /* alice's own, serialised */
};

/* The one world; made at the first call. */
struct mls_world *mls_world(void);
/* `good` with `data` XORed into it; ended with bytes_free(). */
struct bytes mls_damage(struct slice good, const uint8_t *data, size_t len);
