#include "store/rows.h"

#include <string.h>

int store_no_memory(struct err *err)
{
    return err_set(err, ERR_NOMEM, "reading the database: out of memory");
}

int store_row_seal(struct store *store, struct db_query *q, int at, enum sealed column, struct slice row,
                   struct slice plain, struct err *err)
{
    struct slice sealed;
    int r;

    if ((r = seal_value(&store->sealer, &sealed_columns[column].column, row, plain, &sealed, err)) == 0)
        db_bind_copy(q, at, sealed);
    return r;
}

int store_row_seal_or_null(struct store *store, struct db_query *q, int at, enum sealed column,
                           struct slice row, struct slice plain, struct err *err)
{
    if (plain.data)
        return store_row_seal(store, q, at, column, row, plain, err);
    db_bind_null(q, at);
    return 0;
}

int store_row_open(struct store *store, const struct db_query *q, int at, enum sealed column,
                   struct slice row, struct store_mem *mem, struct slice *out, struct err *err)
{
    struct slice sealed = db_col_slice(q, at);
    size_t len;
    uint8_t *space;
    int r;

    *out = (struct slice){0};
    if (!sealed.data)
        return 0;
    len = sealed.len > SEAL_OVERHEAD ? sealed.len - SEAL_OVERHEAD : 0;
    if (!(space = store_mem_alloc(mem, len + 1)))
        return store_no_memory(err);
    if ((r = seal_open(&store->sealer, &sealed_columns[column].column, row, sealed, space, err)) != 0)
        return r;
    space[len] = 0; /* text among them may be used as a string */
    *out = slice_of(space, len);
    return 0;
}

struct slice store_row_slice(const struct db_query *q, int at, struct store_mem *mem, bool *ok)
{
    struct slice copy = {0};

    if (!store_mem_dup(mem, db_col_slice(q, at), &copy))
        *ok = false;
    return copy;
}

const char *store_row_text(const struct db_query *q, int at, struct store_mem *mem, bool *ok)
{
    const char *copy = NULL;

    if (!store_mem_dup_text(mem, db_col_text(q, at), &copy))
        *ok = false;
    return copy;
}

void store_group_forget(struct store *store)
{
    store->last_group.id_len = 0;
    store->last_group.stands = false;
}

bool store_group_is_last(const struct store *store, struct slice id)
{
    return id.len && id.len == store->last_group.id_len && memcmp(id.data, store->last_group.id, id.len) == 0;
}

int store_group_numbers(struct store *store, struct slice id, int64_t *n, int64_t *conversation,
                        struct err *err)
{
    struct db_query q;
    int r;

    if (store_group_is_last(store, id)) {
        *n = store->last_group.n;
        *conversation = store->last_group.conversation;
        return 0;
    }
    db_query(&q, store->db, "SELECT n, conversation FROM groups WHERE id = ?1");
    db_bind_slice(&q, 1, id);
    if ((r = db_step(&q, err)) == DB_ROW) {
        *n = db_col_i64(&q, 0);
        *conversation = db_col_i64(&q, 1);
    }
    db_end(&q);
    if (r == DB_DONE)
        return err_set(err, ERR_NOTFOUND, "no such group");
    if (r != DB_ROW)
        return r;
    if (id.len <= STORE_GROUP_ID_MAX) {
        memcpy(store->last_group.id, id.data, id.len);
        store->last_group.id_len = id.len;
        store->last_group.stands = false;
        store->last_group.n = *n;
        store->last_group.conversation = *conversation;
    }
    return 0;
}

#define ID_BLOCK 64

static const char *const id_tables[STORE_ID_TABLES] = {
    [STORE_ID_INTENTS] = "intents", [STORE_ID_PREFERENCE_OUTBOX] = "preference_outbox"};

static int read_sequence(struct store *store, const char *table, int64_t *out, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db, "SELECT seq FROM sqlite_sequence WHERE name = ?1");
    db_bind_text(&q, 1, table);
    r = db_step(&q, err);
    if (r == DB_ROW)
        *out = db_col_i64(&q, 0);
    db_end(&q);
    return r;
}

/* sqlite_sequence has no unique key: an insert that meets a row would make a second one. */
static int reserve_ids(struct store *store, const char *table, struct id_block *block, struct err *err)
{
    int64_t last = 0;
    struct db_query q;
    int r;

    if ((r = read_sequence(store, table, &last, err)) < 0)
        return r;
    db_query(&q, store->db,
             r == DB_ROW ? "UPDATE sqlite_sequence SET seq = ?2 WHERE name = ?1"
                         : "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)");
    db_bind_text(&q, 1, table);
    db_bind_i64(&q, 2, last + ID_BLOCK);
    if ((r = db_run(&q, err)) == 0)
        *block = (struct id_block){last + 1, last + 1 + ID_BLOCK};
    return r;
}

int store_next_id(struct store *store, enum store_id_table table, int64_t *out, struct err *err)
{
    struct id_block *block = &store->ids[table];
    int r;

    if (block->next == block->end && (r = reserve_ids(store, id_tables[table], block, err)) != 0)
        return r;
    *out = block->next++;
    return 0;
}

int store_run_one(struct store *store, struct db_query *q, const char *what, struct err *err)
{
    int r = db_run(q, err);

    if (r == 0 && db_changes(store->db) == 0)
        return err_set(err, ERR_NOTFOUND, "no such %s", what);
    return r;
}
