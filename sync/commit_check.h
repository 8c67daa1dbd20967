/* From a staged MLS commit to the verdict of commit_validate().
 * Thread: background; the group's lock is held and its extensions are those before the commit. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "sync/commit_validate.h"

struct core;
struct err;
struct group;
struct mls_staged_commit;

/* Waits, where an identity log has to be read further for this commit; does nothing otherwise. */
int commit_load_logs(struct core *core, struct group *g, const struct mls_staged_commit *staged, struct err *err);

/* As commit_validate(); no network.  `committer`: the sender's leaf. */
int commit_check(struct core *core, struct group *g, const struct mls_staged_commit *staged, uint32_t committer,
                 struct commit_outcome *out, char min_version[64], struct err *err);

/* Whether we follow the rules of version `wanted` of libxmtp, or newer ones; none does of one that does not parse.
 * Pure. */
bool commit_version_suffices(const struct core *core, const char *wanted);
