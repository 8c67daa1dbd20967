#include "node/inbox_log.h"

#include "base/err.h"
#include "identity/state.h"
#include "node/data.h"

#include <string.h>

void inbox_rows_start(struct inbox_rows *rows, struct db *db, struct slice inbox_key, int64_t cursor)
{
    db_query(&rows->q, db,
             "SELECT sequence_id, created_ns, identity_update FROM inbox_log WHERE inbox_id = ?1 AND sequence_id > ?2"
             " ORDER BY sequence_id");
    db_bind_slice(&rows->q, 1, inbox_key);
    db_bind_i64(&rows->q, 2, cursor);
}

int inbox_rows_next(struct inbox_rows *rows, struct inbox_row *out, struct err *err)
{
    int r = db_step(&rows->q, err);

    if (r == DB_ROW)
        *out = (struct inbox_row){db_col_i64(&rows->q, 0), db_col_i64(&rows->q, 1), db_col_slice(&rows->q, 2)};
    return r;
}

void inbox_rows_end(struct inbox_rows *rows)
{
    db_end(&rows->q);
}

static int associate(struct db *db, struct ident account, struct slice inbox_key, int64_t sequence_id, struct err *err)
{
    struct db_query q;

    db_query(&q, db,
             "INSERT INTO address_log (identifier, kind, inbox_id, association_sequence_id) VALUES (?1, ?2, ?3, ?4)");
    db_bind_slice(&q, 1, account.value);
    db_bind_i64(&q, 2, account.kind);
    db_bind_slice(&q, 3, inbox_key);
    db_bind_i64(&q, 4, sequence_id);
    return db_run(&q, err);
}

static int revoke(struct db *db, struct ident account, struct slice inbox_key, int64_t sequence_id, struct err *err)
{
    struct db_query q;

    db_query(&q, db,
             "UPDATE address_log SET revocation_sequence_id = ?4 WHERE rowid ="
             " (SELECT rowid FROM address_log WHERE identifier = ?1 AND kind = ?2 AND inbox_id = ?3"
             "  ORDER BY association_sequence_id DESC LIMIT 1)");
    db_bind_slice(&q, 1, account.value);
    db_bind_i64(&q, 2, account.kind);
    db_bind_slice(&q, 3, inbox_key);
    db_bind_i64(&q, 4, sequence_id);
    return db_run(&q, err);
}

int inbox_log_add(struct node_data *data, struct slice inbox_key, struct slice update, const struct identity_diff *diff,
                  struct err *err)
{
    struct db_query q;
    int64_t sequence_id;
    size_t i;
    int r;

    db_query(&q, data->writer, "INSERT INTO inbox_log (created_ns, inbox_id, identity_update) VALUES (?1, ?2, ?3)");
    db_bind_i64(&q, 1, node_data_now(data));
    db_bind_slice(&q, 2, inbox_key);
    db_bind_slice(&q, 3, update);
    r = db_run(&q, err);
    sequence_id = db_last_id(data->writer);
    for (i = 0; r == 0 && i < diff->added_n; i++)
        if (diff->added[i].kind != IDENT_INSTALLATION)
            r = associate(data->writer, diff->added[i], inbox_key, sequence_id, err);
    for (i = 0; r == 0 && i < diff->removed_n; i++)
        if (diff->removed[i].kind != IDENT_INSTALLATION)
            r = revoke(data->writer, diff->removed[i], inbox_key, sequence_id, err);
    return r;
}

int address_log_find(struct db *db, struct ident account, uint8_t inbox_key[INBOX_KEY_LEN], struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, db,
             "SELECT inbox_id FROM address_log WHERE identifier = ?1 AND kind = ?2 AND revocation_sequence_id IS NULL"
             " ORDER BY association_sequence_id DESC LIMIT 1");
    db_bind_slice(&q, 1, account.value);
    db_bind_i64(&q, 2, account.kind);
    r = db_step(&q, err);
    if (r == DB_ROW && db_col_slice(&q, 0).len == INBOX_KEY_LEN)
        memcpy(inbox_key, db_col_slice(&q, 0).data, INBOX_KEY_LEN);
    else if (r == DB_ROW)
        r = err_set(err, ERR_CORRUPT, "the address log has an inbox id of the wrong length");
    db_end(&q);
    return r;
}
