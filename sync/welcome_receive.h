/* Invitations: from the welcome topic to a stored group (groups.md 7.5, sync.md 6.2).
 * Thread: background; calls wait and take core->welcome_lock themselves. */
#pragma once
#include <stddef.h>

struct core;
struct err;
struct node_welcome_message;

/* Fetches and processes welcomes in order, moving the cursor; stops at the first failure that a
 * later try may mend.  *joined (may be NULL) counts new conversations and preferences groups. */
int welcomes_sync(struct core *core, size_t *joined, struct err *err);

/* One welcome from the live subscription; the cursor stays, the next welcomes_sync() passes over
 * it.  A bad welcome is logged and is no error. */
int welcome_from_stream(struct core *core, const struct node_welcome_message *welcome, struct err *err);

