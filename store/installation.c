#include "store/installation.h"

#include "store/rows.h"

int store_installation_get(struct store *store, struct store_mem *mem, struct store_installation *out,
                           struct err *err)
{
    struct store_installation in = {0};
    struct db_query q;
    bool ok = true;
    int r;

    db_query(&q, store->db,
             "SELECT inbox_id, env, installation_id, registration, created_at_ns, next_rotation_ns"
             " FROM installation");
    if ((r = db_step(&q, err)) == DB_ROW) {
        in.inbox_id = store_row_text(&q, 0, mem, &ok);
        in.env = store_row_text(&q, 1, mem, &ok);
        in.installation_id = store_row_slice(&q, 2, mem, &ok);
        in.registration = (enum store_registration)db_col_i64(&q, 3);
        in.created_at_ns = db_col_i64(&q, 4);
        in.next_rotation_ns = db_col_i64(&q, 5);
    }
    db_end(&q);
    if (r == DB_DONE)
        return err_set(err, ERR_NOTFOUND, "this home has no installation yet");
    if (r < 0)
        return r;
    if (!ok)
        return store_no_memory(err);
    *out = in;
    return 0;
}

int store_installation_put(struct store *store, const struct store_installation *in, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             "INSERT OR REPLACE INTO installation"
             " (id, inbox_id, env, installation_id, registration, created_at_ns, next_rotation_ns)"
             " VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)");
    db_bind_text(&q, 1, in->inbox_id);
    db_bind_text(&q, 2, in->env);
    db_bind_slice(&q, 3, in->installation_id);
    db_bind_i64(&q, 4, in->registration);
    db_bind_i64(&q, 5, in->created_at_ns);
    db_bind_i64(&q, 6, in->next_rotation_ns);
    return db_run(&q, err);
}

int store_installation_set_registration(struct store *store, enum store_registration state, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "UPDATE installation SET registration = ?1");
    db_bind_i64(&q, 1, state);
    return store_run_one(store, &q, "installation", err);
}

int store_installation_set_next_rotation(struct store *store, int64_t next_rotation_ns, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "UPDATE installation SET next_rotation_ns = ?1");
    db_bind_i64(&q, 1, next_rotation_ns);
    return store_run_one(store, &q, "installation", err);
}

int store_secret_get(struct store *store, const char *name, struct store_mem *mem, struct slice *out,
                     struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db, "SELECT value FROM secrets WHERE name = ?1");
    db_bind_text(&q, 1, name);
    r = db_step(&q, err);
    if (r == DB_ROW)
        r = store_row_open(store, &q, 0, SEALED_SECRET, slice_str(name), mem, out, err);
    else if (r == DB_DONE)
        r = err_set(err, ERR_NOTFOUND, "no secret %s is kept", name);
    db_end(&q);
    return r;
}

int store_secret_put(struct store *store, const char *name, struct slice value, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db, "INSERT OR REPLACE INTO secrets (name, value) VALUES (?1, ?2)");
    db_bind_text(&q, 1, name);
    r = store_row_seal(store, &q, 2, SEALED_SECRET, slice_str(name), value, err);
    if (r == 0)
        r = db_run(&q, err);
    db_end(&q);
    return r;
}

int store_secret_delete(struct store *store, const char *name, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "DELETE FROM secrets WHERE name = ?1");
    db_bind_text(&q, 1, name);
    return db_run(&q, err);
}
