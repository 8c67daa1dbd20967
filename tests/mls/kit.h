/* What tests of groups share: members that our own library makes, and a store of pieces in memory. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rand.h"
#include "mls/mls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kit_piece {
    struct mls_piece_key key;
    struct bytes data;
};
struct kit_store {
    struct kit_piece *pieces;
    size_t n;
    size_t puts, put_bytes, deletes; /* counted since the last kit_store_count() */
    size_t gets;
};
struct mls_piece_sink kit_sink(struct kit_store *store);
struct mls_piece_source kit_source(struct kit_store *store);
void kit_store_count(struct kit_store *store);
/* Pieces of that kind and epoch; `index` may be MLS_PIECE_ALL. */
size_t kit_store_has(const struct kit_store *store, uint16_t kind, uint64_t epoch, uint32_t index);
void kit_store_free(struct kit_store *store);

/* One client: its signature key, one key package, and a group it may be in. */
struct kit_member {
    uint8_t seed[32], public_key[32];
    char name[20];
    struct mls_config config;
    uint16_t suite;
    struct mls_key_package_bundle kp;
    struct mls_group *g;
    struct kit_store store;
};
struct mls_signer kit_signer(const struct kit_member *m);
struct mls_leaf_params kit_leaf(const struct kit_member *m);
/* A new client of that number, with a key package. */
void kit_member_init(struct kit_member *m, unsigned number, uint16_t suite, const struct rand *rand);
void kit_member_free(struct kit_member *m);

/* These fail the test when a step fails. */
void kit_create(struct kit_member *m, const struct rand *rand);
void kit_join(struct kit_member *m, struct slice welcome);
/* Writes what changed and loads the group anew from the store. */
void kit_reload(struct kit_member *m);
/* Process, accept; for commits of others and own ones alike see kit_commit(). */
void kit_receive(struct kit_member *m, struct slice message);
/* Processing fails with this code, and why is this sentence; code 0: it succeeds, and `why` may be NULL. */
void kit_refuse(struct kit_member *m, struct slice message, int code, const char *why);
/* Application message: the plaintext has to be that. */
void kit_read(struct kit_member *m, struct slice message, const char *text);
struct bytes kit_say(struct kit_member *m, const char *text, const struct rand *rand);

/* `by` commits, merges, and everybody else in `members` (n, with a group, but `by`) receives; those in
 * `joiners` join by the welcome. */
void kit_commit(struct kit_member *by, const struct mls_commit_params *params, struct kit_member *members, size_t n,
                struct kit_member *joiners, size_t joiners_n, const struct rand *rand);
/* Adds joiners[0 .. n - 1] in one commit by `by`; all of `members` follow. */
void kit_add(struct kit_member *by, struct kit_member *members, size_t n, struct kit_member *joiners,
             size_t joiners_n, const struct rand *rand);
/* All active members are in the same epoch with the same secrets. */
void kit_agree(const struct kit_member *members, size_t n);
