/* Who or what a person means: an address, an inbox id, a conversation id, a nickname, or a unique
 * prefix of one, or an address as the screens shorten it (interface: TARGET, CONVERSATION, PEER).
 * Thread: background, or a reader's for the calls that take a store. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct core;
struct err;
struct store;

struct target {
    bool is_inbox;      /* a person: `inbox_id`; else a conversation: `group_id` */
    char inbox_id[65];  /* a person, or the peer of a 1:1 chat; "" for a group */
    uint8_t group_id[16];
};

/* Waits when an address has to be asked for.  ERR_NOTFOUND, ERR_INVALID (fits several, or is no
 * kind of id), ERR_OFFLINE. */
int resolve_target(struct core *core, const char *text, struct target *out, struct err *err);

/* A conversation: its id, a unique prefix, or whatever names the person of a 1:1 chat that exists. */
int resolve_conversation(struct store *store, const char *text, uint8_t id[16], struct err *err);

/* A peer parameter: {"address"} or {"inboxId"}, or just that string.  Waits for addresses. */
int resolve_peer(struct core *core, const json_t *peer, char inbox_id[65], struct err *err);
