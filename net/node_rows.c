#include "net/node_rows.h"

#include "base/err.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/reader.h"
#include "net/node_memory.h"
#include "proto/wire.h"
#include "proto/xmtp_mls_api.pb-c.h"

#include <stdio.h>
#include <string.h>

#define ME "node"
/* A page is asked with limit 100; a node that sends more is odd, one that sends this many hostile. */
#define PAGE_ROWS_MAX 1000
/* Ids and times are signed 64-bit numbers in every store behind the API. */
#define NUMBER_MAX ((uint64_t)INT64_MAX)
#define HMAC_LEN 32

/* RFC 9420 section 6, as far as the content type. */
int node_mls_is_commit(struct slice mls_message)
{
    enum { PUBLIC = 1, PRIVATE = 2, COMMIT = 3 };
    struct reader r = reader_of(mls_message);
    unsigned version = read_u16(&r), wire_format = read_u16(&r), content_type;

    read_vec(&r, SIZE_MAX); /* group_id */
    read_u64(&r);           /* epoch */
    if (wire_format == PUBLIC) {
        unsigned sender = read_u8(&r);

        if (sender == 1 || sender == 2) /* member, external: an index follows */
            read_u32(&r);
        read_vec(&r, SIZE_MAX); /* authenticated_data */
    } else if (wire_format != PRIVATE) {
        return -1;
    }
    content_type = read_u8(&r);
    if (r.bad || version != 1 || content_type < 1 || content_type > 3)
        return -1;
    return content_type == COMMIT;
}

/* The id in a row that is refused otherwise: field 1 of field `version`, where it is no nonsense. */
static uint64_t salvage_id(struct slice row, uint32_t *version)
{
    struct reader r = reader_of(row), inner;
    struct wire_field outer, field;

    while (wire_next(&r, &outer)) {
        if (outer.type != WIRE_LEN || outer.number > 2)
            continue;
        *version = outer.number;
        inner = reader_of(outer.bytes);
        while (wire_next(&inner, &field))
            if (field.number == 1 && field.type == WIRE_VARINT)
                return field.value <= NUMBER_MAX ? field.value : 0;
    }
    return 0;
}

int node_row_group(struct slice row, bool with_data, struct proto_arena *arena, struct node_group_message *out,
                   struct node_cursor *cursor, struct err *err)
{
    Xmtp__Mls__Api__V1__GroupMessage *m = NULL;
    const Xmtp__Mls__Api__V1__GroupMessage__V1 *v1;
    uint32_t version = 0;
    int r, is_commit;

    *cursor = (struct node_cursor){NODE_ORIGINATOR_MESSAGES, salvage_id(row, &version)};
    if ((r = proto_unpack(&xmtp__mls__api__v1__group_message__descriptor, row, arena, &m, err)) != 0)
        return r;
    v1 = m->version_case == XMTP__MLS__API__V1__GROUP_MESSAGE__VERSION_V1 ? m->v1 : NULL;
    if (!v1)
        return err_set(err, ERR_MALFORMED, "a group message of an unknown version");
    if (v1->id == 0 || v1->id > NUMBER_MAX || v1->created_ns > NUMBER_MAX)
        return err_set(err, ERR_MALFORMED, "a group message with an impossible id or time");
    if (v1->group_id.len == 0 || (with_data && v1->data.len == 0))
        return err_set(err, ERR_MALFORMED, "group message %llu without group or data", (unsigned long long)v1->id);
    if (v1->sender_hmac.len != 0 && v1->sender_hmac.len != HMAC_LEN)
        return err_set(err, ERR_MALFORMED, "group message %llu with a sender HMAC of %zu bytes",
                       (unsigned long long)v1->id, v1->sender_hmac.len);
    is_commit = with_data ? node_mls_is_commit(proto_slice(v1->data)) : -1;
    if (is_commit < 0)
        is_commit = v1->is_commit;
    *cursor = (struct node_cursor){is_commit ? NODE_ORIGINATOR_COMMITS : NODE_ORIGINATOR_MESSAGES, v1->id};
    *out = (struct node_group_message){
        .cursor = *cursor,
        .created_ns = v1->created_ns,
        .group_id = proto_slice(v1->group_id),
        .data = proto_slice(v1->data),
        .sender_hmac = proto_slice(v1->sender_hmac),
        .should_push = v1->should_push,
        .is_commit = is_commit,
    };
    return 0;
}

static int check_welcome(const struct node_welcome_message *w, struct err *err)
{
    unsigned long long id = w->cursor.sequence_id;

    if (w->cursor.sequence_id == 0 || w->cursor.sequence_id > NUMBER_MAX || w->created_ns > NUMBER_MAX)
        return err_set(err, ERR_MALFORMED, "a welcome with an impossible id or time");
    if (w->installation_key.len != NODE_KEY_LEN)
        return err_set(err, ERR_MALFORMED, "welcome %llu for a key of %zu bytes", id, w->installation_key.len);
    if (w->data.len == 0)
        return err_set(err, ERR_MALFORMED, "welcome %llu without data", id);
    return 0;
}

int node_row_welcome(struct slice row, struct proto_arena *arena, struct node_welcome_message *out,
                     struct node_cursor *cursor, struct err *err)
{
    Xmtp__Mls__Api__V1__WelcomeMessage *m = NULL;
    struct node_welcome_message w = {0};
    uint32_t version = 0;
    int r;

    *cursor = (struct node_cursor){NODE_ORIGINATOR_WELCOMES, salvage_id(row, &version)};
    if ((r = proto_unpack(&xmtp__mls__api__v1__welcome_message__descriptor, row, arena, &m, err)) != 0)
        return r;
    if (m->version_case == XMTP__MLS__API__V1__WELCOME_MESSAGE__VERSION_V1 && m->v1) {
        const Xmtp__Mls__Api__V1__WelcomeMessage__V1 *v1 = m->v1;

        w = (struct node_welcome_message){
            .cursor = {NODE_ORIGINATOR_WELCOMES, v1->id},
            .created_ns = v1->created_ns,
            .kind = NODE_WELCOME_V1,
            .installation_key = proto_slice(v1->installation_key),
            .data = proto_slice(v1->data),
            .hpke_public_key = proto_slice(v1->hpke_public_key),
            .wrapper_algorithm = (uint32_t)v1->wrapper_algorithm,
            .metadata = proto_slice(v1->welcome_metadata),
        };
    } else if (m->version_case == XMTP__MLS__API__V1__WELCOME_MESSAGE__VERSION_WELCOME_POINTER &&
               m->welcome_pointer) {
        const Xmtp__Mls__Api__V1__WelcomeMessage__WelcomePointer *p = m->welcome_pointer;

        w = (struct node_welcome_message){
            .cursor = {NODE_ORIGINATOR_WELCOMES, p->id},
            .created_ns = p->created_ns,
            .kind = NODE_WELCOME_POINTER,
            .installation_key = proto_slice(p->installation_key),
            .data = proto_slice(p->welcome_pointer),
            .hpke_public_key = proto_slice(p->hpke_public_key),
            .wrapper_algorithm = (uint32_t)p->wrapper_algorithm,
        };
    } else {
        return err_set(err, ERR_MALFORMED, "a welcome of an unknown version");
    }
    if ((r = check_welcome(&w, err)) != 0)
        return r;
    *cursor = w.cursor;
    *out = w;
    return 0;
}

/* ---- pages ---- */

/* Both query answers have the same outside: rows in field 1, paging in field 2. */
struct page_outline {
    size_t rows;
    uint64_t next; /* the node's cursor: 0 when there is no more; a page may be short all the same, for its bytes */
};

static int outline(struct slice body, struct page_outline *out, struct err *err)
{
    struct reader r = reader_of(body), paging;
    struct wire_field field, inner;

    *out = (struct page_outline){0};
    while (wire_next(&r, &field)) {
        if (field.type != WIRE_LEN)
            continue;
        if (field.number == 1) {
            out->rows++;
        } else if (field.number == 2) {
            paging = reader_of(field.bytes);
            while (wire_next(&paging, &inner))
                if (inner.number == 3 && inner.type == WIRE_VARINT)
                    out->next = inner.value;
            if (paging.bad)
                return err_set(err, ERR_MALFORMED, "the node's answer does not parse");
        }
    }
    if (r.bad)
        return err_set(err, ERR_MALFORMED, "the node's answer does not parse");
    if (out->rows > PAGE_ROWS_MAX)
        return err_set(err, ERR_MALFORMED, "the node sends %zu rows where 100 were asked for", out->rows);
    return 0;
}

/* The next row; `r` is at the top level of the answer. */
static bool next_row(struct reader *r, struct slice *row)
{
    struct wire_field field;

    while (wire_next(r, &field)) {
        if (field.number == 1 && field.type == WIRE_LEN) {
            *row = field.bytes;
            return true;
        }
    }
    return false;
}

static void log_skipped(const char *what, struct slice topic, struct node_cursor cursor, const struct err *err)
{
    char hex[2 * NODE_KEY_LEN + 1];

    hex_encode(topic.data, topic.len < NODE_KEY_LEN ? topic.len : NODE_KEY_LEN, hex);
    log_error(ME, "skipping %s %llu of %s: %s", what, (unsigned long long)cursor.sequence_id, hex, err->text);
}

/* Rows ascend from `last` on; a node that repeats itself would make a reader go in circles. */
static int in_order(uint64_t id, uint64_t last, struct slice topic, struct slice asked, struct err *err)
{
    if (!slice_eq(topic, asked))
        return err_set(err, ERR_MALFORMED, "it belongs to something that was not asked for");
    if (id <= last)
        return err_set(err, ERR_MALFORMED, "it comes after %llu", (unsigned long long)last);
    return 0;
}

static void skip(struct node_cursor *skipped, size_t *count, struct node_cursor cursor, uint64_t *last)
{
    if (cursor.sequence_id <= *last)
        return;
    *last = cursor.sequence_id;
    skipped[(*count)++] = cursor;
}

int node_page_group(struct slice body, struct slice group_id, uint64_t after, struct node_group_page *out,
                    struct err *err)
{
    struct node_group_page page = {0};
    struct node_memory *memory = NULL;
    struct page_outline shape;
    struct reader at = reader_of(body);
    struct node_cursor cursor;
    uint64_t last = after;
    struct slice row;
    struct err why;
    int r;

    if ((r = outline(body, &shape, err)) != 0)
        return r;
    memory = node_memory_new();
    if (!memory || !(page.messages = node_memory_array(memory, shape.rows, sizeof *page.messages)) ||
        !(page.skipped = node_memory_array(memory, shape.rows, sizeof *page.skipped))) {
        r = err_set(err, ERR_NOMEM, "no memory for %zu messages", shape.rows);
        goto fail;
    }
    while (next_row(&at, &row)) {
        struct node_group_message *m = &page.messages[page.count];

        r = node_row_group(row, true, &memory->arena, m, &cursor, &why);
        if (r == 0)
            r = in_order(m->cursor.sequence_id, last, m->group_id, group_id, &why);
        if (r == ERR_NOMEM) {
            err_set(err, r, "%s", why.text);
            goto fail;
        }
        if (r == 0) {
            last = m->cursor.sequence_id;
            page.count++;
        } else {
            log_skipped("group message", group_id, cursor, &why);
            skip(page.skipped, &page.skipped_count, cursor, &last);
        }
    }
    page.more = shape.next != 0 && last > after;
    page.memory = memory;
    *out = page;
    return 0;
fail:
    node_memory_free(memory);
    return r;
}

int node_page_welcome(struct slice body, struct slice installation_key, uint64_t after,
                      struct node_welcome_page *out, struct err *err)
{
    struct node_welcome_page page = {0};
    struct node_memory *memory = NULL;
    struct page_outline shape;
    struct reader at = reader_of(body);
    struct node_cursor cursor;
    uint64_t last = after;
    struct slice row;
    struct err why;
    int r;

    if ((r = outline(body, &shape, err)) != 0)
        return r;
    memory = node_memory_new();
    if (!memory || !(page.welcomes = node_memory_array(memory, shape.rows, sizeof *page.welcomes)) ||
        !(page.skipped = node_memory_array(memory, shape.rows, sizeof *page.skipped))) {
        r = err_set(err, ERR_NOMEM, "no memory for %zu welcomes", shape.rows);
        goto fail;
    }
    while (next_row(&at, &row)) {
        struct node_welcome_message *w = &page.welcomes[page.count];

        r = node_row_welcome(row, &memory->arena, w, &cursor, &why);
        if (r == 0)
            r = in_order(w->cursor.sequence_id, last, w->installation_key, installation_key, &why);
        if (r == ERR_NOMEM) {
            err_set(err, r, "%s", why.text);
            goto fail;
        }
        if (r == 0) {
            last = w->cursor.sequence_id;
            page.count++;
        } else {
            log_skipped("welcome", installation_key, cursor, &why);
            skip(page.skipped, &page.skipped_count, cursor, &last);
        }
    }
    page.more = shape.next != 0 && last > after;
    page.memory = memory;
    *out = page;
    return 0;
fail:
    node_memory_free(memory);
    return r;
}
