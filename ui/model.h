/* What the screen knows about the world: chats, people, installations, the decision log.
 *
 * Filled from the core's answers and notifications; every text is clean (ui/sanitize.h) before it
 * is kept.  Holds no window of messages (ui/talk.h).  Thread: UI. */
#pragma once
#include "ui/json.h"
#include "ui/words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chat {
    char *id;
    char *title;     /* a group's name, clean; "" */
    char *peer;      /* 1:1: the other inbox; "" */
    char *peer_nick; /* clean; "" */
    char *added_by;  /* inbox */
    char *preview;   /* beginning of the last text, clean */
    bool is_group, is_duplicate, draft;
    bool is_out; /* a group that this person left or was removed from */
    enum consent stored; /* the conversation's own record */
    bool has_wish;       /* decided here, not yet answered by the core: shown with "..." */
    enum consent wish;
    int64_t activity_ns;
    unsigned unread;
    uint64_t epoch;
    int members; /* 0: not known */
};

struct person {
    char *inbox;
    char *nick, *address; /* clean; "" */
    enum consent consent; /* the inbox's own record */
};

struct installation {
    char *id, *nick;
    bool self, in_sync_group;
    int64_t created_ns, heard_ns; /* heard: 0 never, -1 not known */
};

struct decision {
    int64_t id, batch;
    int64_t time_ns, decided_ns; /* here; where it was made, by the clock there */
    char *origin, *origin_nick; /* "local" or an installation */
    bool is_inbox;
    char *entity;
    enum consent before, after;
    char *effect;   /* changed, same, stale, refused */
    char *delivery; /* local, queued, published, received; "" */
    char *message;
};

/* What happened beside the decisions, told in the sync log of this run. */
struct note {
    int64_t time_ns;
    char sign;  /* + new, = as it should be, ! fault */
    char *text; /* clean */
};
#define NOTES_MAX 50

enum net_state { NET_UNKNOWN, NET_LIVE, NET_RECONNECTING, NET_OFFLINE };

struct model {
    struct chat *chats;
    size_t n_chats, cap_chats;
    struct person *people;
    size_t n_people, cap_people;
    json_t *chat_by_id, *person_by_inbox; /* id → index */
    size_t *shown; /* chats of the list, in its order */
    size_t n_shown;
    bool only_unread; /* the list shows no others */
    struct installation *installations;
    size_t n_installations;
    uint64_t sync_epoch; /* of the preferences group that is written to */
    size_t sync_members; /* 0: not known */
    struct decision *log; /* newest first */
    size_t n_log;
    struct note notes[NOTES_MAX]; /* newest first */
    size_t n_notes;
    bool was_lost; /* the stream, and it is not back */

    char *inbox, *installation, *address, *env, *version;
    bool registered;

    enum net_state net;
    uint64_t heard_ms; /* monotonic time the node was last heard; 0: never */
    int64_t outbox;
};

void model_init(struct model *m);
void model_free(struct model *m);

void model_set_info(struct model *m, const json_t *info);
/* Replaces all chats by the answer of conversations.list; wishes survive. */
void model_set_chats(struct model *m, const json_t *list);
/* One Conversation, known or new. */
struct chat *model_put_chat(struct model *m, const json_t *conversation);
void model_set_records(struct model *m, const json_t *records); /* preferences.list */
void model_put_record(struct model *m, const json_t *record);   /* one of them, of a chat or of a person */
void model_set_installations(struct model *m, const json_t *list);
void model_set_state(struct model *m, const json_t *state); /* preferences.state */
void model_set_log(struct model *m, const json_t *rows);
void model_put_members(struct model *m, const char *conversation, const json_t *members);
/* `text` is clean and taken.  The oldest one goes where there are too many. */
void model_note(struct model *m, int64_t time_ns, char sign, char *text);
void model_set_network(struct model *m, const json_t *network, uint64_t now_ms);

struct chat *model_chat(struct model *m, const char *id);
struct person *model_person(struct model *m, const char *inbox);     /* NULL where not known */
struct person *model_put_person(struct model *m, const char *inbox); /* never NULL except for memory */

/* A decision that stands on the screen: the wish while one waits, else the chat's own record, else
 * for a 1:1 chat that of the other inbox. */
enum consent chat_consent(struct model *m, const struct chat *c);
/* A name for the chat, clean. */
void chat_name(struct model *m, const struct chat *c, char *out, size_t size);
/* A name for an inbox: our nickname, else the address, else the id, shortened. */
void person_name(struct model *m, const char *inbox, char *out, size_t size);
/* "phone b02f" or "b02f" or "this". */
void installation_name(struct model *m, const char *id, char *out, size_t size);
/* The entity of a log row: a chat's or a person's name. */
void decision_entity_name(struct model *m, const struct decision *d, char *out, size_t size);

/* Chooses and orders the list: allowed chats by activity, plus `keep` (an open chat; may be NULL).
 * Frozen: those shown stay where they are, new ones go to the end. */
void model_order(struct model *m, const char *keep, bool frozen);
unsigned model_unread(struct model *m);
