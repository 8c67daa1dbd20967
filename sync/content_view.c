/* Contents as JSON, both ways (doc/rpc.md). */
#include "sync/content.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/i18n.h"
#include "base/utf8.h"
#include "proto/wire.h"
#include "sync/encoded.h"

#include <stdio.h>
#include <string.h>

/* ---- text from outside ---- */

/* A copy with every byte that is no UTF-8, and NUL, replaced by U+FFFD; at most about `max` bytes. */
static void put_clean(struct buf *out, struct slice text, size_t max)
{
    for (size_t i = 0; i < text.len && out->len < max;) {
        size_t n = text.data[i] == 0 ? 0 : utf8_first(slice_of(text.data + i, text.len - i));
        if (n == 0)
            buf_put_str(out, "\xef\xbf\xbd");
        else
            buf_put(out, text.data + i, n);
        i += n ? n : 1;
    }
}

json_t *content_clean_json(struct slice text)
{
    json_t *j = memchr(text.data ? (const void *)text.data : "", 0, text.len) ? NULL
                : json_stringn(text.data ? (const char *)text.data : "", text.len);
    struct buf b = BUF_INIT;

    if (j)
        return j;
    put_clean(&b, text, SIZE_MAX);
    if (buf_ok(&b))
        j = json_stringn(b.data ? (const char *)b.data : "", b.len);
    buf_free(&b);
    return j;
}

char *content_preview(struct slice encoded, size_t max)
{
    struct encoded e, inner;
    struct bytes memory = {0}, inner_memory = {0};
    struct slice body, text = {0};
    struct buf b = BUF_INIT;
    char *copy = NULL;

    if (encoded_parse(encoded, &e) != 0 || encoded_body(&e, &memory, &body) != 0)
        goto done;
    if (slice_eq(e.type, slice_str("text")) || slice_eq(e.type, slice_str("markdown")))
        text = body;
    else if (slice_eq(e.type, slice_str("reply")) && encoded_parse(body, &inner) == 0 &&
             encoded_unfold(&inner, &inner_memory) == 0)
        text = inner.content;
    else if (e.has_fallback)
        text = e.fallback;
    put_clean(&b, text, max);
    if (b.len > 0 && buf_ok(&b))
        copy = xm_strndup((const char *)b.data, b.len);
done:
    bytes_free(&memory);
    bytes_free(&inner_memory);
    buf_free(&b);
    return copy;
}

/* ---- reactions ---- */

/* A reaction is one flat object of five short strings.  A deep one would use up the parser's stack. */
static bool is_plain_json(struct slice s)
{
    size_t brackets = 0;

    for (size_t i = 0; i < s.len; i++)
        brackets += s.data[i] == '[' || s.data[i] == '{';
    return s.len <= 4096 && brackets <= 8;
}

static bool reaction_v1(const struct encoded *e, struct content_reaction_parts *out)
{
    bool plain = e->content.len > 0 && is_plain_json(e->content);
    json_t *j = plain ? json_loadb((const char *)e->content.data, e->content.len, 0, NULL) : NULL;
    const char *reference = json_string_value(json_object_get(j, "reference"));
    const char *action = json_string_value(json_object_get(j, "action"));
    const char *emoji = json_string_value(json_object_get(j, "content"));
    bool ok = reference && action && emoji && strlen(reference) == 64 && strlen(emoji) < sizeof out->emoji &&
              hex_decode(reference, 64, out->reference, 32);

    if (ok) {
        out->removed = strcmp(action, "removed") == 0;
        strcpy(out->emoji, emoji);
    }
    json_decref(j);
    return ok;
}

static bool reaction_v2(const struct encoded *e, struct content_reaction_parts *out)
{
    struct reader r = reader_of(e->content);
    struct wire_field f;
    struct slice reference = {0}, emoji = {0};
    struct buf clean = BUF_INIT;

    out->removed = false;
    while (wire_next(&r, &f)) {
        if (f.number == 1 && f.type == WIRE_LEN)
            reference = f.bytes;
        else if (f.number == 3 && f.type == WIRE_VARINT)
            out->removed = f.value == 2;
        else if (f.number == 4 && f.type == WIRE_LEN)
            emoji = f.bytes;
    }
    if (r.bad || reference.len != 64 || emoji.len == 0 || emoji.len >= sizeof out->emoji ||
        !hex_decode((const char *)reference.data, 64, out->reference, 32))
        return false;
    put_clean(&clean, emoji, SIZE_MAX);
    snprintf(out->emoji, sizeof out->emoji, "%.*s", (int)clean.len, (const char *)clean.data);
    buf_free(&clean);
    return true;
}

bool content_reaction_of(const struct encoded *e, struct content_reaction_parts *out)
{
    return e->major >= 2 ? reaction_v2(e, out) : reaction_v1(e, out);
}

bool content_read_reaction(struct slice encoded, struct content_reaction_parts *out)
{
    struct bytes memory = {0};
    struct encoded e;
    bool ok = encoded_parse(encoded, &e) == 0 && slice_eq(e.type, slice_str("reaction")) &&
              encoded_unfold(&e, &memory) == 0 && content_reaction_of(&e, out);

    bytes_free(&memory);
    return ok;
}

/* ---- content -> JSON ---- */

static json_t *hex_json(const uint8_t id[32])
{
    char hex[65];

    hex_encode(id, 32, hex);
    return json_string(hex);
}

static json_t *fallback_json(const struct encoded *e)
{
    if (e->has_fallback && e->fallback.len > 0)
        return content_clean_json(e->fallback);
    return json_null();
}

static json_t *view_reply(const struct encoded *e, struct slice body)
{
    struct bytes memory = {0};
    struct encoded inner;
    json_t *j = json_object();

    if (encoded_parse(body, &inner) == 0 && encoded_unfold(&inner, &memory) == 0 && inner.content.len > 0 &&
        (slice_eq(inner.type, slice_str("text")) || slice_eq(inner.type, slice_str("markdown"))))
        json_object_set_new(j, "text", content_clean_json(inner.content));
    else if (inner.has_fallback && inner.fallback.len > 0)
        json_object_set_new(j, "text", content_clean_json(inner.fallback));
    else
        json_object_set_new(j, "text", content_clean_json(e->fallback));
    json_object_set_new(j, "reference", content_clean_json(encoded_param(e, "reference")));
    bytes_free(&memory);
    return j;
}

static json_t *view_reaction(const struct encoded *e)
{
    struct content_reaction_parts parts;
    json_t *j;

    if (!content_reaction_of(e, &parts))
        return NULL;
    j = json_object();
    json_object_set_new(j, "emoji", json_string(parts.emoji));
    json_object_set_new(j, "reference", hex_json(parts.reference));
    json_object_set_new(j, "action", json_string(parts.removed ? "removed" : "added"));
    return j;
}

static void append_inbox(json_t *list, struct slice inbox)
{
    struct slice id = {0};

    wire_find(inbox, 1, &id);
    json_array_append_new(list, content_clean_json(id));
}

static json_t *view_field_change(struct slice change)
{
    struct slice s;
    json_t *j = json_object();

    json_object_set_new(j, "field", wire_find(change, 1, &s) ? content_clean_json(s) : json_string(""));
    json_object_set_new(j, "old", wire_find(change, 2, &s) ? content_clean_json(s) : json_null());
    json_object_set_new(j, "new", wire_find(change, 3, &s) ? content_clean_json(s) : json_null());
    return j;
}

static json_t *view_group_updated(struct slice body)
{
    static const struct {
        uint32_t field;
        const char *name;
    } lists[] = {{2, "addedInboxes"},    {3, "removedInboxes"},    {4, "metadataChanges"},
                 {5, "leftInboxes"},     {6, "addedAdmins"},       {7, "removedAdmins"},
                 {8, "addedSuperAdmins"}, {9, "removedSuperAdmins"}};
    struct reader r = reader_of(body);
    struct wire_field f;
    json_t *j = json_object();

    json_object_set_new(j, "initiatedBy", json_string(""));
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        json_object_set_new(j, lists[i].name, json_array());
    while (wire_next(&r, &f)) {
        if (f.type != WIRE_LEN)
            continue;
        if (f.number == 1)
            json_object_set_new(j, "initiatedBy", content_clean_json(f.bytes));
        for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
            if (f.number == lists[i].field && f.number == 4)
                json_array_append_new(json_object_get(j, lists[i].name), view_field_change(f.bytes));
            else if (f.number == lists[i].field)
                append_inbox(json_object_get(j, lists[i].name), f.bytes);
    }
    return j;
}

/* Some parameters by their own names, and the size of what is inside. */
static json_t *view_attachment(const struct encoded *e, struct slice body, bool remote)
{
    static const char *const shown[] = {"filename", "mimeType", "contentLength"};
    json_t *j = json_object();

    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        struct slice value = encoded_param(e, shown[i]);
        if (value.data)
            json_object_set_new(j, shown[i], content_clean_json(value));
    }
    if (remote)
        json_object_set_new(j, "url", content_clean_json(body));
    else
        json_object_set_new(j, "size", json_integer((json_int_t)body.len));
    json_object_set_new(j, "fallback", fallback_json(e));
    return j;
}

static json_t *view_body(const struct encoded *e, enum content_kind kind, struct slice body)
{
    json_t *j;

    switch (kind) {
    case CONTENT_TEXT:
    case CONTENT_MARKDOWN:
        j = json_object();
        json_object_set_new(j, "text", content_clean_json(body));
        return j;
    case CONTENT_REPLY:
        return view_reply(e, body);
    case CONTENT_REACTION:
        return view_reaction(e);
    case CONTENT_GROUP_UPDATED:
        return view_group_updated(body);
    case CONTENT_ATTACHMENT:
    case CONTENT_REMOTE_ATTACHMENT:
        return view_attachment(e, body, kind == CONTENT_REMOTE_ATTACHMENT);
    default:
        return NULL;
    }
}

int content_view(struct slice encoded, struct content_view *out, struct err *err)
{
    struct content_view view = {0};
    struct content_facts facts = {0};
    struct bytes memory = {0};
    struct buf type = BUF_INIT;
    struct encoded e;
    int r;

    if ((r = encoded_parse(encoded, &e)) == 0) {
        r = encoded_unfold(&e, &memory);
        content_facts_of(&e, r == 0, &facts);
    }
    view.kind = facts.kind;
    put_clean(&type, e.authority, 128);
    buf_put_u8(&type, '/');
    put_clean(&type, e.type, 256);
    buf_printf(&type, ":%u.%u", e.major, e.minor);
    view.content_type = json_stringn((const char *)type.data, type.len);
    view.fallback = fallback_json(&e);
    if (r == 0)
        view.content = view_body(&e, facts.kind, e.content);
    if (!view.content) {
        view.content = json_object();
        json_object_set(view.content, "fallback", view.fallback);
    }
    view.reference = facts.has_reference ? hex_json(facts.reference) : json_null();
    bytes_free(&memory);
    if (!buf_ok(&type) || !view.content_type || !view.fallback || !view.content || !view.reference) {
        buf_free(&type);
        content_view_free(&view);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    buf_free(&type);
    *out = view;
    return 0;
}

void content_view_free(struct content_view *view)
{
    json_decref(view->content_type);
    json_decref(view->content);
    json_decref(view->fallback);
    json_decref(view->reference);
    *view = (struct content_view){0};
}

/* ---- JSON -> content ---- */

static const char *text_of(const json_t *content, const char *key)
{
    return json_string_value(json_object_get(content, key));
}

static int reference_param(const json_t *content, uint8_t out[32], struct err *err)
{
    const char *hex = text_of(content, "reference");

    if (!hex || strlen(hex) != 64 || !hex_decode(hex, 64, out, 32))
        return err_set(err, ERR_INVALID, "%s", _("reference must be a message id: 64 hex digits"));
    return 0;
}

static int hex_param(const json_t *content, const char *key, struct bytes *out, struct err *err)
{
    const char *hex = text_of(content, key);

    if (!hex || hex_parse(hex, out) != 0)
        return err_set(err, ERR_INVALID, _("%s must be bytes in hex"), key);
    return 0;
}

static int from_attachment(const json_t *content, struct bytes *out, struct err *err)
{
    const char *mime = text_of(content, "mimeType");
    struct bytes data = {0};
    int r = hex_param(content, "data", &data, err);

    if (r == 0)
        r = content_attachment(text_of(content, "filename"), mime ? mime : "application/octet-stream",
                               bytes_slice(&data), out, err);
    bytes_free(&data);
    return r;
}

static int from_encoded(const json_t *content, struct bytes *out, struct err *err)
{
    struct encoded e;
    int r = hex_param(content, "hex", out, err);

    if (r == 0 && encoded_parse(bytes_slice(out), &e) != 0) {
        bytes_free(out);
        return err_set(err, ERR_INVALID, "%s", _("hex is no serialised EncodedContent"));
    }
    return r;
}

static int from_type(const json_t *content, const char *type, const char *reference_inbox, const char *quoted,
                     struct bytes *out, struct err *err)
{
    const char *text = text_of(content, "text");
    const char *action = text_of(content, "action");
    uint8_t reference[32];
    int r;

    if (strcmp(type, "readReceipt") == 0)
        return content_read_receipt(out, err);
    if (strcmp(type, "attachment") == 0)
        return from_attachment(content, out, err);
    if (strcmp(type, "encoded") == 0)
        return from_encoded(content, out, err);
    if (strcmp(type, "text") == 0 || strcmp(type, "markdown") == 0) {
        if (!text)
            return err_set(err, ERR_INVALID, "%s", _("text is missing"));
        return type[0] == 't' ? content_text(text, out, err) : content_markdown(text, out, err);
    }
    if ((r = reference_param(content, reference, err)) != 0)
        return r;
    if (strcmp(type, "delete") == 0)
        return content_delete(reference, out, err);
    if (strcmp(type, "reply") == 0)
        return text ? content_reply(reference, reference_inbox, text, quoted, out, err)
                    : err_set(err, ERR_INVALID, "%s", _("text is missing"));
    if (!text_of(content, "emoji"))
        return err_set(err, ERR_INVALID, "%s", _("emoji is missing"));
    if (action && strcmp(action, "added") != 0 && strcmp(action, "removed") != 0)
        return err_set(err, ERR_INVALID, "%s", _("\"action\" is added or removed"));
    return content_reaction(reference, reference_inbox, text_of(content, "emoji"),
                            action && strcmp(action, "removed") == 0, out, err);
}

int content_from_json(const json_t *content, const char *reference_inbox, const char *quoted, struct bytes *out,
                      enum content_kind *kind, struct err *err)
{
    static const char *const known[] = {"text",   "markdown",   "reply",  "reaction",
                                        "delete", "attachment", "encoded", "readReceipt"};
    const char *type = text_of(content, "type");
    struct content_facts facts;
    bool found = false;
    int r;

    for (size_t i = 0; type && i < sizeof known / sizeof known[0]; i++)
        found |= strcmp(type, known[i]) == 0;
    if (!found)
        return err_set(err, ERR_INVALID, _("content of unknown type %.40s"), type ? type : "(none)");
    if ((r = from_type(content, type, reference_inbox, quoted, out, err)) != 0)
        return r;
    content_facts(bytes_slice(out), &facts);
    if (kind)
        *kind = facts.kind;
    return 0;
}
