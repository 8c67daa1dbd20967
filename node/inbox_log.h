/* Tables inbox_log and address_log: the identity updates of every inbox, as received, and which inbox an
 * account belongs to.  Threads as in node/messages.h. */
#pragma once
#include "base/bytes.h"
#include "identity/ident.h"
#include "store/db.h"

#include <stdint.h>

struct err;
struct identity_diff;
struct node_data;

/* Updates of one inbox; more are refused, so a reply with all of them stays small. */
#define INBOX_LOG_MAX 256
/* An inbox id here is its 32 bytes, outside it is their hex. */
#define INBOX_KEY_LEN (INBOX_ID_LEN / 2)

struct inbox_row {
    int64_t sequence_id, created_ns;
    struct slice update;
};

/* Rows of an inbox with sequence_id > `cursor`, rising.  As group_rows of node/messages.h. */
struct inbox_rows {
    struct db_query q;
};
void inbox_rows_start(struct inbox_rows *rows, struct db *db, struct slice inbox_key, int64_t cursor);
int inbox_rows_next(struct inbox_rows *rows, struct inbox_row *out, struct err *err);
void inbox_rows_end(struct inbox_rows *rows);

/* Appends an update and carries `diff` over to the address log: accounts that are new get a row, accounts that
 * are gone a revocation.  Installations have no place there. */
int inbox_log_add(struct node_data *data, struct slice inbox_key, struct slice update, const struct identity_diff *diff,
                  struct err *err);

/* The inbox that an account was last added to and not removed from.  DB_ROW with *inbox_key, DB_DONE for none,
 * or an error. */
int address_log_find(struct db *db, struct ident account, uint8_t inbox_key[INBOX_KEY_LEN], struct err *err);
