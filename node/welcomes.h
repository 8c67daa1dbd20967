/* Table welcomes: both kinds of welcome in one sequence.  Threads as in node/messages.h. */
#pragma once
#include "base/bytes.h"
#include "store/db.h"

#include <stdint.h>

struct err;
struct node_data;

#define NODE_INSTALLATION_KEY_LEN 32

enum welcome_kind { WELCOME_V1 = 0, WELCOME_POINTER = 1 };

struct welcome_row {
    int64_t id, created_ns;
    enum welcome_kind kind;
    int64_t wrapper_algorithm;
    struct slice installation_key, data, hpke_public_key;
    struct slice metadata; /* WELCOME_V1 */
};

/* Stores a row and fills in id and created_ns.  id is 0 when the same welcome was there already. */
int welcomes_add(struct node_data *data, struct welcome_row *row, struct err *err);

/* As group_rows of node/messages.h. */
struct welcome_rows {
    struct db_query q;
    struct slice installation_key;
};
void welcome_rows_start(struct welcome_rows *rows, struct db *db, struct slice installation_key, bool ascending,
                        int64_t cursor, int64_t limit);
int welcome_rows_next(struct welcome_rows *rows, struct welcome_row *out, struct err *err);
void welcome_rows_end(struct welcome_rows *rows);

/* Appends the WelcomeMessage of a row; its size. */
void welcome_row_put(struct buf *out, const struct welcome_row *row);
size_t welcome_row_size(const struct welcome_row *row);
