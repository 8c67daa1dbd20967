/* Inside store/: what the table families share. */
#pragma once
#include "store/groups.h"
#include "store/messages.h"
#include "store/schema.h"
#include "store/store.h"

#define STORE_GROUP_ID_MAX 64 /* 16 from every known client; the length prefix of MLS would allow more */

/* Tables whose rows get their id before they are inserted, since what is sealed in them says it. */
enum store_id_table { STORE_ID_INTENTS, STORE_ID_PREFERENCE_OUTBOX, STORE_ID_TABLES };

struct store {
    struct db *db;
    struct sealer sealer;
    const struct clock *clock;
    const struct rand *rand;
    struct keys_cost_space {
        uint64_t passes;
        size_t bytes;
    } cost;
    char *path;  /* of the database file */
    int lock_fd; /* -1: a reader */
    bool read_only;
    /* The group last looked up: messages come in runs. */
    struct {
        uint8_t id[STORE_GROUP_ID_MAX];
        size_t id_len; /* 0: none */
        int64_t n, conversation;
        bool stands; /* `standing` is what the row says, and the writer's alone to know */
        struct store_standing standing;
    } last_group;
    struct id_block {
        int64_t next, end; /* equal: none left */
    } ids[STORE_ID_TABLES];
};

/* Binds `plain` sealed for this column and row; the second binds NULL where data is NULL. */
int store_row_seal(struct store *store, struct db_query *q, int at, enum sealed column, struct slice row,
                   struct slice plain, struct err *err);
int store_row_seal_or_null(struct store *store, struct db_query *q, int at, enum sealed column,
                           struct slice row, struct slice plain, struct err *err);
/* Opens a column into `mem`; NULL gives data NULL. */
int store_row_open(struct store *store, const struct db_query *q, int at, enum sealed column,
                   struct slice row, struct store_mem *mem, struct slice *out, struct err *err);

/* Copies of columns in `mem`; sticky: *ok becomes false when memory is out, and stays. */
struct slice store_row_slice(const struct db_query *q, int at, struct store_mem *mem, bool *ok);
const char *store_row_text(const struct db_query *q, int at, struct store_mem *mem, bool *ok);
int store_no_memory(struct err *err);

/* The internal numbers of a group; ERR_NOTFOUND. */
int store_group_numbers(struct store *store, struct slice id, int64_t *n, int64_t *conversation,
                        struct err *err);
/* Was that the one last looked up? */
bool store_group_is_last(const struct store *store, struct slice id);
/* For whoever writes a group's row, and after a rollback. */
void store_group_forget(struct store *store);

/* An id for the next row of an AUTOINCREMENT table.  Taken from a block that is reserved on the disk, so that
 * most rows leave the page with the table's counter alone; what a crash leaves of a block is never used.  After a
 * rollback of the reservation SQLite moves the counter with each row, as it does without. */
int store_next_id(struct store *store, enum store_id_table table, int64_t *out, struct err *err);

/* db_run(), and ERR_NOTFOUND naming `what` where no row changed. */
int store_run_one(struct store *store, struct db_query *q, const char *what, struct err *err);

/* What a query has to select for store_message_read(), from `messages m` and `groups g` (its group). */
#define STORE_MESSAGE_COLUMNS                                                                                \
    "m.n, m.conversation, m.id, g.id, m.sender_inbox_id, m.sender_installation_id, m.sent_at_ns, "           \
    "m.inserted_at_ns,"                                                                                      \
    " m.kind, m.status, m.content_type, m.shows, m.own, m.should_push, m.body, m.reference, m.originator,"   \
    " m.sequence_id, m.expire_at_ns, m.idempotency_key"
#define STORE_MESSAGE_COLUMN_COUNT 20
#define STORE_MESSAGE_FROM         " FROM messages m JOIN groups g ON g.n = m.group_n "

/* Reads the columns from number `at` on.  A body that does not open is ERR_CORRUPT, or, where `tolerate`, a
 * row marked as damaged and a line in the log. */
int store_message_read(struct store *store, const struct db_query *q, int at, bool tolerate,
                       struct store_mem *mem, struct store_message *out, struct err *err);

/* The same for groups, from `groups g`. */
#define STORE_GROUP_COLUMNS                                                                                  \
    "g.id, g.conversation, g.type, g.membership, g.dm_id, g.peer_inbox_id, g.creator_inbox_id, "             \
    "g.added_by_inbox_id,"                                                                                   \
    " g.welcome_originator, g.welcome_sequence_id, g.created_at_ns, g.last_message_ns, "                     \
    "g.installations_checked_ns,"                                                                            \
    " g.rotated_at_ns, g.disappear_from_ns, g.disappear_in_ns, g.epoch, g.paused_for_version, g.fork, "      \
    "g.active,"                                                                                              \
    " g.trusted"
#define STORE_GROUP_COLUMN_COUNT 21
int store_group_read(const struct db_query *q, struct store_mem *mem, struct store_group *out,
                     struct err *err);
/* Name, description, image, app data from column `at` on. */
int store_group_texts_read(struct store *store, const struct db_query *q, int at, struct slice id,
                           struct store_mem *mem, struct store_group_texts *out, struct err *err);
