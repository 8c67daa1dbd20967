#include "store/key_packages.h"

#include "store/rows.h"

#define COLUMNS "id, ref, package, private_part, init_key, wrapper_key, created_at_ns, delete_at_ns"

int store_key_package_put(struct store *store, const struct store_key_package *in, int64_t *id,
                          struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "INSERT INTO key_packages (ref, package, private_part, init_key, wrapper_key, created_at_ns,"
             " delete_at_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, nullif(?7, 0))");
    db_bind_slice(&q, 1, in->ref);
    db_bind_slice(&q, 2, in->package);
    r = store_row_seal(store, &q, 3, SEALED_KEY_PACKAGE, in->ref, in->private_part, err);
    db_bind_slice(&q, 4, in->init_key);
    db_bind_slice_or_null(&q, 5, in->wrapper_key);
    db_bind_i64(&q, 6, in->created_at_ns);
    db_bind_i64(&q, 7, in->delete_at_ns);
    if (r == 0 && (r = db_run(&q, err)) == 0)
        *id = db_last_id(store->db);
    db_end(&q);
    return r;
}

/* Steps `q`, which selects COLUMNS, once, and ends it. */
static int read_one(struct store *store, struct db_query *q, struct store_mem *mem,
                    struct store_key_package *out, struct err *err)
{
    struct store_key_package in = {0};
    bool ok = true;
    int r;

    r = db_step(q, err);
    if (r == DB_ROW) {
        in.id = db_col_i64(q, 0);
        in.ref = store_row_slice(q, 1, mem, &ok);
        in.package = store_row_slice(q, 2, mem, &ok);
        in.init_key = store_row_slice(q, 4, mem, &ok);
        in.wrapper_key = store_row_slice(q, 5, mem, &ok);
        in.created_at_ns = db_col_i64(q, 6);
        in.delete_at_ns = db_col_i64(q, 7);
        r = ok ? store_row_open(store, q, 3, SEALED_KEY_PACKAGE, in.ref, mem, &in.private_part, err)
               : store_no_memory(err);
        if (r == 0)
            *out = in;
    } else if (r == DB_DONE) {
        r = err_set(err, ERR_NOTFOUND, "no such key package");
    }
    db_end(q);
    return r;
}

int store_key_package_get(struct store *store, struct slice ref, struct store_mem *mem,
                          struct store_key_package *out, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "SELECT " COLUMNS " FROM key_packages WHERE ref = ?1");
    db_bind_slice(&q, 1, ref);
    return read_one(store, &q, mem, out, err);
}

int store_key_package_find(struct store *store, struct slice public_key, struct store_mem *mem,
                           struct store_key_package *out, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             "SELECT " COLUMNS " FROM key_packages WHERE init_key = ?1 OR wrapper_key = ?1"
             " ORDER BY id DESC LIMIT 1");
    db_bind_slice(&q, 1, public_key);
    return read_one(store, &q, mem, out, err);
}

int store_key_package_newest(struct store *store, struct store_mem *mem, struct store_key_package *out,
                             struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "SELECT " COLUMNS " FROM key_packages ORDER BY id DESC LIMIT 1");
    return read_one(store, &q, mem, out, err);
}

int store_key_packages_supersede(struct store *store, int64_t id, int64_t delete_at_ns, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             "UPDATE key_packages SET delete_at_ns = ?2 WHERE id < ?1 AND delete_at_ns IS NULL");
    db_bind_i64(&q, 1, id);
    db_bind_i64(&q, 2, delete_at_ns);
    return db_run(&q, err);
}

int store_key_packages_delete_due(struct store *store, int64_t now_ns, int64_t *deleted, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db, "DELETE FROM key_packages WHERE delete_at_ns <= ?1");
    db_bind_i64(&q, 1, now_ns);
    if ((r = db_run(&q, err)) == 0 && deleted)
        *deleted = db_changes(store->db);
    return r;
}

int store_key_packages_next_delete(struct store *store, int64_t *out_ns, struct err *err)
{
    return db_int(store->db, "SELECT coalesce(min(delete_at_ns), 0) FROM key_packages", out_ns, err);
}
