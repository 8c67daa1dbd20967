/* Fuzz target: keys, signatures and addresses as text, from files, arguments and other clients' identity logs.
 * What is taken for a key reads the same when it is written again. */
#include "base/err.h"
#include "base/hex.h"
#include "fuzz/fuzz.h"
#include "identity/fields.h"
#include "identity/request.h"
#include "proto/xmtp_identity_associations.pb-c.h"
#include "store/store.h"
#include "sync/params.h"
#include "sync/rpc.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char home[64], path[100];

static void end(void)
{
    unlink(path);
    rmdir(home);
}

static void begin(void)
{
    snprintf(home, sizeof home, "%s/fuzz-key-XXXXXX", scratch_root());
    must(mkdtemp(home) != NULL && atexit(end) == 0);
    snprintf(path, sizeof path, "%s/" STORE_KEY_FILE, home);
    umask(077);
}

/* `len` bytes were read from `text`: they say the same, but for capitals and what may stand around. */
static void same(const uint8_t *key, size_t len, const char *text)
{
    char again[2 * 65 + 1];

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        text += 2;
    hex_encode(key, len, again);
    must(strncasecmp(again, text, 2 * len) == 0);
}

static void key_file(const uint8_t *data, size_t size, const char *text)
{
    FILE *f = fopen(path, "w");
    uint8_t key[STORE_KEY_LEN];
    struct err err = {0};

    must(f != NULL && fwrite(data, 1, size, f) == size && fclose(f) == 0);
    if (store_key_file_read(home, key, &err) != 0) {
        must(err.code == ERR_MALFORMED && *err.text);
        return;
    }
    must(text[0] != '0' || (text[1] != 'x' && text[1] != 'X'));
    same(key, sizeof key, text);
}

static void wallet_key(const char *text)
{
    struct rpc rpc = {.params = json_pack("{s:s}", "walletKey", text)};
    uint8_t key[32];
    bool given = false;

    if (!rpc.params)
        return; /* no UTF-8 */
    if (params_wallet_key(&rpc, true, key, &given) == 0) {
        must(given);
        same(key, sizeof key, text);
    } else {
        must(*rpc.err.text);
    }
    json_decref(rpc.params);
}

static void others(const uint8_t *data, size_t size, const char *text)
{
    static const uint64_t passkey = XMTP__IDENTITY__ASSOCIATIONS__IDENTIFIER_KIND__IDENTIFIER_KIND_PASSKEY;
    char address[ETH_ADDRESS_LEN + 1];
    struct pool pool = {0};
    struct ident account;
    uint8_t signature[65];

    if (ident_parse_address(text, address, NULL) == 0) {
        must(strlen(address) == ETH_ADDRESS_LEN);
        must(strcasecmp(address + 2, text[1] == 'x' || text[1] == 'X' ? text + 2 : text) == 0);
    }
    (void)request_parse_signature(text, signature, NULL);
    if (field_account(slice_of(data, size), passkey, &pool, &account, NULL) == 0)
        must(account.kind == IDENT_PASSKEY && account.value.len == size / 2);
    pool_free(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (!*path)
        begin();
    must(text != NULL);
    memcpy(text, data, size);
    text[size] = 0;
    key_file(data, size, text);
    wallet_key(text);
    others(data, size, text);
    free(text);
    return 0;
}
