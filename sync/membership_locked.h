/* membership.h for those who hold the group's lock.  Thread: background; waits. */
#pragma once
#include "sync/membership.h"

struct core;
struct err;
struct group;

/* Looks for installations that members have got or lost, and commits what it finds. */
int check_installations_locked(struct core *core, struct group *g, struct err *err);
int add_members_locked(struct core *core, struct group *g, const char *const *inbox_ids, size_t n, struct err *err);
