/* Key packages as a node hands them out. */
#include "crypto/crypto.h"
#include "identity/key_package.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct key_package_view view;

    if (crypto_init(NULL) != 0)
        abort();
    (void)key_package_check(slice_of(data, size), slice_of(NULL, 0), slice_of(NULL, 0), 1795383800, &view,
                            NULL, NULL);
    return 0;
}
