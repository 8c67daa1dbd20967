/* Test vectors of the MLS working group (mls-implementations, test-vectors.md): what the checks of
 * all kinds need.
 *
 * A check returns true when the entry passes.  Reading a field that is missing or of another kind makes
 * `bad`, which fails the entry, and notes why.  Thread: one. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rand.h"
#include "mls/mls.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct wg {
    bool bad;
    struct bytes *owned; /* decoded fields, freed after the entry */
    size_t owned_n;
    struct err err;
    char why[300];
    const struct rand *rand;
};

/* Hex of a field, of a value; empty (and `bad`) when it is not there. */
struct slice wg_hex(struct wg *w, const json_t *object, const char *key);
struct slice wg_hex_value(struct wg *w, const json_t *value);
/* Of 32 bytes, or zeros (and `bad`). */
struct slice wg_secret(struct wg *w, const json_t *object, const char *key);
/* An Ed25519 private key: the seed (RFC 8032), also where the file has the seed and `public_key` after it, which
 * is what several libraries call the private key. */
struct slice wg_signature_key(struct wg *w, const json_t *object, const char *key, struct slice public_key);
uint64_t wg_int(struct wg *w, const json_t *object, const char *key);
struct slice wg_text(struct wg *w, const json_t *object, const char *key);
void wg_end(struct wg *w);

/* Notes what failed, once; returns false. */
bool wg_fail(struct wg *w, const char *file, int line, const char *what);
#define WG(condition)                                                                                                  \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return wg_fail(w, __FILE__, __LINE__, #condition);                                                         \
    } while (0)

static inline bool wg_is(const uint8_t *got, size_t len, struct slice want)
{
    return slice_eq(slice_of(got, len), want);
}

/* spoil.c: alters what `seen` (an object that begins empty) does not have yet; adds to the numbers. */
void wg_spoil_entry(const char *file, const char *kind, bool (*check)(struct wg *w, const json_t *entry),
                    const json_t *entry, json_t *seen, size_t *altered, size_t *missed);
/* After the last entry: how many kinds of values decided nothing anywhere. */
size_t wg_spoil_end(const char *file, const json_t *seen);

/* One for each kind of file. */
bool wg_tree_math(struct wg *w, const json_t *entry);
bool wg_deserialization(struct wg *w, const json_t *entry);
bool wg_crypto_basics(struct wg *w, const json_t *entry);
bool wg_secret_tree(struct wg *w, const json_t *entry);
bool wg_message_protection(struct wg *w, const json_t *entry);
bool wg_key_schedule(struct wg *w, const json_t *entry);
bool wg_psk_secret(struct wg *w, const json_t *entry);
bool wg_transcript_hashes(struct wg *w, const json_t *entry);
bool wg_welcome(struct wg *w, const json_t *entry);
bool wg_tree_operations(struct wg *w, const json_t *entry);
bool wg_tree_validation(struct wg *w, const json_t *entry);
bool wg_treekem(struct wg *w, const json_t *entry);
bool wg_messages(struct wg *w, const json_t *entry);
bool wg_passive_client(struct wg *w, const json_t *entry);
