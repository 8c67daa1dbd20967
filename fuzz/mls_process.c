/* A member's group meets bytes from outside, and good messages damaged by them.  Whatever happens, the
 * group is as before and still reads the good message. */
#include "fuzz/mls_world.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool reads(struct mls_group *group, struct slice message)
{
    struct mls_processed *processed = NULL;
    bool ok = mls_group_process(group, message, &processed, NULL) == 0;

    if (ok)
        mls_processed_free(processed);
    return ok;
}

static void try_damaged(struct mls_world *w, struct slice good, const uint8_t *data, size_t len)
{
    struct bytes damaged = mls_damage(good, data, len);

    if (!slice_eq(bytes_slice(&damaged), good) && reads(w->bob.g, bytes_slice(&damaged)))
        abort(); /* every byte of a PrivateMessage is authenticated */
    bytes_free(&damaged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct mls_world *w = mls_world();

    reads(w->bob.g, slice_of(data, len));
    try_damaged(w, bytes_slice(&w->message), data, len);
    try_damaged(w, bytes_slice(&w->commit), data, len);
    if (!reads(w->bob.g, bytes_slice(&w->message)) ||
        !reads(w->bob.g, bytes_slice(&w->commit)))
        abort();
    return 0;
}
