/* What the files behind sync/intents.h share.  Thread: background, with the group's lock. */
#pragma once
#include "sync/intents.h"

/* What there is to do, in the order in which it was queued. */
struct intents_todo {
    struct {
        int64_t id;
        enum store_intent_kind kind;
        enum store_intent_state state;
    } *at;
    size_t n, cap;
};

/* Intents in these states (STORE_INTENT_BIT()).  `out->at` is the caller's to free.  Does not wait. */
int intents_list(struct core *core, const struct group *g, unsigned states, struct intents_todo *out, struct err *err);

/* Messages from `t->at[from]` on, as many as stand together: *used.  *published as of intents_publish(). */
int intents_publish_messages(struct core *core, struct group *g, const struct intents_todo *t, size_t from,
                             size_t *used, size_t *published, struct err *err);

enum commit_fate {
    COMMIT_KEPT, /* or there was nothing to do */
    COMMIT_SENT,
    COMMIT_GIVEN_UP,
};

int intents_publish_commit(struct core *core, struct group *g, int64_t id, enum commit_fate *fate, struct err *err);

/* intents_publish() up to what fails or is given up.  `only`: this one and nothing else; 0: all. */
int intents_publish_turn(struct core *core, struct group *g, int64_t only, size_t *published, bool *gave_up,
                         struct err *err);

/* The node, or building, said no: counted, and at last given up. */
int intent_note_failure(struct core *core, const struct group *g, const struct store_intent *intent, bool final,
                        struct err *err);
/* Its message, if it is one, counts as failed.  Inside a transaction. */
int intent_give_up_in(struct core *core, const struct group *g, const struct store_intent *intent, struct err *err);
/* Whether that is the end of it. */
bool intent_is_given_up(const struct store_intent *intent, bool final);
