/* Writing messages and finding single ones; message_pages.c reads many. */
#include "store/messages.h"

#include "base/log.h"
#include "store/rows.h"

static int insert(struct store *store, const struct store_message *in, int64_t group_n, int64_t conversation,
                  struct err *err)
{
    struct db_query q;
    int r;

    db_query(
        &q, store->db,
        "INSERT INTO messages (id, group_n, conversation, sender_inbox_id, sender_installation_id, "
        "sent_at_ns,"
        " inserted_at_ns, kind, status, content_type, shows, own, should_push, body, reference, originator,"
        " sequence_id, expire_at_ns, idempotency_key)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, nullif(?18, "
        "0), ?19)"
        " ON CONFLICT DO NOTHING");
    db_bind_slice(&q, 1, in->id);
    db_bind_i64(&q, 2, group_n);
    db_bind_i64(&q, 3, conversation);
    db_bind_text(&q, 4, in->sender_inbox_id);
    db_bind_slice(&q, 5, in->sender_installation_id);
    db_bind_i64(&q, 6, in->sent_at_ns);
    db_bind_i64(&q, 7, in->inserted_at_ns);
    db_bind_i64(&q, 8, in->kind);
    db_bind_i64(&q, 9, in->status);
    db_bind_i64(&q, 10, in->content_type);
    db_bind_i64(&q, 11, in->shows);
    db_bind_i64(&q, 12, in->own);
    db_bind_i64(&q, 13, in->should_push);
    r = store_row_seal(store, &q, 14, SEALED_MESSAGE_BODY, in->id, in->body, err);
    db_bind_slice_or_null(&q, 15, in->reference);
    if (in->sequence_id) {
        db_bind_i64(&q, 16, in->originator);
        db_bind_i64(&q, 17, in->sequence_id);
    }
    db_bind_i64(&q, 18, in->expire_at_ns);
    db_bind_text(&q, 19, in->idempotency_key);
    if (r == 0)
        r = db_run(&q, err);
    db_end(&q);
    return r;
}

static int raise_activity(struct store *store, int64_t group_n, int64_t at_ns, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "UPDATE groups SET last_message_ns = ?2 WHERE n = ?1 AND last_message_ns < ?2");
    db_bind_i64(&q, 1, group_n);
    db_bind_i64(&q, 2, at_ns);
    return db_run(&q, err);
}

int store_message_put(struct store *store, const struct store_message *in, bool *added, struct err *err)
{
    int64_t group_n, conversation;
    bool is_new;
    int r;

    if (in->id.len != STORE_MESSAGE_ID_LEN)
        return err_set(err, ERR_INVALID, "a message id of %zu bytes", in->id.len);
    if ((r = store_group_numbers(store, in->group_id, &group_n, &conversation, err)) != 0 ||
        (r = insert(store, in, group_n, conversation, err)) != 0)
        return r;
    is_new = db_changes(store->db) > 0;
    if (is_new && (r = raise_activity(store, group_n, in->sent_at_ns, err)) != 0)
        return r;
    if (added)
        *added = is_new;
    return 0;
}

int store_message_read(struct store *store, const struct db_query *q, int at, bool tolerate,
                       struct store_mem *mem, struct store_message *out, struct err *err)
{
    struct store_message m = {0};
    struct err why;
    bool ok = true;
    int r;

    m.n = db_col_i64(q, at);
    m.conversation = db_col_i64(q, at + 1);
    m.id = store_row_slice(q, at + 2, mem, &ok);
    m.group_id = store_row_slice(q, at + 3, mem, &ok);
    m.sender_inbox_id = store_row_text(q, at + 4, mem, &ok);
    m.sender_installation_id = store_row_slice(q, at + 5, mem, &ok);
    m.sent_at_ns = db_col_i64(q, at + 6);
    m.inserted_at_ns = db_col_i64(q, at + 7);
    m.kind = (enum store_message_kind)db_col_i64(q, at + 8);
    m.status = (enum store_message_status)db_col_i64(q, at + 9);
    m.content_type = (int)db_col_i64(q, at + 10);
    m.shows = (enum store_message_shows)db_col_i64(q, at + 11);
    m.own = db_col_i64(q, at + 12) != 0;
    m.should_push = db_col_i64(q, at + 13) != 0;
    m.reference = store_row_slice(q, at + 15, mem, &ok);
    m.originator = (uint32_t)db_col_i64(q, at + 16);
    m.sequence_id = db_col_i64(q, at + 17);
    m.expire_at_ns = db_col_i64(q, at + 18);
    m.idempotency_key = store_row_text(q, at + 19, mem, &ok);
    if (!ok)
        return store_no_memory(err);
    r = store_row_open(store, q, at + 14, SEALED_MESSAGE_BODY, m.id, mem, &m.body, &why);
    if (r == ERR_CORRUPT && tolerate) {
        log_error("store", "%s", why.text);
        m.damaged = true;
        m.body = slice_str("");
    } else if (r != 0) {
        return err_set(err, r, "%s", why.text);
    }
    *out = m;
    return 0;
}

/* Steps a query for one message and ends it. */
static int read_one(struct store *store, struct db_query *q, struct store_mem *mem, struct store_message *out,
                    struct err *err)
{
    int r = db_step(q, err);

    if (r == DB_ROW)
        r = store_message_read(store, q, 0, false, mem, out, err);
    else if (r == DB_DONE)
        r = err_set(err, ERR_NOTFOUND, "no such message");
    db_end(q);
    return r;
}

int store_message_get(struct store *store, struct slice id, struct store_mem *mem, struct store_message *out,
                      struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "SELECT " STORE_MESSAGE_COLUMNS STORE_MESSAGE_FROM "WHERE m.id = ?1");
    db_bind_slice(&q, 1, id);
    return read_one(store, &q, mem, out, err);
}

#define BY_CURSOR                                                                                            \
    "WHERE m.group_n = (SELECT n FROM groups WHERE id = ?1) AND m.originator = ?2 AND m.sequence_id = ?3"

int store_message_by_cursor(struct store *store, struct slice group_id, uint32_t originator,
                            int64_t sequence_id, struct store_mem *mem, struct store_message *out,
                            struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "SELECT " STORE_MESSAGE_COLUMNS STORE_MESSAGE_FROM BY_CURSOR);
    db_bind_slice(&q, 1, group_id);
    db_bind_i64(&q, 2, originator);
    db_bind_i64(&q, 3, sequence_id);
    return read_one(store, &q, mem, out, err);
}

int store_message_seen(struct store *store, struct slice group_id, uint32_t originator, int64_t sequence_id,
                       bool *out, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db, "SELECT 1 FROM messages m " BY_CURSOR);
    db_bind_slice(&q, 1, group_id);
    db_bind_i64(&q, 2, originator);
    db_bind_i64(&q, 3, sequence_id);
    r = db_step(&q, err);
    if (r >= 0)
        *out = r == DB_ROW;
    db_end(&q);
    return r < 0 ? r : 0;
}

int store_message_set_published(struct store *store, struct slice id, int64_t sent_at_ns, uint32_t originator,
                                int64_t sequence_id, int64_t expire_at_ns, struct err *err)
{
    struct db_query q;
    int64_t group_n = 0;
    int r;

    db_query(&q, store->db,
             "UPDATE messages SET status = ?2, sent_at_ns = ?3, originator = ?4, sequence_id = ?5,"
             " expire_at_ns = nullif(?6, 0) WHERE id = ?1 RETURNING group_n");
    db_bind_slice(&q, 1, id);
    db_bind_i64(&q, 2, STORE_PUBLISHED);
    db_bind_i64(&q, 3, sent_at_ns);
    db_bind_i64(&q, 4, originator);
    db_bind_i64(&q, 5, sequence_id);
    db_bind_i64(&q, 6, expire_at_ns);
    if ((r = db_step(&q, err)) == DB_ROW)
        group_n = db_col_i64(&q, 0);
    db_end(&q);
    if (r == DB_DONE)
        return err_set(err, ERR_NOTFOUND, "no such message");
    return r < 0 ? r : raise_activity(store, group_n, sent_at_ns, err);
}

int store_message_set_status(struct store *store, struct slice id, enum store_message_status status,
                             struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "UPDATE messages SET status = ?2 WHERE id = ?1");
    db_bind_slice(&q, 1, id);
    db_bind_i64(&q, 2, status);
    return store_run_one(store, &q, "message", err);
}

int store_message_set_shows(struct store *store, struct slice id, enum store_message_shows shows, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "UPDATE messages SET shows = ?2 WHERE id = ?1");
    db_bind_slice(&q, 1, id);
    db_bind_i64(&q, 2, shows);
    return store_run_one(store, &q, "message", err);
}

int store_message_delete(struct store *store, struct slice id, bool *deleted, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db, "DELETE FROM messages WHERE id = ?1");
    db_bind_slice(&q, 1, id);
    if ((r = db_run(&q, err)) == 0 && deleted)
        *deleted = db_changes(store->db) > 0;
    return r;
}

struct expired {
    struct slice id, group_id;
};

static int find_expired(struct store *store, int64_t now_ns, size_t limit, struct store_mem *mem,
                        struct expired *out, size_t *count, struct err *err)
{
    struct db_query q;
    bool ok = true;
    size_t n = 0;
    int r;

    db_query(&q, store->db,
             "SELECT m.id, g.id" STORE_MESSAGE_FROM
             "WHERE m.expire_at_ns <= ?1 ORDER BY m.expire_at_ns LIMIT ?2");
    db_bind_i64(&q, 1, now_ns);
    db_bind_i64(&q, 2, (int64_t)limit);
    while (n < limit && (r = db_step(&q, err)) == DB_ROW) {
        out[n].id = store_row_slice(&q, 0, mem, &ok);
        out[n].group_id = store_row_slice(&q, 1, mem, &ok);
        n++;
    }
    db_end(&q);
    if (n < limit && r < 0)
        return r;
    if (!ok)
        return store_no_memory(err);
    *count = n;
    return 0;
}

int store_messages_expire(struct store *store, int64_t now_ns, size_t limit,
                          int (*fn)(void *ctx, struct slice id, struct slice group_id), void *ctx,
                          struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct expired *found;
    size_t count = 0;
    int r;

    if (!limit)
        return 0;
    if (limit > SIZE_MAX / sizeof *found || !(found = store_mem_alloc(&mem, limit * sizeof *found)))
        return store_no_memory(err);
    r = find_expired(store, now_ns, limit, &mem, found, &count, err);
    for (size_t i = 0; r == 0 && i < count; i++) {
        if (fn && (r = fn(ctx, found[i].id, found[i].group_id)) != 0)
            break;
        r = store_message_delete(store, found[i].id, NULL, err);
    }
    store_mem_free(&mem);
    return r;
}

int store_messages_next_expiry(struct store *store, int64_t *out_ns, struct err *err)
{
    return db_int(store->db,
                  "SELECT coalesce(min(expire_at_ns), 0) FROM messages WHERE expire_at_ns IS NOT NULL",
                  out_ns, err);
}

/* Its newest message in a conversation after *out_ns, if there is one: from the newest back, so that what is older
 * than what is known already is not read. */
static int heard_in(struct store *store, int64_t conversation, struct slice installation_id, int64_t *out_ns,
                    struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "SELECT sent_at_ns FROM messages WHERE conversation = ?1 AND sent_at_ns > ?2"
             " AND sender_installation_id = ?3 ORDER BY sent_at_ns DESC LIMIT 1");
    db_bind_i64(&q, 1, conversation);
    db_bind_i64(&q, 2, *out_ns);
    db_bind_slice(&q, 3, installation_id);
    if ((r = db_step(&q, err)) == DB_ROW)
        *out_ns = db_col_i64(&q, 0);
    db_end(&q);
    return r < 0 ? r : 0;
}

int store_installation_heard(struct store *store, struct slice installation_id, int64_t *out_ns, struct err *err)
{
    int64_t heard = 0;
    struct db_query q;
    int r;

    db_query(&q, store->db, "SELECT conversation FROM groups WHERE type = 3 ORDER BY created_at_ns DESC");
    while ((r = db_step(&q, err)) == DB_ROW &&
           (r = heard_in(store, db_col_i64(&q, 0), installation_id, &heard, err)) == 0)
        ;
    db_end(&q);
    if (r >= 0)
        *out_ns = heard;
    return r < 0 ? r : 0;
}
