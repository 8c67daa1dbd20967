/* The chat list, read markers and drafts. */
#include "store/groups.h"

#include "store/rows.h"

/* The last message and the unread count come from the index messages_order alone.  The entity of a group's
 * consent record is its id in lower-case hex. */
#define SELECT_LINE                                                                                          \
    "SELECT " STORE_GROUP_COLUMNS ", " STORE_LAST_COLUMNS                                                    \
    ", t.name, t.description, t.image_url, t.app_data,"                                                      \
    " coalesce(k.state, 0) AS consent, coalesce(p.state, 0) AS peer_consent,"                                \
    " EXISTS (SELECT 1 FROM groups h WHERE h.conversation = g.conversation AND h.n <> g.n AND h.membership " \
    "<> 4"                                                                                                   \
    "  AND (h.last_message_ns, h.id) > (g.last_message_ns, g.id)) AS duplicate,"                             \
    " coalesce(m.sent_at_ns, g.created_at_ns) AS active_at_ns,"                                              \
    " CASE WHEN ?8 THEN 0 ELSE (SELECT count(*) FROM (SELECT 1 FROM messages u"                              \
    "  WHERE u.conversation = g.conversation AND u.sent_at_ns > c.read_up_to_ns AND u.shows = 2 AND u.own "  \
    "= 0"                                                                                                    \
    "  LIMIT 1000)) END,"                                                                                    \
    " c.read_up_to_ns, c.muted_until_ns, c.notify, c.draft IS NOT NULL"                                      \
    " FROM groups g JOIN conversations c ON c.n = g.conversation"                                            \
    " LEFT JOIN group_texts t ON t.group_n = g.n"                                                            \
    " LEFT JOIN consents k ON k.type = 1 AND k.entity = lower(hex(g.id))"                                    \
    " LEFT JOIN consents p ON p.type = 2 AND p.entity = g.peer_inbox_id"                                     \
    " LEFT JOIN messages m ON m.n = (SELECT x.n FROM messages x WHERE x.conversation = g.conversation AND "  \
    "x.shows >= 2"                                                                                           \
    "  ORDER BY x.sent_at_ns DESC, x.n DESC LIMIT 1)"                                                        \
    " LEFT JOIN groups mg ON mg.n = m.group_n "

/* STORE_MESSAGE_COLUMNS with the message's group by another name: g is the line's. */
#define STORE_LAST_COLUMNS                                                                                   \
    "m.n, m.conversation, m.id, mg.id, m.sender_inbox_id, m.sender_installation_id, m.sent_at_ns, "          \
    "m.inserted_at_ns,"                                                                                      \
    " m.kind, m.status, m.content_type, m.shows, m.own, m.should_push, m.body, m.reference, m.originator,"   \
    " m.sequence_id, m.expire_at_ns, m.idempotency_key"

_Static_assert(STORE_UNREAD_MAX == 1000, "the LIMIT in SELECT_LINE");

static int read_line(struct store *store, const struct db_query *q, bool bare, struct store_mem *mem,
                     struct store_conversation *out, struct err *err)
{
    struct store_conversation line = {0};
    int at = STORE_GROUP_COLUMN_COUNT + STORE_MESSAGE_COLUMN_COUNT;
    int r;

    if ((r = store_group_read(q, mem, &line.group, err)) != 0)
        return r;
    line.has_last = !bare && !db_col_null(q, STORE_GROUP_COLUMN_COUNT);
    if (line.has_last &&
        (r = store_message_read(store, q, STORE_GROUP_COLUMN_COUNT, true, mem, &line.last, err)) != 0)
        return r;
    if (!bare && (r = store_group_texts_read(store, q, at, line.group.id, mem, &line.texts, err)) != 0)
        return r;
    line.consent = (int)db_col_i64(q, at + 4);
    line.peer_consent = (int)db_col_i64(q, at + 5);
    line.duplicate = db_col_i64(q, at + 6) != 0;
    line.active_at_ns = db_col_i64(q, at + 7);
    line.unread = db_col_i64(q, at + 8);
    line.read_up_to_ns = db_col_i64(q, at + 9);
    line.muted_until_ns = db_col_i64(q, at + 10);
    line.notify = (int)db_col_i64(q, at + 11);
    line.has_draft = db_col_i64(q, at + 12) != 0;
    *out = line;
    return 0;
}

int store_conversations_each(struct store *store, const struct store_conversations_query *query,
                             int (*fn)(void *ctx, const struct store_conversation *row), void *ctx,
                             struct err *err)
{
    const unsigned shown = STORE_TYPE_BIT(STORE_GROUP) | STORE_TYPE_BIT(STORE_DM);
    struct store_mem mem = STORE_MEM_INIT;
    struct store_conversation line;
    struct db_query q;
    int r;

    db_query(&q, store->db,
             SELECT_LINE "WHERE (?1 >> g.type) & 1 AND (?2 >> consent) & 1 AND (?3 OR NOT duplicate)"
                         " AND NOT (?4 AND g.type = 2 AND consent = 0 AND peer_consent = 2)"
                         " AND active_at_ns > ?5 AND active_at_ns < ?6"
                         " ORDER BY active_at_ns DESC, g.n DESC LIMIT ?7");
    db_bind_i64(&q, 1, query->types ? query->types & shown : shown);
    db_bind_i64(&q, 2, query->consent_states ? query->consent_states : UINT32_MAX);
    db_bind_i64(&q, 3, query->duplicates);
    db_bind_i64(&q, 4, query->hide_denied_peers);
    db_bind_i64(&q, 5, query->active_after_ns ? query->active_after_ns : INT64_MIN);
    db_bind_i64(&q, 6, query->active_before_ns ? query->active_before_ns : INT64_MAX);
    db_bind_i64(&q, 7, query->limit ? query->limit : -1);
    db_bind_i64(&q, 8, query->bare);
    while ((r = db_step(&q, err)) == DB_ROW) {
        store_mem_reset(&mem);
        if ((r = read_line(store, &q, query->bare, &mem, &line, err)) != 0 || (r = fn(ctx, &line)) != 0)
            break;
    }
    db_end(&q);
    store_mem_free(&mem);
    return r;
}

int store_conversation_get(struct store *store, struct slice group_id, struct store_mem *mem,
                           struct store_conversation *out, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db, SELECT_LINE "WHERE g.id = ?1");
    db_bind_slice(&q, 1, group_id);
    r = db_step(&q, err);
    if (r == DB_ROW)
        r = read_line(store, &q, false, mem, out, err);
    else if (r == DB_DONE)
        r = err_set(err, ERR_NOTFOUND, "no such conversation");
    db_end(&q);
    return r;
}

static int unread(struct store *store, int64_t conversation, int64_t *out, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "SELECT count(*) FROM (SELECT 1 FROM messages u JOIN conversations c ON c.n = u.conversation"
             " WHERE u.conversation = ?1 AND u.sent_at_ns > c.read_up_to_ns AND u.shows = 2 AND u.own = 0 "
             "LIMIT ?2)");
    db_bind_i64(&q, 1, conversation);
    db_bind_i64(&q, 2, STORE_UNREAD_MAX);
    if ((r = db_step(&q, err)) == DB_ROW)
        *out = db_col_i64(&q, 0);
    db_end(&q);
    return r < 0 ? r : 0;
}

int store_conversation_mark_read(struct store *store, int64_t conversation, int64_t up_to_ns, int64_t *left,
                                 struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db, "UPDATE conversations SET read_up_to_ns = max(read_up_to_ns, ?2) WHERE n = ?1");
    db_bind_i64(&q, 1, conversation);
    db_bind_i64(&q, 2, up_to_ns);
    r = store_run_one(store, &q, "conversation", err);
    return r == 0 && left ? unread(store, conversation, left, err) : r;
}

int store_conversation_set_muted(struct store *store, int64_t conversation, int64_t until_ns, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "UPDATE conversations SET muted_until_ns = ?2 WHERE n = ?1");
    db_bind_i64(&q, 1, conversation);
    db_bind_i64(&q, 2, until_ns);
    return store_run_one(store, &q, "conversation", err);
}

int store_conversation_set_notify(struct store *store, int64_t conversation, int notify, struct err *err)
{
    struct db_query q;

    db_query(&q, store->db, "UPDATE conversations SET notify = ?2 WHERE n = ?1");
    db_bind_i64(&q, 1, conversation);
    db_bind_i64(&q, 2, notify);
    return store_run_one(store, &q, "conversation", err);
}

int store_draft_put(struct store *store, int64_t conversation, struct slice text, struct err *err)
{
    const struct slice draft = text.len ? text : (struct slice){0};
    struct seal_row space;
    struct db_query q;
    int r;

    db_query(&q, store->db, "UPDATE conversations SET draft = ?2 WHERE n = ?1");
    db_bind_i64(&q, 1, conversation);
    r = store_row_seal_or_null(store, &q, 2, SEALED_DRAFT, seal_row_of(conversation, &space), draft, err);
    if (r == 0)
        r = store_run_one(store, &q, "conversation", err);
    db_end(&q);
    return r;
}

int store_draft_get(struct store *store, int64_t conversation, struct store_mem *mem, struct slice *out,
                    struct err *err)
{
    struct seal_row space;
    struct db_query q;
    int r;

    db_query(&q, store->db, "SELECT draft FROM conversations WHERE n = ?1 AND draft IS NOT NULL");
    db_bind_i64(&q, 1, conversation);
    r = db_step(&q, err);
    if (r == DB_ROW)
        r = store_row_open(store, &q, 0, SEALED_DRAFT, seal_row_of(conversation, &space), mem, out, err);
    else if (r == DB_DONE)
        r = err_set(err, ERR_NOTFOUND, "no draft");
    db_end(&q);
    return r;
}
