/* Inside store/: what the table families share. */
#pragma once
#include "store/schema.h"
#include "store/store.h"

#define STORE_GROUP_ID_MAX 64 /* 16 from every known client; the length prefix of MLS would allow more */

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
    } last_group;
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
void store_group_forget_numbers(struct store *store);

/* The id the next row of an AUTOINCREMENT table gets, for sealing before the insert. */
int store_next_id(struct store *store, const char *table, int64_t *out, struct err *err);

/* db_run(), and ERR_NOTFOUND naming `what` where no row changed. */
int store_run_one(struct store *store, struct db_query *q, const char *what, struct err *err);
