/* Groups; conversations.c has what a person sees of them. */
#include "store/groups.h"

#include "store/rows.h"

int store_group_read(const struct db_query *q, struct store_mem *mem, struct store_group *out,
                     struct err *err)
{
    struct store_group g = {0};
    bool ok = true;

    g.id = store_row_slice(q, 0, mem, &ok);
    g.conversation = db_col_i64(q, 1);
    g.type = (enum store_group_type)db_col_i64(q, 2);
    g.membership = (enum store_membership)db_col_i64(q, 3);
    g.dm_id = store_row_text(q, 4, mem, &ok);
    g.peer_inbox_id = store_row_text(q, 5, mem, &ok);
    g.creator_inbox_id = store_row_text(q, 6, mem, &ok);
    g.added_by_inbox_id = store_row_text(q, 7, mem, &ok);
    g.welcome.originator = (uint32_t)db_col_i64(q, 8);
    g.welcome.sequence_id = db_col_i64(q, 9);
    g.created_at_ns = db_col_i64(q, 10);
    g.last_message_ns = db_col_i64(q, 11);
    g.installations_checked_ns = db_col_i64(q, 12);
    g.rotated_at_ns = db_col_i64(q, 13);
    g.disappear_from_ns = db_col_i64(q, 14);
    g.disappear_in_ns = db_col_i64(q, 15);
    g.epoch = (uint64_t)db_col_i64(q, 16);
    g.paused_for_version = store_row_text(q, 17, mem, &ok);
    g.fork = (enum store_fork)db_col_i64(q, 18);
    g.active = db_col_i64(q, 19) != 0;
    g.trusted = db_col_i64(q, 20) != 0;
    if (!ok)
        return store_no_memory(err);
    *out = g;
    return 0;
}

static int conversation_of_dm(struct store *store, const char *dm_id, int64_t *out, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db, "SELECT n FROM conversations WHERE dm_id = ?1");
    db_bind_text(&q, 1, dm_id);
    if ((r = db_step(&q, err)) == DB_ROW)
        *out = db_col_i64(&q, 0);
    db_end(&q);
    return r;
}

static int new_conversation(struct store *store, const struct store_group *in, int64_t *out, struct err *err)
{
    struct db_query q;
    int r;

    if (in->dm_id && (r = conversation_of_dm(store, in->dm_id, out, err)) != DB_DONE)
        return r < 0 ? r : 0;
    db_query(&q, store->db, "INSERT INTO conversations (dm_id) VALUES (?1)");
    db_bind_text(&q, 1, in->dm_id);
    if ((r = db_run(&q, err)) == 0)
        *out = db_last_id(store->db);
    return r;
}

static void bind_fields(struct db_query *q, const struct store_group *in)
{
    db_bind_slice(q, 1, in->id);
    db_bind_i64(q, 2, in->type);
    db_bind_i64(q, 3, in->membership);
    db_bind_text(q, 4, in->dm_id);
    db_bind_text(q, 5, in->peer_inbox_id);
    db_bind_text(q, 6, in->creator_inbox_id);
    db_bind_text(q, 7, in->added_by_inbox_id);
    db_bind_i64(q, 8, in->welcome.originator);
    db_bind_i64(q, 9, in->welcome.sequence_id);
    db_bind_i64(q, 10, in->installations_checked_ns);
    db_bind_i64(q, 11, in->rotated_at_ns);
    db_bind_i64(q, 12, in->disappear_from_ns);
    db_bind_i64(q, 13, in->disappear_in_ns);
    db_bind_i64(q, 14, (int64_t)in->epoch);
    db_bind_text(q, 15, in->paused_for_version);
    db_bind_i64(q, 16, in->fork);
    db_bind_i64(q, 17, in->active);
    db_bind_i64(q, 18, in->trusted);
}

int store_group_put(struct store *store, const struct store_group *in, struct err *err)
{
    int64_t n, conversation;
    struct db_query q;
    int r;

    if (!in->id.len || in->id.len > STORE_GROUP_ID_MAX)
        return err_set(err, ERR_INVALID, "a group id of %zu bytes", in->id.len);
    r = store_group_numbers(store, in->id, &n, &conversation, err);
    store_group_forget(store);
    if (r == 0) {
        db_query(&q, store->db,
                 "UPDATE groups SET type = ?2, membership = ?3, dm_id = ?4, peer_inbox_id = ?5,"
                 " creator_inbox_id = ?6, added_by_inbox_id = ?7, welcome_originator = ?8,"
                 " welcome_sequence_id = ?9, installations_checked_ns = ?10, rotated_at_ns = ?11,"
                 " disappear_from_ns = ?12, disappear_in_ns = ?13, epoch = ?14, paused_for_version = ?15,"
                 " fork = ?16, active = ?17, trusted = ?18 WHERE id = ?1");
        bind_fields(&q, in);
        return db_run(&q, err);
    }
    if (r != ERR_NOTFOUND || (r = new_conversation(store, in, &conversation, err)) != 0)
        return r;
    db_query(
        &q, store->db,
        "INSERT INTO groups (id, type, membership, dm_id, peer_inbox_id, creator_inbox_id, added_by_inbox_id,"
        " welcome_originator, welcome_sequence_id, installations_checked_ns, rotated_at_ns,"
        " disappear_from_ns, disappear_in_ns, epoch, paused_for_version, fork, active, trusted,"
        " conversation, created_at_ns, last_message_ns)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, "
        "?21)");
    bind_fields(&q, in);
    db_bind_i64(&q, 19, conversation);
    db_bind_i64(&q, 20, in->created_at_ns);
    db_bind_i64(&q, 21, in->last_message_ns);
    return db_run(&q, err);
}

/* Steps a query for one group and ends it. */
static int read_one(struct db_query *q, struct store_mem *mem, struct store_group *out, struct err *err)
{
    int r = db_step(q, err);

    if (r == DB_ROW)
        r = store_group_read(q, mem, out, err);
    else if (r == DB_DONE)
        r = err_set(err, ERR_NOTFOUND, "no such group");
    db_end(q);
    return r;
}

int store_group_find(struct store *store, struct slice id, struct err *err)
{
    int64_t n, conversation;

    return store_group_numbers(store, id, &n, &conversation, err);
}

#define SELECT_GROUP "SELECT " STORE_GROUP_COLUMNS " FROM groups g "

int store_group_get(struct store *store, struct slice id, struct store_mem *mem, struct store_group *out,
                    struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, SELECT_GROUP "WHERE g.id = ?1");
    db_bind_slice(&q, 1, id);
    return read_one(&q, mem, out, err);
}

int store_group_standing(struct store *store, struct slice id, struct store_mem *mem, struct store_standing *out,
                         struct err *err)
{
    bool ok = true;
    struct db_query q;
    int r;

    if (store->last_group.stands && store_group_is_last(store, id)) {
        *out = store->last_group.standing;
        return 0;
    }
    db_query(&q, store->db,
             "SELECT membership, active, installations_checked_ns, rotated_at_ns, paused_for_version FROM groups"
             " WHERE id = ?1");
    db_bind_slice(&q, 1, id);
    if ((r = db_step(&q, err)) == DB_ROW) {
        out->membership = (enum store_membership)db_col_i64(&q, 0);
        out->active = db_col_i64(&q, 1) != 0;
        out->installations_checked_ns = db_col_i64(&q, 2);
        out->rotated_at_ns = db_col_i64(&q, 3);
        out->paused_for_version = store_row_text(&q, 4, mem, &ok);
        r = ok ? 0 : store_no_memory(err);
    } else if (r == DB_DONE) {
        r = err_set(err, ERR_NOTFOUND, "no such group");
    }
    db_end(&q);
    /* A reader would not hear of changes. */
    if (r == 0 && !store->read_only && !out->paused_for_version && store_group_is_last(store, id)) {
        store->last_group.stands = true;
        store->last_group.standing = *out;
    }
    return r;
}

int store_group_by_welcome(struct store *store, struct store_cursor welcome, struct store_mem *mem,
                           struct store_group *out, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             SELECT_GROUP
             "WHERE g.welcome_sequence_id = ?1 AND g.welcome_originator = ?2 AND g.welcome_sequence_id <> 0");
    db_bind_i64(&q, 1, welcome.sequence_id);
    db_bind_i64(&q, 2, welcome.originator);
    return read_one(&q, mem, out, err);
}

int store_group_by_dm_id(struct store *store, const char *dm_id, struct store_mem *mem,
                         struct store_group *out, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             SELECT_GROUP "WHERE g.conversation = (SELECT n FROM conversations WHERE dm_id = ?1)"
                          " AND g.membership <> 4 ORDER BY g.last_message_ns DESC, g.id DESC LIMIT 1");
    db_bind_text(&q, 1, dm_id);
    return read_one(&q, mem, out, err);
}

int store_group_primary_sync(struct store *store, struct store_mem *mem, struct store_group *out,
                             struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             SELECT_GROUP "WHERE g.type = 3 AND g.trusted AND g.active"
                          " ORDER BY g.created_at_ns DESC, g.n DESC LIMIT 1");
    return read_one(&q, mem, out, err);
}

int store_groups_by_prefix(struct store *store, struct slice prefix, size_t limit,
                           int (*fn)(void *ctx, struct slice id), void *ctx, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "SELECT id FROM groups WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id LIMIT ?2");
    db_bind_slice(&q, 1, prefix);
    db_bind_i64(&q, 2, (int64_t)limit);
    while ((r = db_step(&q, err)) == DB_ROW && (r = fn(ctx, db_col_slice(&q, 0))) == 0)
        ;
    db_end(&q);
    return r;
}

/* One number of a group; `sql` sets it from ?2 where id = ?1. */
static int set_number(struct store *store, const char *sql, struct slice id, int64_t value, struct err *err)
{
    struct db_query q;

    store_group_forget(store);
    db_query(&q, store->db, sql);
    db_bind_slice(&q, 1, id);
    db_bind_i64(&q, 2, value);
    return store_run_one(store, &q, "group", err);
}

int store_group_set_membership(struct store *store, struct slice id, enum store_membership to,
                               struct err *err)
{
    return set_number(store, "UPDATE groups SET membership = ?2 WHERE id = ?1", id, to, err);
}

int store_group_set_active(struct store *store, struct slice id, bool active, struct err *err)
{
    return set_number(store, "UPDATE groups SET active = ?2 WHERE id = ?1", id, active, err);
}

int store_group_set_trusted(struct store *store, struct slice id, bool trusted, struct err *err)
{
    return set_number(store, "UPDATE groups SET trusted = ?2 WHERE id = ?1", id, trusted, err);
}

int store_group_set_epoch(struct store *store, struct slice id, uint64_t epoch, struct err *err)
{
    return set_number(store, "UPDATE groups SET epoch = ?2 WHERE id = ?1", id, (int64_t)epoch, err);
}

int store_group_set_installations_checked(struct store *store, struct slice id, int64_t at_ns,
                                          struct err *err)
{
    return set_number(store, "UPDATE groups SET installations_checked_ns = ?2 WHERE id = ?1", id, at_ns, err);
}

int store_group_set_rotated(struct store *store, struct slice id, int64_t at_ns, struct err *err)
{
    return set_number(store, "UPDATE groups SET rotated_at_ns = ?2 WHERE id = ?1", id, at_ns, err);
}

int store_group_set_fork(struct store *store, struct slice id, enum store_fork fork, struct err *err)
{
    return set_number(store, "UPDATE groups SET fork = ?2 WHERE id = ?1", id, fork, err);
}

int store_group_set_disappearing(struct store *store, struct slice id, int64_t from_ns, int64_t in_ns,
                                 struct err *err)
{
    struct db_query q;

    store_group_forget(store);
    db_query(&q, store->db, "UPDATE groups SET disappear_from_ns = ?2, disappear_in_ns = ?3 WHERE id = ?1");
    db_bind_slice(&q, 1, id);
    db_bind_i64(&q, 2, from_ns);
    db_bind_i64(&q, 3, in_ns);
    return store_run_one(store, &q, "group", err);
}

int store_group_set_paused(struct store *store, struct slice id, const char *for_version, struct err *err)
{
    struct db_query q;

    store_group_forget(store);
    db_query(&q, store->db, "UPDATE groups SET paused_for_version = ?2 WHERE id = ?1");
    db_bind_slice(&q, 1, id);
    db_bind_text(&q, 2, for_version);
    return store_run_one(store, &q, "group", err);
}

int store_group_set_texts(struct store *store, struct slice id, const struct store_group_texts *texts,
                          struct err *err)
{
    int64_t n, conversation;
    struct db_query q;
    int r;

    if ((r = store_group_numbers(store, id, &n, &conversation, err)) != 0)
        return r;
    db_query(&q, store->db,
             "INSERT OR REPLACE INTO group_texts (group_n, group_id, name, description, image_url, app_data)"
             " VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    db_bind_i64(&q, 1, n);
    db_bind_slice(&q, 2, id);
    if ((r = store_row_seal_or_null(store, &q, 3, SEALED_GROUP_NAME, id, texts->name, err)) == 0 &&
        (r = store_row_seal_or_null(store, &q, 4, SEALED_GROUP_DESCRIPTION, id, texts->description, err)) ==
            0 &&
        (r = store_row_seal_or_null(store, &q, 5, SEALED_GROUP_IMAGE_URL, id, texts->image_url, err)) == 0 &&
        (r = store_row_seal_or_null(store, &q, 6, SEALED_GROUP_APP_DATA, id, texts->app_data, err)) == 0)
        r = db_run(&q, err);
    db_end(&q);
    return r;
}

int store_group_texts_read(struct store *store, const struct db_query *q, int at, struct slice id,
                           struct store_mem *mem, struct store_group_texts *out, struct err *err)
{
    struct store_group_texts t = {0};
    int r;

    if ((r = store_row_open(store, q, at, SEALED_GROUP_NAME, id, mem, &t.name, err)) == 0 &&
        (r = store_row_open(store, q, at + 1, SEALED_GROUP_DESCRIPTION, id, mem, &t.description, err)) == 0 &&
        (r = store_row_open(store, q, at + 2, SEALED_GROUP_IMAGE_URL, id, mem, &t.image_url, err)) == 0 &&
        (r = store_row_open(store, q, at + 3, SEALED_GROUP_APP_DATA, id, mem, &t.app_data, err)) == 0)
        *out = t;
    return r;
}

int store_group_texts(struct store *store, struct slice id, struct store_mem *mem,
                      struct store_group_texts *out, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "SELECT t.name, t.description, t.image_url, t.app_data"
             " FROM groups g LEFT JOIN group_texts t ON t.group_n = g.n WHERE g.id = ?1");
    db_bind_slice(&q, 1, id);
    r = db_step(&q, err);
    if (r == DB_ROW)
        r = store_group_texts_read(store, &q, 0, id, mem, out, err);
    else if (r == DB_DONE)
        r = err_set(err, ERR_NOTFOUND, "no such group");
    db_end(&q);
    return r;
}

static int delete_by_group(struct store *store, const char *sql, struct slice id, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, sql);
    db_bind_slice(&q, 1, id);
    return db_run(&q, err);
}

int store_group_delete(struct store *store, struct slice id, struct err *err)
{
    static const char *const statements[] = {
        ("DELETE FROM messages WHERE conversation = (SELECT conversation FROM groups WHERE id = ?1)"
         " AND group_n = (SELECT n FROM groups WHERE id = ?1)"), /* an index knows the conversation */
        "DELETE FROM group_texts WHERE group_n = (SELECT n FROM groups WHERE id = ?1)",
        ("DELETE FROM conversations WHERE n = (SELECT conversation FROM groups WHERE id = ?1)"
         " AND NOT EXISTS (SELECT 1 FROM groups o WHERE o.conversation = conversations.n AND o.id <> ?1)"),
        "DELETE FROM mls_pieces WHERE group_id = ?1",
        "DELETE FROM intents WHERE group_id = ?1",
        "DELETE FROM cursors WHERE entity = ?1 AND kind <> 1",
        "DELETE FROM commit_log WHERE group_id = ?1",
        "DELETE FROM deletions WHERE group_id = ?1",
        "DELETE FROM leaves WHERE group_id = ?1",
        "DELETE FROM groups WHERE id = ?1",
    };
    int r = 0;

    store_group_forget(store);
    for (size_t i = 0; r == 0 && i < sizeof statements / sizeof statements[0]; i++)
        r = delete_by_group(store, statements[i], id, err);
    return r;
}

static int each(struct db_query *q, int (*fn)(void *ctx, const struct store_group *row), void *ctx,
                struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group row;
    int r;

    while ((r = db_step(q, err)) == DB_ROW) {
        store_mem_reset(&mem);
        if ((r = store_group_read(q, &mem, &row, err)) != 0 || (r = fn(ctx, &row)) != 0)
            break;
    }
    db_end(q);
    store_mem_free(&mem);
    return r;
}

int store_groups_each(struct store *store, unsigned types,
                      int (*fn)(void *ctx, const struct store_group *row), void *ctx, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, SELECT_GROUP "WHERE (?1 >> g.type) & 1 ORDER BY g.n");
    db_bind_i64(&q, 1, types);
    return each(&q, fn, ctx, err);
}

int store_groups_of_conversation(struct store *store, int64_t conversation,
                                 int (*fn)(void *ctx, const struct store_group *row), void *ctx,
                                 struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, SELECT_GROUP "WHERE g.conversation = ?1 ORDER BY g.n");
    db_bind_i64(&q, 1, conversation);
    return each(&q, fn, ctx, err);
}
