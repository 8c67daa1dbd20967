/* Framing, key packages and extension lists from outside. */
#include "fuzz/mls_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct slice input = slice_of(data, len), rest, body;
    struct mls_key_package package = {0};
    struct mls_message_view view = {0};
    uint8_t ref[MLS_HASH_LEN] = {0};
    uint16_t type;

    (void)mls_world();
    mls_message_peek(input, &view, NULL);
    mls_welcome_is_for(input, ref);
    mls_key_package_parse(input, &package, NULL);
    mls_key_package_ref(input, ref);
    if (mls_extensions_check(input, NULL) == 0)
        for (rest = input; mls_extension_next(&rest, &type, &body);)
            mls_u16_list_has(body, type);
    return 0;
}
