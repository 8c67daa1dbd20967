/* Groups (one MLS group each, the virtual ones too) and conversations (what a person sees).
 *
 * All DM groups with one dm_id share a conversation: its number orders messages, holds the read marker
 * and the draft.  Any other group has a conversation of its own. */
#pragma once
#include "store/messages.h"
#include "store/store.h"

enum store_group_type { STORE_GROUP = 1, STORE_DM = 2, STORE_SYNC = 3, STORE_ONESHOT = 4 };
#define STORE_TYPE_BIT(type) (1u << (type))

enum store_membership {
    STORE_MEMBER_ALLOWED = 1,
    STORE_MEMBER_REJECTED = 2,
    STORE_MEMBER_PENDING = 3,
    STORE_MEMBER_RESTORED = 4,       /* from an archive; no MLS state yet */
    STORE_MEMBER_PENDING_REMOVE = 5, /* we asked to leave */
};

enum store_fork { STORE_FORK_NO = 0, STORE_FORK_MAYBE = 1, STORE_FORK_YES = 2 };

struct store_cursor {
    uint32_t originator;
    int64_t sequence_id;
};

struct store_group {
    struct slice id;
    int64_t conversation; /* its number; given by the store, ignored on put */
    enum store_group_type type;
    enum store_membership membership;
    const char *dm_id;         /* DMs, else NULL */
    const char *peer_inbox_id; /* DMs, else NULL */
    const char *creator_inbox_id;
    const char *added_by_inbox_id;
    struct store_cursor welcome; /* that brought us in; zeros for one we created */
    int64_t created_at_ns;
    int64_t last_message_ns; /* of any kind; never goes back */
    int64_t installations_checked_ns;
    int64_t rotated_at_ns; /* our leaf key; 0: joined, rotate before the first send */
    int64_t disappear_from_ns, disappear_in_ns;
    uint64_t epoch;
    const char *paused_for_version; /* NULL: not paused */
    enum store_fork fork;
    bool active;  /* we have a leaf in it */
    bool trusted; /* SYNC groups: creator, adder and sole member are our own inbox */
};

/* Sealed.  A slice with data NULL: absent. */
struct store_group_texts {
    struct slice name, description, image_url, app_data;
};

/* Inserts, or replaces every field but conversation, last_message_ns and created_at_ns of a known id. */
int store_group_put(struct store *store, const struct store_group *in, struct err *err);
/* Is there one?  ERR_NOTFOUND. */
int store_group_find(struct store *store, struct slice id, struct err *err);
/* ERR_NOTFOUND. */
int store_group_get(struct store *store, struct slice id, struct store_mem *mem, struct store_group *out,
                    struct err *err);
/* What of a group's row decides whether one may send: asked for with each message. */
struct store_standing {
    enum store_membership membership;
    bool active;
    int64_t installations_checked_ns, rotated_at_ns;
    const char *paused_for_version; /* in `mem` */
};
/* ERR_NOTFOUND. */
int store_group_standing(struct store *store, struct slice id, struct store_mem *mem, struct store_standing *out,
                         struct err *err);
int store_group_by_welcome(struct store *store, struct store_cursor welcome, struct store_mem *mem,
                           struct store_group *out, struct err *err);
/* The group of this pair to send in: not restored, greatest (last_message_ns, id).  ERR_NOTFOUND. */
int store_group_by_dm_id(struct store *store, const char *dm_id, struct store_mem *mem,
                         struct store_group *out, struct err *err);
/* The SYNC group to write to: trusted, active, greatest created_at_ns.  ERR_NOTFOUND. */
int store_group_primary_sync(struct store *store, struct store_mem *mem, struct store_group *out,
                             struct err *err);
/* Ids that begin with these bytes, at most `limit`; for unique prefixes typed by a person. */
int store_groups_by_prefix(struct store *store, struct slice prefix, size_t limit,
                           int (*fn)(void *ctx, struct slice id), void *ctx, struct err *err);

int store_group_set_membership(struct store *store, struct slice id, enum store_membership to,
                               struct err *err);
int store_group_set_active(struct store *store, struct slice id, bool active, struct err *err);
int store_group_set_trusted(struct store *store, struct slice id, bool trusted, struct err *err);
int store_group_set_epoch(struct store *store, struct slice id, uint64_t epoch, struct err *err);
int store_group_set_installations_checked(struct store *store, struct slice id, int64_t at_ns,
                                          struct err *err);
int store_group_set_rotated(struct store *store, struct slice id, int64_t at_ns, struct err *err);
int store_group_set_disappearing(struct store *store, struct slice id, int64_t from_ns, int64_t in_ns,
                                 struct err *err);
int store_group_set_paused(struct store *store, struct slice id, const char *for_version, struct err *err);
int store_group_set_fork(struct store *store, struct slice id, enum store_fork fork, struct err *err);
int store_group_set_texts(struct store *store, struct slice id, const struct store_group_texts *texts,
                          struct err *err);
int store_group_texts(struct store *store, struct slice id, struct store_mem *mem,
                      struct store_group_texts *out, struct err *err);
/* Forgets a group with its messages, MLS state, intents and cursors; its conversation if it was the last
 * one in it. */
int store_group_delete(struct store *store, struct slice id, struct err *err);

/* Every group of the types in `types` (bits), duplicates and inactive ones included, oldest first.  `row` is
 * borrowed; the callback may use the store.  A non-zero return stops and is handed on. */
int store_groups_each(struct store *store, unsigned types,
                      int (*fn)(void *ctx, const struct store_group *row), void *ctx, struct err *err);
/* All groups of one conversation: a DM and its duplicates. */
int store_groups_of_conversation(struct store *store, int64_t conversation,
                                 int (*fn)(void *ctx, const struct store_group *row), void *ctx,
                                 struct err *err);

/* One line of the chat list. */
struct store_conversation {
    struct store_group group; /* for DMs the one to send in */
    struct store_group_texts texts;
    int consent;          /* enum store_consent_state of the group's record; unknown without one */
    int peer_consent;     /* DMs: of the peer's inbox record */
    bool duplicate;       /* only where asked for: not the one to send in */
    int64_t active_at_ns; /* last displayable message, else creation */
    bool has_last;
    struct store_message last; /* newest displayable message; absent unless has_last */
    int64_t unread;            /* displayable messages of others after the marker, at most STORE_UNREAD_MAX */
    int64_t read_up_to_ns;
    int64_t muted_until_ns;
    int notify; /* 0 default; values belong to the caller */
    bool has_draft;
};

#define STORE_UNREAD_MAX 1000 /* "999+" is all anybody shows; counting on costs with every list */

struct store_conversations_query {
    unsigned types;          /* bits of STORE_GROUP, STORE_DM; 0: both */
    unsigned consent_states; /* bits 1 << state of the group's record; 0: all */
    bool duplicates;         /* also DM groups that another of the pair stands for */
    bool hide_denied_peers;  /* leave out DMs of unknown state whose peer's inbox is denied */
    int64_t active_after_ns, active_before_ns; /* exclusive; 0: no bound */
    int64_t limit;                             /* after all filters; 0: none */
    bool bare; /* without texts, last message and unread count: for those who want the groups alone */
};

/* Newest activity first.  Borrowed rows; non-zero stops. */
int store_conversations_each(struct store *store, const struct store_conversations_query *query,
                             int (*fn)(void *ctx, const struct store_conversation *row), void *ctx,
                             struct err *err);
/* The line of one group's conversation. */
int store_conversation_get(struct store *store, struct slice group_id, struct store_mem *mem,
                           struct store_conversation *out, struct err *err);

/* The marker only moves forward; *unread (may be NULL) is what is left. */
int store_conversation_mark_read(struct store *store, int64_t conversation, int64_t up_to_ns, int64_t *unread,
                                 struct err *err);
int store_conversation_set_muted(struct store *store, int64_t conversation, int64_t until_ns,
                                 struct err *err);
int store_conversation_set_notify(struct store *store, int64_t conversation, int notify, struct err *err);
/* Empty: no draft. */
int store_draft_put(struct store *store, int64_t conversation, struct slice text, struct err *err);
int store_draft_get(struct store *store, int64_t conversation, struct store_mem *mem, struct slice *out,
                    struct err *err); /* ERR_NOTFOUND */
