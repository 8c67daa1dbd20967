/* Sealing of columns: XChaCha20-Poly1305 under the data key, with table, column and row id as associated
 * data, so that a sealed value opens only where it was put.
 *
 * Form: 24 random bytes of nonce, ciphertext, 16 bytes of tag.  Thread: that of its connection. */
#pragma once
#include "base/bytes.h"

#include <stdint.h>

struct err;
struct rand;
struct store_mem;
struct db_query;

#define SEAL_KEY_LEN  32
#define SEAL_OVERHEAD 40

/* A column that is sealed. */
struct seal_column {
    const char *table, *name;
};

struct sealer {
    uint8_t key[SEAL_KEY_LEN];
    const struct rand *rand;
    struct buf sealed;     /* reused */
    struct buf associated; /* reused */
};

void sealer_init(struct sealer *s, const uint8_t key[SEAL_KEY_LEN], const struct rand *rand);
void sealer_deinit(struct sealer *s); /* wipes */

/* *out is borrowed until the next call on this sealer.  ERR_NOMEM. */
int seal_value(struct sealer *s, const struct seal_column *column, struct slice row, struct slice plain,
               struct slice *out, struct err *err);
/* Writes the plaintext, sealed.len - SEAL_OVERHEAD bytes, to `out`; ERR_CORRUPT names table, column and row.
 */
int seal_open(struct sealer *s, const struct seal_column *column, struct slice row, struct slice sealed,
              uint8_t *out, struct err *err);

/* A row's integer id as decimal text. */
struct seal_row {
    char text[24];
};
struct slice seal_row_of(int64_t id, struct seal_row *space);

/* 32 bytes that find a secret text again without telling it: a keyed hash (BLAKE2b). */
void seal_lookup(const struct sealer *s, const char *what, struct slice value, uint8_t out[32]);
