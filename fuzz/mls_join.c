/* Welcomes and GroupInfos from outside, and good ones damaged. */
#include "fuzz/mls_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void join(struct mls_world *w, struct slice welcome)
{
    struct mls_join_params params = {.welcome = welcome,
                                     .key_package = bytes_slice(&w->bob.kp.data),
                                     .init_private = w->bob.kp.init_private,
                                     .leaf_private = w->bob.kp.leaf_private};
    struct mls_group *group = NULL;

    if (mls_group_join(&w->bob.config, &params, &group, NULL, NULL) == 0)
        mls_group_free(group);
}

static void join_external(struct mls_world *w, struct slice group_info)
{
    struct mls_leaf_params leaf = kit_leaf(&w->carol);
    struct mls_group *group = NULL;
    struct bytes message = {0};

    if (mls_group_join_external(&w->carol.config, group_info, &leaf, &w->rand, &message, &group, NULL) == 0)
        mls_group_free(group);
    bytes_free(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct mls_world *w = mls_world();
    struct bytes damaged = mls_damage(bytes_slice(&w->welcome), data, len);
    struct bytes info = mls_damage(bytes_slice(&w->group_info), data, len);

    join(w, slice_of(data, len));
    join(w, bytes_slice(&damaged));
    join_external(w, slice_of(data, len));
    join_external(w, bytes_slice(&info));
    bytes_free(&damaged);
    bytes_free(&info);
    return 0;
}
