/* Identity updates from anywhere: parsed, their text made, their signatures checked, and applied both
 * to nothing and to a state with members. */
#include "crypto/crypto.h"
#include "identity/state.h"
#include "identity/update.h"

#include <stdlib.h>

static int says_yes(void *ctx, struct slice account_id, uint64_t block_number, const uint8_t hash[32],
                    struct slice signature, bool *is_valid, struct err *err)
{
    (void)ctx, (void)account_id, (void)block_number, (void)hash, (void)signature, (void)err;
    *is_valid = true;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct scw_verifier verifier = {says_yes, NULL};
    struct identity_state *first = NULL, *second = NULL, *back = NULL;
    struct buf cached = BUF_INIT;
    struct slice update = slice_of(data, size);

    if (crypto_init(NULL) != 0)
        abort();
    if (identity_state_advance(NULL, update, 1, &verifier, &first, NULL, NULL) == 0) {
        (void)identity_state_advance(first, update, 2, &verifier, &second, NULL, NULL);
        identity_state_write(first, &cached);
        if (!buf_ok(&cached) || identity_state_read(buf_slice(&cached), 1, &back, NULL) != 0 ||
            back->members_n != first->members_n || back->seen_n != first->seen_n)
            abort(); /* what we wrote we read */
    }
    identity_state_free(first);
    identity_state_free(second);
    identity_state_free(back);
    buf_free(&cached);
    if (identity_state_read(update, 1, &first, NULL) == 0)
        identity_state_free(first);
    return 0;
}
