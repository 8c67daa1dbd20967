/* Messages as people see them: rows of the store -> the Message objects of doc/rpc.md.
 * Thread: any, with a store connection of that thread (the background's or a reader's). */
#pragma once
#include <jansson.h>
#include <stdint.h>

struct err;
struct store;
struct store_message;

/* One row.  Reactions to it are aggregated, a reply carries what it answers, a deleted message says
 * so.  New reference in *out. */
int message_to_json(struct store *store, const struct store_message *row, json_t **out, struct err *err);
