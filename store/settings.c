#include "store/settings.h"

#include "base/alloc.h"
#include "store/rows.h"

#include <stdio.h>
#include <stdlib.h>

/* KIND/ENTITY, what sealed_columns says in SQL; the buffer is the caller's. */
static int row_of(enum store_nickname_of of, const char *entity, struct buf *space, struct slice *out,
                  struct err *err)
{
    buf_reset(space);
    buf_printf(space, "%d/%s", (int)of, entity);
    if (!buf_ok(space))
        return store_no_memory(err);
    *out = buf_slice(space);
    return 0;
}

static int forget_nickname(struct store *store, enum store_nickname_of of, const char *entity,
                           struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "DELETE FROM nicknames WHERE kind = ?1 AND entity = ?2");
    db_bind_i64(&q, 1, of);
    db_bind_text(&q, 2, entity);
    return db_run(&q, err);
}

int store_nickname_put(struct store *store, enum store_nickname_of of, const char *entity, const char *name,
                       struct err *err)
{
    struct buf space = BUF_INIT;
    struct slice row;
    struct db_query q;
    int r;

    if (!name || !*name)
        return forget_nickname(store, of, entity, err);
    db_query(&q, store->db, "INSERT OR REPLACE INTO nicknames (kind, entity, name) VALUES (?1, ?2, ?3)");
    db_bind_i64(&q, 1, of);
    db_bind_text(&q, 2, entity);
    if ((r = row_of(of, entity, &space, &row, err)) == 0 &&
        (r = store_row_seal(store, &q, 3, SEALED_NICKNAME, row, slice_str(name), err)) == 0)
        r = db_run(&q, err);
    db_end(&q);
    buf_free(&space);
    return r;
}

int store_nickname_get(struct store *store, enum store_nickname_of of, const char *entity,
                       struct store_mem *mem, const char **name, struct err *err)
{
    struct buf space = BUF_INIT;
    struct slice row, plain;
    struct db_query q;
    int r;

    db_query(&q, store->db, "SELECT name FROM nicknames WHERE kind = ?1 AND entity = ?2");
    db_bind_i64(&q, 1, of);
    db_bind_text(&q, 2, entity);
    r = db_step(&q, err);
    if (r == DB_DONE)
        r = err_set(err, ERR_NOTFOUND, "no name of ours for %s", entity);
    else if (r == DB_ROW && (r = row_of(of, entity, &space, &row, err)) == 0 &&
             (r = store_row_open(store, &q, 0, SEALED_NICKNAME, row, mem, &plain, err)) == 0)
        *name = (const char *)plain.data; /* ended by a NUL: see store_row_open() */
    db_end(&q);
    buf_free(&space);
    return r;
}

int store_nicknames_each(struct store *store,
                         int (*fn)(void *ctx, enum store_nickname_of of, const char *entity,
                                   const char *name),
                         void *ctx, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct buf space = BUF_INIT;
    struct slice row, plain;
    enum store_nickname_of of;
    struct db_query q;
    int r;

    db_query(&q, store->db, "SELECT kind, entity, name FROM nicknames ORDER BY kind, entity");
    while ((r = db_step(&q, err)) == DB_ROW) {
        store_mem_reset(&mem);
        of = (enum store_nickname_of)db_col_i64(&q, 0);
        if ((r = row_of(of, db_col_text(&q, 1), &space, &row, err)) != 0 ||
            (r = store_row_open(store, &q, 2, SEALED_NICKNAME, row, &mem, &plain, err)) != 0 ||
            (r = fn(ctx, of, db_col_text(&q, 1), (const char *)plain.data)) != 0)
            break;
    }
    db_end(&q);
    buf_free(&space);
    store_mem_free(&mem);
    return r;
}

int store_setting_put(struct store *store, const char *name, struct slice value, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db, "INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)");
    db_bind_text(&q, 1, name);
    r = store_row_seal(store, &q, 2, SEALED_SETTING, slice_str(name), value, err);
    if (r == 0)
        r = db_run(&q, err);
    db_end(&q);
    return r;
}

int store_setting_get(struct store *store, const char *name, struct store_mem *mem, struct slice *out,
                      struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db, "SELECT value FROM settings WHERE name = ?1");
    db_bind_text(&q, 1, name);
    r = db_step(&q, err);
    if (r == DB_ROW)
        r = store_row_open(store, &q, 0, SEALED_SETTING, slice_str(name), mem, out, err);
    else if (r == DB_DONE)
        r = err_set(err, ERR_NOTFOUND, "no setting %s", name);
    db_end(&q);
    return r;
}

int store_setting_delete(struct store *store, const char *name, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "DELETE FROM settings WHERE name = ?1");
    db_bind_text(&q, 1, name);
    return db_run(&q, err);
}

int store_setting_put_i64(struct store *store, const char *name, int64_t value, struct err *err)
{
    char text[24];

    snprintf(text, sizeof text, "%lld", (long long)value);
    return store_setting_put(store, name, slice_str(text), err);
}

int store_setting_get_i64(struct store *store, const char *name, int64_t if_absent, int64_t *out,
                          struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct slice text;
    int r = store_setting_get(store, name, &mem, &text, err);

    if (r == 0)
        *out = strtoll((const char *)text.data, NULL, 10);
    store_mem_free(&mem);
    if (r != ERR_NOTFOUND)
        return r;
    *out = if_absent;
    return 0;
}
