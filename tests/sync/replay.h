/* A network in memory for the recorded log: what has been published so far, and who has read what of it.
 *
 * Every publishing call adds to it, and is held against what was recorded apart (group-messages.json,
 * recorded-welcomes.json, key-packages.json, identity.json); every answer that the recorded node gave must be
 * what is here.  An installation that is given a welcome joins with its recorded keys, and takes every message of
 * the group that it is given afterwards.  A failed expectation fails the test. */
#pragma once
#include "base/bytes.h"
#include "identity/state.h"
#include "net/node_api.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct mls_group;

enum { REPLAY_MESSAGES = 100, REPLAY_WELCOMES = 40, REPLAY_PACKAGES = 20, REPLAY_UPDATES = 20, REPLAY_VIEWS = 40,
       REPLAY_LOG = 40 };

/* One installation's state of one group. */
struct replay_view {
    const char *who;
    const json_t *group;
    struct mls_group *mls;
    uint64_t read_up_to;
    bool ended; /* it cannot be followed further */
};

struct replay {
    json_t *welcomes, *groups, *identity, *packages, *hmac, *final;

    struct replay_message {
        const json_t *recorded, *group;
        struct bytes group_id, data, hmac;
        bool should_push;
    } messages[REPLAY_MESSAGES]; /* at their id - 1, as the two below */
    size_t n_messages;
    struct replay_welcome {
        struct bytes key, data, hpke, metadata;
        enum node_welcome_kind kind;
        uint32_t algorithm;
    } welcomes_sent[REPLAY_WELCOMES];
    size_t n_welcomes;
    struct replay_update {
        char inbox_id[INBOX_ID_LEN + 1];
        struct bytes update;
    } updates[REPLAY_UPDATES];
    size_t n_updates;

    struct replay_inbox {
        char inbox_id[INBOX_ID_LEN + 1];
        struct identity_state *state;
    } inboxes[8];
    size_t n_inboxes;
    struct bytes packages_sent[REPLAY_PACKAGES]; /* each installation's last counts */
    size_t n_packages;
    struct replay_entry {
        struct bytes group_id, entry, signature;
    } log[REPLAY_LOG];
    size_t n_log;

    struct replay_view views[REPLAY_VIEWS];
    size_t n_views;
    bool epoch_reached[16][64];           /* by the group's place in groups */
    bool message_reached[REPLAY_MESSAGES]; /* by id */
    unsigned hmacs_explained;
};

void replay_open(struct replay *r);
void replay_close(struct replay *r);

/* ---- publishing ---- */

void replay_put_update(struct replay *r, struct slice update);
void replay_put_package(struct replay *r, struct slice key_package);
void replay_put_message(struct replay *r, struct slice data, struct slice hmac, bool should_push);
void replay_put_welcome(struct replay *r, const struct node_welcome_message *welcome);
/* Checks the entry's signature and that both authenticators in it are recorded ones. */
void replay_put_log_entry(struct replay *r, struct slice group_id, struct slice entry, struct slice signature,
                          struct slice public_key);

/* ---- reading ---- */

/* NULL where there is none. */
struct replay_inbox *replay_inbox(struct replay *r, const char *inbox_id);
struct slice replay_newest_package(const struct replay *r, struct slice installation);
/* The id of the group's first message behind `after`, or of its last one; 0: none. */
uint64_t replay_next_message(const struct replay *r, struct slice group_id, uint64_t after);
uint64_t replay_last_message(const struct replay *r, struct slice group_id);
uint64_t replay_next_welcome(const struct replay *r, struct slice installation, uint64_t after);
uint64_t replay_next_update(const struct replay *r, const char *inbox_id, uint64_t after);
/* The entry of the group with this number (from 1 on), or NULL. */
const struct replay_entry *replay_log_entry(const struct replay *r, struct slice group_id, size_t number);

/* The installation named `who` is given a row by the node: it is what was published, and taken. */
void replay_give_message(struct replay *r, const char *who, const struct node_group_message *row);
void replay_give_welcome(struct replay *r, const char *who, const struct node_welcome_message *row);
