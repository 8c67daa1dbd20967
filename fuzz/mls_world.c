#include "fuzz/mls_world.h"

#include "crypto/crypto.h"

#include <stdlib.h>

static void must(int r)
{
    if (r != 0)
        abort();
}

static void make(struct mls_world *w)
{
    struct mls_config config = mls_config_default();
    struct mls_join_params join = {0};
    struct mls_commit_result added = {0}, renewed = {0};
    struct mls_commit_params params = {0};
    struct mls_signer signer;
    struct slice package;

    must(crypto_init(NULL));
    w->rand = rand_seeded(&w->seed, 7);
    kit_member_init(&w->alice, 1, 3, &w->rand);
    kit_member_init(&w->bob, 2, 3, &w->rand);
    kit_member_init(&w->carol, 3, 3, &w->rand);
    kit_create(&w->alice, &w->rand);
    signer = kit_signer(&w->alice);
    package = bytes_slice(&w->bob.kp.data);
    params.signer = signer;
    params.adds = &package;
    params.adds_n = 1;
    must(mls_commit_create(w->alice.g, &params, &w->rand, &added, NULL));
    must(bytes_dup(bytes_slice(&added.welcome), &w->welcome));
    must(mls_group_merge(w->alice.g, added.staged, NULL));
    added.staged = NULL;
    join.welcome = bytes_slice(&w->welcome);
    join.key_package = package;
    join.init_private = w->bob.kp.init_private;
    join.leaf_private = w->bob.kp.leaf_private;
    must(mls_group_join(&config, &join, &w->bob.g, NULL, NULL));
    must(mls_group_encrypt(w->alice.g, &signer, (struct slice){0}, slice_str("hello"), &w->rand, &w->message, NULL));
    must(mls_group_info_create(w->alice.g, &signer, &w->group_info, NULL));
    params.adds = NULL;
    params.adds_n = 0;
    must(mls_commit_create(w->alice.g, &params, &w->rand, &renewed, NULL));
    must(bytes_dup(bytes_slice(&renewed.message), &w->commit));
    must(mls_staged_commit_write(renewed.staged, w->alice.g, &w->staged, NULL));
    mls_commit_result_free(&added);
    mls_commit_result_free(&renewed);
}

struct mls_world *mls_world(void)
{
    static struct mls_world world;

    if (!world.welcome.data)
        make(&world);
    return &world;
}

struct bytes mls_damage(struct slice good, const uint8_t *data, size_t len)
{
    struct bytes out = {0};

    must(bytes_dup(good, &out));
    if (len < 3 || !out.len)
        return out;
    for (size_t i = 2, at = (size_t)(data[0] << 8 | data[1]); i < len; i++, at++)
        out.data[at % out.len] ^= data[i];
    return out;
}
