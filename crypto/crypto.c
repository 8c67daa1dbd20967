/* One call starts all three libraries, so that nobody has to know which function needs which. */
#include "crypto/crypto.h"

#include "base/err.h"
#include "crypto/aead.h"
#include "crypto/eth.h"
#include "crypto/xwing.h"

#include <sodium.h>

int crypto_init(struct err *err)
{
    if (sodium_init() < 0)
        return err_set(err, ERR_STATE, "libsodium does not start");
    if (aead_init() != 0)
        return err_set(err, ERR_STATE, "OpenSSL has no AES-GCM");
    if (eth_init() != 0)
        return err_set(err, ERR_STATE, "libsecp256k1 does not start");
    xwing_init();
    return 0;
}
