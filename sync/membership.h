/* Who is in a group: adding and removing inboxes, following their installations (groups.md 3).
 * Thread: background; all calls wait. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct core;
struct err;
struct group;

/* ERR_DENIED: the permissions forbid it; ERR_NOTFOUND: an inbox unknown to the network; ERR_TOOBIG. */
int group_add_members(struct core *core, const uint8_t id[16], const char *const *inbox_ids, size_t n,
                      struct err *err);
int group_remove_members(struct core *core, const uint8_t id[16], const char *const *inbox_ids, size_t n,
                         struct err *err);

/* Minimum ages of the last check (groups.md 3.4). */
#define CHECK_BEFORE_SEND_NS (5 * INT64_C(1000000000))
#define CHECK_ON_SYNC_NS (30 * 60 * INT64_C(1000000000))

/* Adds installations that members have got and removes those that they have revoked, unless this was
 * looked at less than `min_age_ns` ago (0: always look).  The commit goes before messages that wait, so that
 * these reach the new ones.  Does nothing for preferences groups and inactive ones. */
int group_check_installations(struct core *core, const uint8_t id[16], int64_t min_age_ns, struct err *err);
