/* What happened to a group, told as messages: GroupUpdated contents made from commits and joins
 * (groups.md section 6).  Never sent.  Thread: background, inside a transaction. */
#pragma once
#include <stdint.h>

struct commit_outcome;
struct core;
struct err;
struct group;

/* Stores the message for an applied commit, if there is anything to tell, and clears the leave requests
 * of those who are gone.  `created_ns`: the envelope's server time. */
int transcript_commit(struct core *core, struct group *g, const struct commit_outcome *outcome, uint64_t created_ns,
                      uint32_t originator, uint64_t sequence_id, struct err *err);
/* Our own arrival by a welcome of `adder`, created at `created_ns`.  A duplicate of a 1:1 chat keeps it unseen. */
int transcript_joined(struct core *core, const struct group *g, const char *adder_inbox,
                      const uint8_t adder_installation[32], uint64_t created_ns, struct err *err);
