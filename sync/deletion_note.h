/* Noting that a message was taken back; whether that counts is told by deletion_find().
 *
 * Inside a transaction, in which the row is stored already; the group's lock is held.  Thread: background. */
#pragma once

struct core;
struct err;
struct group;
struct store_message;

/* `deletion` takes another one back.  Noted again it changes nothing.  ERR_IO, ERR_CORRUPT, ERR_NOMEM. */
int deletion_note(struct core *core, struct group *g, const struct store_message *deletion, struct err *err);

/* Where `row` has been taken back before it came: it is nothing to read. */
int deletion_mark(struct core *core, const struct store_message *row, struct err *err);
