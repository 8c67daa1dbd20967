/* Conversations as JSON: the Conversation object of the interface.  Thread: any, with a store
 * connection of that thread. */
#pragma once
#include <jansson.h>

struct err;
struct store;
struct store_conversation;

/* A new reference in *out.  ERR_NOMEM, ERR_IO, ERR_CORRUPT. */
int conversation_to_json(struct store *store, const struct store_conversation *row, json_t **out, struct err *err);
