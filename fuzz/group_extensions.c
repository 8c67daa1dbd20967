/* The four extensions of a group: what decodes is written, and what is written decodes to the same. */
#include "sync/metadata.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROUND(type, decode, encode, release)                                                                        \
    do {                                                                                                            \
        struct buf once = BUF_INIT, twice = BUF_INIT;                                                               \
        type value;                                                                                                 \
        if (decode(slice_of(data, size), &value, NULL) != 0)                                                        \
            break;                                                                                                  \
        encode(&value, &once);                                                                                      \
        release(&value);                                                                                            \
        if (decode(buf_slice(&once), &value, NULL) != 0)                                                            \
            abort();                                                                                                \
        encode(&value, &twice);                                                                                     \
        release(&value);                                                                                            \
        if (!slice_eq(buf_slice(&once), buf_slice(&twice)))                                                         \
            abort();                                                                                                \
        buf_free(&once);                                                                                            \
        buf_free(&twice);                                                                                           \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ROUND(struct group_immutable, group_immutable_decode, group_immutable_encode, group_immutable_free);
    ROUND(struct group_mutable, group_mutable_decode, group_mutable_encode, group_mutable_free);
    ROUND(struct group_membership, group_membership_decode, group_membership_encode, group_membership_free);
    ROUND(struct policy_set, group_permissions_decode, group_permissions_encode, policy_set_free);
    return 0;
}
