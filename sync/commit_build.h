/* Commits of ours: what an intent wants, made into an MLS commit against the group as it is now.
 *
 * Thread: background; the group's lock is held. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "mls/mls.h"
#include "store/intents.h"
#include "sync/installation_set.h"
#include "sync/metadata.h"
#include "sync/policy.h"

struct core;
struct err;
struct group;

/* ---- what intents say ---- */

/* UPDATE_MEMBERSHIP: inboxes that come or move on in their logs, inboxes that go, installations that
 * could not be added. */
struct membership_intent {
    struct group_membership updates; /* only members and failed are used */
    struct inbox_list removed;
};
void membership_intent_write(const struct membership_intent *in, struct buf *out);
int membership_intent_read(struct slice data, struct membership_intent *out, struct err *err);
void membership_intent_free(struct membership_intent *in);

void metadata_intent_write(const char *field, const char *value, struct buf *out);
/* `action`: enum admin_action. */
void admin_intent_write(unsigned action, const char *inbox_id, struct buf *out);
/* `target`: enum permission_target. */
void permission_intent_write(unsigned target, const char *field, enum policy_base option, struct buf *out);

/* ---- commits ---- */

struct built_commit {
    bool nothing;              /* the group is as the intent wants it already */
    struct mls_commit_result mls;
    struct bytes welcomes;     /* for welcome_send(): whom to invite with what; empty without adds */
};

/* Waits for key packages where somebody is added.  ERR_DENIED: it would not be valid;
 * ERR_NOTFOUND: none of the wanted installations can be added. */
int commit_build(struct core *core, struct group *g, const struct store_intent *intent, struct built_commit *out,
                 struct err *err);
void built_commit_free(struct built_commit *b);

/* The GroupContext list with one extension replaced: taken out, and put at the end, as libxmtp does. */
void extensions_replace(struct slice list, uint16_t type, struct slice data, struct buf *out);
