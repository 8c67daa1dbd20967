/* May this be a group of ours?  (groups.md 7.5 steps 5 and 8, sync.md 1.5)
 * Thread: background. */
#pragma once
#include <stdbool.h>

#include "sync/metadata.h"

struct core;
struct err;
struct mls_group;

/* Waits for identity logs.  Every leaf belongs to its inbox at the listed place of its log, and every
 * installation without a leaf is listed as failed.  ERR_DENIED, ERR_NOTFOUND: it is not so. */
int welcome_check_members(struct core *core, const struct mls_group *mls, const struct group_membership *membership,
                          struct err *err);

/* A 1:1 chat has to be one.  Pure. */
int welcome_check_dm(const struct group_extensions *ext, const char *adder, const char *self, struct err *err);

/* A preferences group counts only if creator, adder and sole member are ourselves.  Pure. */
bool welcome_is_trusted_sync(const struct group_extensions *ext, const char *adder, const char *self);
