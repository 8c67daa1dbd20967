#include "store/seal.h"

#include "base/err.h"
#include "base/hex.h"
#include "base/rand.h"
#include "crypto/aead.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define NONCE_LEN AEAD_NONCE_MAX

_Static_assert(NONCE_LEN + AEAD_TAG_LEN == SEAL_OVERHEAD, "form of a sealed value");

void sealer_init(struct sealer *s, const uint8_t key[SEAL_KEY_LEN], const struct rand *rand)
{
    *s = (struct sealer){.rand = rand};
    memcpy(s->key, key, SEAL_KEY_LEN);
}

void sealer_deinit(struct sealer *s)
{
    sodium_memzero(s->key, sizeof s->key);
    buf_free(&s->sealed);
    buf_free(&s->associated);
}

/* Names end with a NUL and the row comes last, so no two places give the same bytes. */
static bool put_associated(struct sealer *s, const struct seal_column *column, struct slice row)
{
    buf_reset(&s->associated);
    buf_put(&s->associated, column->table, strlen(column->table) + 1);
    buf_put(&s->associated, column->name, strlen(column->name) + 1);
    buf_put_slice(&s->associated, row);
    return buf_ok(&s->associated);
}

int seal_value(struct sealer *s, const struct seal_column *column, struct slice row, struct slice plain,
               struct slice *out, struct err *err)
{
    uint8_t *at;
    int r;

    buf_reset(&s->sealed);
    if (!put_associated(s, column, row) || plain.len > SIZE_MAX - SEAL_OVERHEAD ||
        !(at = buf_grow(&s->sealed, plain.len + SEAL_OVERHEAD)))
        return err_set(err, ERR_NOMEM, "sealing %zu bytes: out of memory", plain.len);
    rand_fill(s->rand, at, NONCE_LEN);
    r = aead_seal(AEAD_XCHACHA20_POLY1305, s->key, at, buf_slice(&s->associated), plain, at + NONCE_LEN);
    if (r != 0)
        return err_set(err, r, "sealing %zu bytes", plain.len);
    *out = buf_slice(&s->sealed);
    return 0;
}

/* Names the row: a text id as it is, another one by its first bytes in hex. */
static int damaged(const struct seal_column *column, struct slice row, struct err *err)
{
    char hex[2 * 32 + 1];

    for (size_t i = 0; i < row.len; i++) {
        if (row.data[i] < 0x21 || row.data[i] > 0x7e) {
            hex_encode(row.data, row.len < 32 ? row.len : 32, hex);
            return err_set(err, ERR_CORRUPT, "%s.%s of row %s is damaged or was moved", column->table,
                           column->name, hex);
        }
    }
    return err_set(err, ERR_CORRUPT, "%s.%s of row %.*s is damaged or was moved", column->table, column->name,
                   (int)row.len, (const char *)row.data);
}

int seal_open(struct sealer *s, const struct seal_column *column, struct slice row, struct slice sealed,
              uint8_t *out, struct err *err)
{
    if (!put_associated(s, column, row))
        return err_set(err, ERR_NOMEM, "opening %zu bytes: out of memory", sealed.len);
    if (sealed.len < SEAL_OVERHEAD ||
        aead_open(AEAD_XCHACHA20_POLY1305, s->key, sealed.data, buf_slice(&s->associated),
                  slice_of(sealed.data + NONCE_LEN, sealed.len - NONCE_LEN), out) != 0)
        return damaged(column, row, err);
    return 0;
}

struct slice seal_row_of(int64_t id, struct seal_row *space)
{
    int n = snprintf(space->text, sizeof space->text, "%lld", (long long)id);

    return slice_of(space->text, (size_t)n);
}

void seal_lookup(const struct sealer *s, const char *what, struct slice value, uint8_t out[32])
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, s->key, sizeof s->key, 32);
    crypto_generichash_update(&state, (const uint8_t *)what, strlen(what) + 1);
    crypto_generichash_update(&state, value.data, value.len);
    crypto_generichash_final(&state, out, 32);
    sodium_memzero(&state, sizeof state);
}
