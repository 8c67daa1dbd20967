/* Reading many messages: pages of a conversation, those about another, all of them for a search. */
#include "store/messages.h"
#include "store/rows.h"

/* A search holds the WAL no longer than this many rows take. */
#define SCAN_SLICE 256

/* A place in the order of a conversation. */
struct place {
    int64_t sent_at_ns, n;
};

static bool before(struct place a, struct place b)
{
    return a.sent_at_ns != b.sent_at_ns ? a.sent_at_ns < b.sent_at_ns : a.n < b.n;
}

/* The open interval of places that the query asks for. */
static void bounds(const struct store_page_query *query, struct place *low, struct place *high)
{
    const struct place from = {query->from_ns, query->from_n};
    const bool has_from = query->from_ns || query->from_n;

    *low = (struct place){INT64_MIN, INT64_MIN};
    *high = (struct place){INT64_MAX, INT64_MAX};
    if (query->after_ns)
        *low = (struct place){query->after_ns, INT64_MAX};
    if (query->before_ns)
        *high = (struct place){query->before_ns, INT64_MIN};
    if (has_from && query->ascending && before(*low, from))
        *low = from;
    if (has_from && !query->ascending && before(from, *high))
        *high = from;
}

#define PAGE_WHERE                                                                                           \
    "WHERE m.conversation = ?1 AND (m.sent_at_ns, m.n) > (?2, ?3) AND (m.sent_at_ns, m.n) < (?4, ?5)"        \
    " AND m.shows >= ?6 AND (m.expire_at_ns IS NULL OR m.expire_at_ns > ?7)"                                 \
    " AND NOT (?9 AND m.shows = 0 AND m.content_type = 0)"

static const char page_down[] = "SELECT " STORE_MESSAGE_COLUMNS STORE_MESSAGE_FROM PAGE_WHERE
                                " ORDER BY m.sent_at_ns DESC, m.n DESC LIMIT ?8";
static const char page_up[] =
    "SELECT " STORE_MESSAGE_COLUMNS STORE_MESSAGE_FROM PAGE_WHERE " ORDER BY m.sent_at_ns, m.n LIMIT ?8";

static void start_page(struct db_query *q, struct store *store, const struct store_page_query *query)
{
    struct place low, high;

    bounds(query, &low, &high);
    db_query(q, store->db, query->ascending ? page_up : page_down);
    db_bind_i64(q, 1, query->conversation);
    db_bind_i64(q, 2, low.sent_at_ns);
    db_bind_i64(q, 3, low.n);
    db_bind_i64(q, 4, high.sent_at_ns);
    db_bind_i64(q, 5, high.n);
    db_bind_i64(q, 6, query->shows_at_least);
    db_bind_i64(q, 7, query->now_ns ? query->now_ns : INT64_MIN);
    db_bind_i64(q, 8, (int64_t)query->limit);
    db_bind_i64(q, 9, query->no_payloads);
}

int store_messages_page(struct store *store, const struct store_page_query *query, struct store_mem *mem,
                        struct store_message **out, size_t *count, struct err *err)
{
    const size_t limit = query->limit < STORE_PAGE_MAX ? query->limit : STORE_PAGE_MAX;
    struct store_message *rows;
    struct db_query q;
    size_t n = 0;
    int r = DB_DONE;

    if (!(rows = store_mem_alloc(mem, limit * sizeof *rows)))
        return store_no_memory(err);
    start_page(&q, store, query);
    while (n < limit && (r = db_step(&q, err)) == DB_ROW) {
        if ((r = store_message_read(store, &q, 0, true, mem, &rows[n], err)) != 0)
            break;
        n++;
    }
    db_end(&q);
    if (r < 0)
        return r;
    *out = rows;
    *count = n;
    return 0;
}

/* Hands each row of `q` to `fn` and ends the query; *last (may be NULL) is the last row's place. */
static int each(struct store *store, struct db_query *q, const atomic_bool *cancel, bool skip_damaged,
                store_message_fn *fn, void *ctx, struct place *last, size_t *count, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message row;
    int r;

    while ((r = db_step(q, err)) == DB_ROW) {
        store_mem_reset(&mem);
        if (cancel && atomic_load_explicit(cancel, memory_order_relaxed)) {
            r = err_set(err, ERR_CANCELED, "search stopped");
            break;
        }
        if ((r = store_message_read(store, q, 0, true, &mem, &row, err)) != 0)
            break;
        if (last)
            *last = (struct place){row.sent_at_ns, row.n};
        if (count)
            ++*count;
        if (!(row.damaged && skip_damaged) && (r = fn(ctx, &row)) != 0)
            break;
    }
    db_end(q);
    store_mem_free(&mem);
    return r;
}

int store_messages_about(struct store *store, struct slice reference, store_message_fn *fn, void *ctx,
                         struct err *err)
{
    struct db_query q;

    db_query(&q, store->db,
             "SELECT " STORE_MESSAGE_COLUMNS STORE_MESSAGE_FROM
             "WHERE m.reference = ?1 ORDER BY m.sent_at_ns, m.n");
    db_bind_slice(&q, 1, reference);
    return each(store, &q, NULL, true, fn, ctx, NULL, NULL, err);
}

static void start_scan(struct db_query *q, struct store *store, int64_t conversation,
                       enum store_message_shows shows, struct place from)
{
    if (conversation) {
        start_page(q, store,
                   &(struct store_page_query){.conversation = conversation,
                                              .shows_at_least = shows,
                                              .from_ns = from.sent_at_ns,
                                              .from_n = from.n,
                                              .limit = SCAN_SLICE});
        return;
    }
    db_query(q, store->db,
             "SELECT " STORE_MESSAGE_COLUMNS STORE_MESSAGE_FROM
             "WHERE m.n < ?1 AND m.shows >= ?2 ORDER BY m.n DESC LIMIT ?3");
    db_bind_i64(q, 1, from.n ? from.n : INT64_MAX);
    db_bind_i64(q, 2, shows);
    db_bind_i64(q, 3, SCAN_SLICE);
}

int store_messages_scan(struct store *store, int64_t conversation, enum store_message_shows shows_at_least,
                        const atomic_bool *cancel, store_message_fn *fn, void *ctx, struct err *err)
{
    struct place from = {0};
    struct db_query q;
    size_t count;
    int r;

    do {
        count = 0;
        start_scan(&q, store, conversation, shows_at_least, from);
        r = each(store, &q, cancel, true, fn, ctx, &from, &count, err);
    } while (r == 0 && count == SCAN_SLICE);
    return r;
}

int store_messages_count(struct store *store, int64_t conversation, enum store_message_shows shows_at_least,
                         int64_t *out, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db, "SELECT count(*) FROM messages WHERE conversation = ?1 AND shows >= ?2");
    db_bind_i64(&q, 1, conversation);
    db_bind_i64(&q, 2, shows_at_least);
    if ((r = db_step(&q, err)) == DB_ROW)
        *out = db_col_i64(&q, 0);
    db_end(&q);
    return r < 0 ? r : 0;
}

int store_messages_above(struct store *store, struct slice group_id, uint32_t originator, int64_t sequence_id,
                         int (*fn)(void *ctx, int64_t sequence_id), void *ctx, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, store->db,
             "SELECT sequence_id FROM messages WHERE group_n = (SELECT n FROM groups WHERE id = ?1)"
             " AND originator = ?2 AND sequence_id > ?3 ORDER BY sequence_id");
    db_bind_slice(&q, 1, group_id);
    db_bind_i64(&q, 2, originator);
    db_bind_i64(&q, 3, sequence_id);
    while ((r = db_step(&q, err)) == DB_ROW && (r = fn(ctx, db_col_i64(&q, 0))) == 0)
        ;
    db_end(&q);
    return r;
}

int store_messages_receipts(struct store *store, int64_t conversation,
                            int (*fn)(void *ctx, const char *inbox_id, int64_t sent_at_ns), void *ctx,
                            struct err *err)
{
    struct db_query q;
    int r;

    db_query(
        &q, store->db,
        "SELECT sender_inbox_id, max(sent_at_ns) FROM messages WHERE conversation = ?1 AND content_type = 5"
        " GROUP BY sender_inbox_id");
    db_bind_i64(&q, 1, conversation);
    while ((r = db_step(&q, err)) == DB_ROW && (r = fn(ctx, db_col_text(&q, 0), db_col_i64(&q, 1))) == 0)
        ;
    db_end(&q);
    return r;
}
