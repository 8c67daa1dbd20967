/* Passkey signatures: JSON, DER and points.  The input is cut in four at its first bytes' say. */
#include "base/reader.h"
#include "crypto/crypto.h"
#include "identity/passkey.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(slice_of(data, size));
    struct slice key = read_bytes(&r, read_u8(&r)), signature = read_bytes(&r, read_u8(&r));
    struct slice text = read_bytes(&r, read_u8(&r));
    struct slice json = read_bytes(&r, reader_left(&r));
    uint8_t raw[64];

    if (crypto_init(NULL) != 0)
        abort();
    if (!r.bad)
        (void)passkey_verify(key, signature, slice_of(NULL, 0), json, text, raw, NULL);
    return 0;
}
