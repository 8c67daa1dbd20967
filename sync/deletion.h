/* Whether a message was taken back: by its sender or a super admin, in its own group, and only what people write.
 * Thread: any, with a store of its own. */
#pragma once

struct err;
struct store;
struct store_message;

/* *by: "sender" or "admin", static; NULL where nobody has who may.  ERR_IO, ERR_CORRUPT. */
int deletion_find(struct store *store, const struct store_message *row, const char **by, struct err *err);
