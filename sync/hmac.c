#include "sync/hmac.h"

#include "base/alloc.h"
#include "base/err.h"
#include "crypto/hash.h"
#include "store/preferences.h"
#include "sync/core.h"

#include <sodium.h>
#include <string.h>

/* libxmtp: xmtp_mls, groups/mod.rs (HMAC_SALT). */
#define SALT "libXMTP HKDF salt!"

struct hmac_cache {
    uint8_t root[HMAC_ROOT_LEN];
    bool has_key; /* of this group and period */
    uint8_t group_id[GROUP_ID_LEN];
    int64_t period;
    uint8_t key[HMAC_KEY_LEN];
};

int64_t hmac_period(int64_t now_ns)
{
    return now_ns / (NS_PER_S * HMAC_PERIOD_S);
}

void hmac_derive(const uint8_t root[HMAC_ROOT_LEN], const uint8_t group_id[16], int64_t period,
                 uint8_t out[HMAC_KEY_LEN])
{
    const struct slice ikm[] = {slice_of(root, HMAC_ROOT_LEN), slice_of(group_id, GROUP_ID_LEN)};
    uint8_t prk[HASH_SHA256_LEN], info[GROUP_ID_LEN + 8];

    memcpy(info, group_id, GROUP_ID_LEN);
    for (int i = 0; i < 8; i++) /* little-endian */
        info[GROUP_ID_LEN + i] = (uint8_t)((uint64_t)period >> (8 * i));
    hkdf_sha256_extract_parts(slice_of(SALT, sizeof SALT - 1), ikm, 2, prk);
    (void)hkdf_sha256_expand(slice_of(prk, sizeof prk), slice_of(info, sizeof info), out, HMAC_KEY_LEN);
    sodium_memzero(prk, sizeof prk);
}

void hmac_forget(struct core *core)
{
    xm_free_secret(core->hmac, sizeof *core->hmac);
    core->hmac = NULL;
}

static int make_root(struct core *core, uint8_t out[HMAC_ROOT_LEN], struct err *err)
{
    rand_fill(core->rand, out, HMAC_ROOT_LEN);
    return store_hmac_key_put(core->store, slice_of(out, HMAC_ROOT_LEN), core_now_ns(core), NULL, err);
}

static int load(struct core *core, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct hmac_cache *cache;
    int64_t cycled_at_ns;
    struct slice key;
    int r;

    if (core->hmac)
        return 0;
    cache = xm_alloc(sizeof *cache);
    if (!cache)
        return err_set(err, ERR_NOMEM, "out of memory");
    r = store_hmac_key_get(core->store, &mem, &key, &cycled_at_ns, err);
    if (r == ERR_NOTFOUND)
        r = make_root(core, cache->root, err);
    else if (r == 0 && key.len != HMAC_ROOT_LEN)
        r = err_set(err, ERR_CORRUPT, "the stored HMAC root key has %zu bytes", key.len);
    else if (r == 0)
        memcpy(cache->root, key.data, HMAC_ROOT_LEN);
    store_mem_free(&mem);
    if (r == 0)
        core->hmac = cache;
    else
        xm_free_secret(cache, sizeof *cache);
    return r;
}

int hmac_root(struct core *core, uint8_t out[HMAC_ROOT_LEN], struct err *err)
{
    int r = load(core, err);

    if (r == 0)
        memcpy(out, core->hmac->root, HMAC_ROOT_LEN);
    return r;
}

int hmac_sender(struct core *core, const uint8_t group_id[16], struct slice data, uint8_t out[32], struct err *err)
{
    int64_t period = hmac_period(core_now_ns(core));
    struct hmac_cache *cache;
    int r;

    if ((r = load(core, err)) != 0)
        return err_wrap(err, r, "HMAC key");
    cache = core->hmac;
    if (!cache->has_key || cache->period != period || memcmp(cache->group_id, group_id, GROUP_ID_LEN) != 0) {
        hmac_derive(cache->root, group_id, period, cache->key);
        memcpy(cache->group_id, group_id, GROUP_ID_LEN);
        cache->period = period;
        cache->has_key = true;
    }
    hmac_sha256(slice_of(cache->key, HMAC_KEY_LEN), data, out);
    return 0;
}

int hmac_receive_root(struct core *core, const uint8_t key[HMAC_ROOT_LEN], int64_t cycled_at_ns, struct err *err)
{
    bool stored = false;
    int r = store_hmac_key_put(core->store, slice_of(key, HMAC_ROOT_LEN), cycled_at_ns, &stored, err);

    if (r != 0 || !stored)
        return r;
    hmac_forget(core); /* a rollback brings the old one back from the store */
    return core_note(core, &(struct core_event){.kind = CORE_PREFERENCES}, err);
}
