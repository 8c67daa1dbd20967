/* The data key, which seals the columns, and how it is kept: wrapped by a key or by a passphrase (Argon2id),
 * in the table data_key. */
#pragma once
#include "store/seal.h"
#include "store/store.h"

struct keys_cost {
    uint64_t passes;
    size_t bytes;
};

/* Inserts or replaces; in a transaction of the caller's.  ERR_INVALID (key of the wrong size, empty or huge
 * passphrase), ERR_NOMEM (also too little memory for the passphrase hash). */
int keys_wrap(struct db *db, const uint8_t data_key[SEAL_KEY_LEN], const struct store_key *key,
              const struct keys_cost *cost, const struct rand *rand, struct err *err);
/* ERR_KEY, ERR_NOTFOUND (no row), ERR_CORRUPT (impossible parameters). */
int keys_unwrap(struct db *db, const struct store_key *key, uint8_t data_key[SEAL_KEY_LEN], struct err *err);
int keys_kind(struct db *db, enum store_key_kind *kind, struct err *err);
