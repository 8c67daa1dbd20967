#include "tests/cli/wallet.h"

#include "base/hex.h"
#include "crypto/crypto.h"
#include "crypto/eth.h"

#include <stdio.h>
#include <string.h>

static void load(unsigned char byte, struct eth_key *out)
{
    uint8_t secret[32];

    crypto_init(NULL);
    memset(secret, byte, sizeof secret);
    eth_from_secret(secret, out);
}

const char *wallet_key(unsigned char byte)
{
    static char hex[65];
    uint8_t secret[32];

    memset(secret, byte, sizeof secret);
    hex_encode(secret, sizeof secret, hex);
    return hex;
}

const char *wallet_address(unsigned char byte)
{
    static char address[ETH_ADDRESS_LEN + 1];
    struct eth_key key;

    load(byte, &key);
    eth_address(&key, address);
    return address;
}

const char *wallet_sign(unsigned char byte, const char *text)
{
    static char hex[2 + 2 * ETH_SIGNATURE_LEN + 1] = "0x";
    uint8_t signature[ETH_SIGNATURE_LEN];
    struct eth_key key;

    load(byte, &key);
    eth_sign_personal(&key, slice_str(text), signature);
    hex_encode(signature, sizeof signature, hex + 2);
    return hex;
}
