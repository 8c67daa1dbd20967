#include "store/identity_log.h"

#include "base/alloc.h"
#include "store/rows.h"

#include <stdio.h>
#include <string.h>

/* The row of a sealed update or state: INBOX/SEQUENCE, in `space`, which the caller frees. */
static int row_of(const char *inbox_id, int64_t sequence_id, struct buf *space, struct slice *out,
                  struct err *err)
{
    buf_reset(space);
    buf_printf(space, "%s/%lld", inbox_id, (long long)sequence_id);
    if (!buf_ok(space))
        return store_no_memory(err);
    *out = buf_slice(space);
    return 0;
}

int store_identity_update_put(struct store *store, const struct store_identity_update *in, bool *added,
                              struct err *err)
{
    struct buf space = BUF_INIT;
    struct slice row;
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "INSERT INTO identity_updates (inbox_id, sequence_id, originator, server_time_ns, payload)"
             " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING");
    db_bind_text(&q, 1, in->inbox_id);
    db_bind_i64(&q, 2, in->sequence_id);
    db_bind_i64(&q, 3, in->originator);
    db_bind_i64(&q, 4, in->server_time_ns);
    if ((r = row_of(in->inbox_id, in->sequence_id, &space, &row, err)) == 0 &&
        (r = store_row_seal(store, &q, 5, SEALED_IDENTITY_UPDATE, row, in->payload, err)) == 0 &&
        (r = db_run(&q, err)) == 0 && added)
        *added = db_changes(store->db) > 0;
    db_end(&q);
    buf_free(&space);
    return r;
}

int store_identity_updates_each(struct store *store, const char *inbox_id, int64_t after, int64_t upto,
                                int (*fn)(void *ctx, const struct store_identity_update *row), void *ctx,
                                struct err *err)
{
    struct store_identity_update update;
    struct store_mem mem = STORE_MEM_INIT;
    struct buf space = BUF_INIT;
    struct slice row;
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "SELECT sequence_id, originator, server_time_ns, payload FROM identity_updates"
             " WHERE inbox_id = ?1 AND sequence_id > ?2 AND sequence_id <= ?3 ORDER BY sequence_id");
    db_bind_text(&q, 1, inbox_id);
    db_bind_i64(&q, 2, after);
    db_bind_i64(&q, 3, upto ? upto : INT64_MAX);
    while ((r = db_step(&q, err)) == DB_ROW) {
        store_mem_reset(&mem);
        update = (struct store_identity_update){
            .inbox_id = inbox_id,
            .sequence_id = db_col_i64(&q, 0),
            .originator = (uint32_t)db_col_i64(&q, 1),
            .server_time_ns = db_col_i64(&q, 2),
        };
        if ((r = row_of(inbox_id, update.sequence_id, &space, &row, err)) != 0 ||
            (r = store_row_open(store, &q, 3, SEALED_IDENTITY_UPDATE, row, &mem, &update.payload, err)) !=
                0 ||
            (r = fn(ctx, &update)) != 0)
            break;
    }
    db_end(&q);
    buf_free(&space);
    store_mem_free(&mem);
    return r;
}

int store_identity_updates_newest(struct store *store, const char *inbox_id, int64_t *sequence_id,
                                  struct err *err)
{
    struct db_query q;
    int r;

    db_query(
        &q, store->db,
        "SELECT sequence_id FROM identity_updates WHERE inbox_id = ?1 ORDER BY sequence_id DESC LIMIT 1");
    db_bind_text(&q, 1, inbox_id);
    r = db_step(&q, err);
    if (r >= 0)
        *sequence_id = r == DB_ROW ? db_col_i64(&q, 0) : 0;
    db_end(&q);
    return r < 0 ? r : 0;
}

int store_identity_update_exists(struct store *store, const char *inbox_id, int64_t sequence_id, bool *out,
                                 struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db, "SELECT 1 FROM identity_updates WHERE inbox_id = ?1 AND sequence_id = ?2");
    db_bind_text(&q, 1, inbox_id);
    db_bind_i64(&q, 2, sequence_id);
    r = db_step(&q, err);
    if (r >= 0)
        *out = r == DB_ROW;
    db_end(&q);
    return r < 0 ? r : 0;
}

int store_association_get(struct store *store, const char *inbox_id, int64_t sequence_id,
                          struct store_mem *mem, struct slice *state, struct err *err)
{
    struct buf space = BUF_INIT;
    struct slice row;
    struct db_query q;
    int r;

    db_query(&q, store->db, "SELECT state FROM associations WHERE inbox_id = ?1 AND sequence_id = ?2");
    db_bind_text(&q, 1, inbox_id);
    db_bind_i64(&q, 2, sequence_id);
    r = db_step(&q, err);
    if (r == DB_DONE)
        r = err_set(err, ERR_NOTFOUND, "no state of inbox %s at %lld is kept", inbox_id,
                    (long long)sequence_id);
    else if (r == DB_ROW && (r = row_of(inbox_id, sequence_id, &space, &row, err)) == 0)
        r = store_row_open(store, &q, 0, SEALED_ASSOCIATION, row, mem, state, err);
    db_end(&q);
    buf_free(&space);
    return r;
}

int store_association_put(struct store *store, const char *inbox_id, int64_t sequence_id, struct slice state,
                          struct err *err)
{
    struct buf space = BUF_INIT;
    struct slice row;
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "INSERT OR REPLACE INTO associations (inbox_id, sequence_id, state) VALUES (?1, ?2, ?3)");
    db_bind_text(&q, 1, inbox_id);
    db_bind_i64(&q, 2, sequence_id);
    if ((r = row_of(inbox_id, sequence_id, &space, &row, err)) == 0 &&
        (r = store_row_seal(store, &q, 3, SEALED_ASSOCIATION, row, state, err)) == 0)
        r = db_run(&q, err);
    db_end(&q);
    buf_free(&space);
    return r;
}

int store_associations_clear(struct store *store, struct err *err)
{
    return db_exec(store->db, "DELETE FROM associations", err);
}

static void lookup_of(struct store *store, int kind, struct slice identifier, uint8_t out[32])
{
    seal_lookup(&store->sealer, kind == 1 ? "address" : "passkey", identifier, out);
}

int store_inbox_of_put(struct store *store, int kind, struct slice identifier, const char *inbox_id,
                       int64_t now_ns, struct err *err)
{
    uint8_t lookup[32];
    struct db_query q;
    int r;

    lookup_of(store, kind, identifier, lookup);
    db_query(&q, store->db,
             "INSERT OR REPLACE INTO identifiers (lookup, kind, identifier, inbox_id, learned_at_ns)"
             " VALUES (?1, ?2, ?3, ?4, ?5)");
    db_bind_slice(&q, 1, slice_of(lookup, sizeof lookup));
    db_bind_i64(&q, 2, kind);
    r = store_row_seal(store, &q, 3, SEALED_IDENTIFIER, slice_of(lookup, sizeof lookup), identifier, err);
    db_bind_text(&q, 4, inbox_id);
    db_bind_i64(&q, 5, now_ns);
    if (r == 0)
        r = db_run(&q, err);
    db_end(&q);
    return r;
}

int store_inbox_of_get(struct store *store, int kind, struct slice identifier, struct store_mem *mem,
                       const char **inbox_id, int64_t *learned_at_ns, struct err *err)
{
    const char *found = NULL;
    uint8_t lookup[32];
    struct db_query q;
    int64_t learned = 0;
    bool ok = true;
    int r;

    lookup_of(store, kind, identifier, lookup);
    db_query(&q, store->db, "SELECT inbox_id, learned_at_ns FROM identifiers WHERE lookup = ?1");
    db_bind_slice(&q, 1, slice_of(lookup, sizeof lookup));
    if ((r = db_step(&q, err)) == DB_ROW) {
        found = store_row_text(&q, 0, mem, &ok);
        learned = db_col_i64(&q, 1);
    }
    db_end(&q);
    if (r == DB_DONE)
        return err_set(err, ERR_NOTFOUND, "no inbox is known for it");
    if (r < 0)
        return r;
    if (!ok)
        return store_no_memory(err);
    *inbox_id = found;
    if (learned_at_ns)
        *learned_at_ns = learned;
    return 0;
}

int store_identifiers_of_each(struct store *store, const char *inbox_id,
                              int (*fn)(void *ctx, int kind, struct slice identifier), void *ctx,
                              struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct slice identifier;
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "SELECT kind, identifier, lookup FROM identifiers WHERE inbox_id = ?1 ORDER BY kind, lookup");
    db_bind_text(&q, 1, inbox_id);
    while ((r = db_step(&q, err)) == DB_ROW) {
        store_mem_reset(&mem);
        if ((r = store_row_open(store, &q, 1, SEALED_IDENTIFIER, db_col_slice(&q, 2), &mem, &identifier,
                                err)) != 0 ||
            (r = fn(ctx, (int)db_col_i64(&q, 0), identifier)) != 0)
            break;
    }
    db_end(&q);
    store_mem_free(&mem);
    return r;
}
