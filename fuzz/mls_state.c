/* Stored state that was tampered with: a staged commit, and the pieces of a group one by one. */
#include "fuzz/mls_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct tampered {
    struct mls_piece_source good;
    unsigned at, count;
    const uint8_t *data;
    size_t len;
};

static int get(void *ctx, const struct mls_piece_key *key, struct bytes *out, struct err *err)
{
    struct tampered *t = ctx;
    struct bytes piece = {0};
    int r = t->good.get(t->good.ctx, key, &piece, err);

    if (r != 0 || t->count++ != t->at) {
        *out = piece;
        return r;
    }
    *out = mls_damage(bytes_slice(&piece), t->data, t->len);
    bytes_wipe(&piece);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct mls_world *w = mls_world();
    struct bytes damaged = mls_damage(bytes_slice(&w->staged), data, len);
    struct mls_piece_sink sink = kit_sink(&w->bob.store);
    struct tampered t = {kit_source(&w->bob.store), len ? data[0] % 8 : 0, 0, data + (len != 0), len - (len != 0)};
    struct mls_piece_source source = {get, &t};
    struct mls_staged_commit *staged = NULL;
    struct mls_processed *processed = NULL;
    struct mls_group *group = NULL;

    if (mls_staged_commit_read(w->alice.g, bytes_slice(&damaged), &staged, NULL) == 0)
        mls_staged_commit_free(staged);
    staged = NULL;
    if (mls_staged_commit_read(w->alice.g, slice_of(data, len), &staged, NULL) == 0)
        mls_staged_commit_free(staged);
    mls_group_write(w->bob.g, &sink, NULL);
    if (mls_group_load(&w->bob.config, &source, &group, NULL) == 0) {
        if (mls_group_process(group, bytes_slice(&w->message), &processed, NULL) == 0)
            mls_processed_free(processed);
        mls_group_free(group);
    }
    bytes_free(&damaged);
    return 0;
}
