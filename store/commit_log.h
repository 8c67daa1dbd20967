/* Our own record of the commits of a group, for fork detection and support (groups.md 4.6). */
#pragma once
#include "store/store.h"

enum store_commit_result {
    STORE_COMMIT_APPLIED = 1,
    STORE_COMMIT_WRONG_EPOCH = 2,
    STORE_COMMIT_UNDECRYPTABLE = 3,
    STORE_COMMIT_INVALID = 4,
};

/* How the epoch came about. */
enum store_commit_origin {
    STORE_COMMIT_CREATED = 1,
    STORE_COMMIT_WELCOME = 2,
    STORE_COMMIT_OWN = 3,
    STORE_COMMIT_OTHER = 4
};

struct store_commit {
    int64_t id; /* given by the store */
    struct slice group_id;
    enum store_commit_origin origin;
    enum store_commit_result result;
    uint32_t originator;
    int64_t sequence_id;         /* 0 for a creation */
    const char *sender_inbox_id; /* may be NULL */
    uint64_t last_epoch;
    uint64_t applied_epoch; /* = last_epoch where it failed */
    struct slice last_authenticator, applied_authenticator;
    int64_t time_ns;
    const char *note; /* why it failed; names no content; may be NULL */
};

int store_commit_put(struct store *store, const struct store_commit *in, struct err *err);
/* Newest first; borrowed rows; non-zero stops. */
int store_commits_each(struct store *store, struct slice group_id, size_t limit,
                       int (*fn)(void *ctx, const struct store_commit *row), void *ctx, struct err *err);
