#include "store/keys.h"

#include "base/rand.h"
#include "crypto/aead.h"

#include <sodium.h>
#include <string.h>

#define SALT_LEN    crypto_pwhash_argon2id_SALTBYTES
#define WRAPPED_LEN (AEAD_NONCE_MAX + SEAL_KEY_LEN + AEAD_TAG_LEN)
/* Parameters come from the file: somebody who can write it must not make us take all memory or a day. */
#define PASSES_MAX UINT64_C(64)
#define BYTES_MAX  (UINT64_C(1) << 30)

struct wrapping {
    enum store_key_kind kind;
    uint8_t salt[SALT_LEN];
    uint64_t passes;
    uint64_t bytes;
};

static int check(const struct store_key *key, struct err *err)
{
    if (key->kind == STORE_KEY_RAW && key->secret.len != STORE_KEY_LEN)
        return err_set(err, ERR_INVALID, "the database key has %zu bytes, not %d", key->secret.len,
                       STORE_KEY_LEN);
    if (key->kind == STORE_KEY_PASSPHRASE && (!key->secret.len || key->secret.len > STORE_PASSPHRASE_MAX))
        return err_set(err, ERR_INVALID, "a passphrase has 1 to %d bytes, not %zu", STORE_PASSPHRASE_MAX,
                       key->secret.len);
    return 0;
}

static int wrapping_key(const struct store_key *key, const struct wrapping *w, uint8_t out[SEAL_KEY_LEN],
                        struct err *err)
{
    if (key->kind == STORE_KEY_RAW) {
        memcpy(out, key->secret.data, SEAL_KEY_LEN);
        return 0;
    }
    if (crypto_pwhash_argon2id(out, SEAL_KEY_LEN, (const char *)key->secret.data, key->secret.len, w->salt,
                               w->passes, (size_t)w->bytes, crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0)
        return err_set(err, ERR_NOMEM, "hashing the passphrase takes %llu bytes of memory",
                       (unsigned long long)w->bytes);
    return 0;
}

/* The parameters are bound to the wrapped key: changed ones do not open it. */
static void associated(const struct wrapping *w, struct buf *out)
{
    buf_put_str(out, "xmtui data key");
    buf_put_u8(out, (uint8_t)w->kind);
    buf_put(out, w->salt, SALT_LEN);
    buf_put_u64(out, w->passes);
    buf_put_u64(out, w->bytes);
}

int keys_wrap(struct db *db, const uint8_t data_key[SEAL_KEY_LEN], const struct store_key *key,
              const struct keys_cost *cost, const struct rand *rand, struct err *err)
{
    struct wrapping w = {.kind = key->kind};
    uint8_t kek[SEAL_KEY_LEN] = {0}, wrapped[WRAPPED_LEN];
    struct buf aad = BUF_INIT;
    struct db_query q;
    int r;

    if ((r = check(key, err)) != 0)
        return r;
    rand_fill(rand, w.salt, SALT_LEN);
    if (key->kind == STORE_KEY_PASSPHRASE) {
        w.passes = cost->passes;
        w.bytes = cost->bytes;
    }
    if ((r = wrapping_key(key, &w, kek, err)) != 0)
        goto done;
    associated(&w, &aad);
    rand_fill(rand, wrapped, AEAD_NONCE_MAX);
    if (!buf_ok(&aad) || aead_seal(AEAD_XCHACHA20_POLY1305, kek, wrapped, buf_slice(&aad),
                                   slice_of(data_key, SEAL_KEY_LEN), wrapped + AEAD_NONCE_MAX) != 0) {
        r = err_set(err, ERR_NOMEM, "wrapping the data key");
        goto done;
    }
    db_query(&q, db,
             "INSERT OR REPLACE INTO data_key (id, kind, salt, passes, bytes, wrapped)"
             " VALUES (1, ?1, ?2, ?3, ?4, ?5)");
    db_bind_i64(&q, 1, w.kind);
    db_bind_slice(&q, 2, slice_of(w.salt, SALT_LEN));
    db_bind_i64(&q, 3, (int64_t)w.passes);
    db_bind_i64(&q, 4, (int64_t)w.bytes);
    db_bind_slice(&q, 5, slice_of(wrapped, sizeof wrapped));
    r = db_run(&q, err);
done:
    sodium_memzero(kek, sizeof kek);
    buf_free(&aad);
    return r;
}

static int read_row(struct db *db, struct wrapping *w, uint8_t wrapped[WRAPPED_LEN], struct err *err)
{
    struct slice salt, body;
    struct db_query q;
    int r;

    db_query(&q, db, "SELECT kind, salt, passes, bytes, wrapped FROM data_key");
    r = db_step(&q, err);
    if (r == DB_DONE)
        r = err_set(err, ERR_NOTFOUND, "the database has no key");
    if (r != DB_ROW)
        goto done;
    w->kind = (enum store_key_kind)db_col_i64(&q, 0);
    salt = db_col_slice(&q, 1);
    w->passes = (uint64_t)db_col_i64(&q, 2);
    w->bytes = (uint64_t)db_col_i64(&q, 3);
    body = db_col_slice(&q, 4);
    r = 0;
    if (salt.len != SALT_LEN || body.len != WRAPPED_LEN ||
        (w->kind != STORE_KEY_RAW && w->kind != STORE_KEY_PASSPHRASE) ||
        (w->kind == STORE_KEY_PASSPHRASE &&
         (!w->passes || w->passes > PASSES_MAX || w->bytes < crypto_pwhash_argon2id_MEMLIMIT_MIN ||
          w->bytes > BYTES_MAX))) {
        r = err_set(err, ERR_CORRUPT, "data_key is damaged");
        goto done;
    }
    memcpy(w->salt, salt.data, SALT_LEN);
    memcpy(wrapped, body.data, WRAPPED_LEN);
done:
    db_end(&q);
    return r;
}

int keys_unwrap(struct db *db, const struct store_key *key, uint8_t data_key[SEAL_KEY_LEN], struct err *err)
{
    struct wrapping w = {0};
    uint8_t kek[SEAL_KEY_LEN] = {0}, wrapped[WRAPPED_LEN];
    struct buf aad = BUF_INIT;
    int r;

    if ((r = check(key, err)) != 0 || (r = read_row(db, &w, wrapped, err)) != 0)
        return r;
    if (w.kind != key->kind)
        return err_set(err, ERR_KEY, "the database opens with a %s",
                       w.kind == STORE_KEY_RAW ? "key, not with a passphrase" : "passphrase, not with a key");
    if ((r = wrapping_key(key, &w, kek, err)) != 0)
        goto done;
    associated(&w, &aad);
    if (!buf_ok(&aad)) {
        r = err_set(err, ERR_NOMEM, "unwrapping the data key");
        goto done;
    }
    if (aead_open(AEAD_XCHACHA20_POLY1305, kek, wrapped, buf_slice(&aad),
                  slice_of(wrapped + AEAD_NONCE_MAX, WRAPPED_LEN - AEAD_NONCE_MAX), data_key) != 0)
        r = err_set(err, ERR_KEY, w.kind == STORE_KEY_RAW ? "wrong database key" : "wrong passphrase");
done:
    sodium_memzero(kek, sizeof kek);
    buf_free(&aad);
    return r;
}

int keys_kind(struct db *db, enum store_key_kind *kind, struct err *err)
{
    uint8_t wrapped[WRAPPED_LEN];
    struct wrapping w;
    int r = read_row(db, &w, wrapped, err);

    if (r == 0)
        *kind = w.kind;
    return r;
}
