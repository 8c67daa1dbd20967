/* Building contents, and the facts about one. */
#include "sync/content.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/hex.h"
#include "sync/encoded.h"
#include "sync/pb.h"

#include <stdio.h>
#include <string.h>

/* Nobody types more; the node takes 25 MiB in all. */
#define TEXT_MAX ((size_t)1 << 20)
#define ATTACHMENT_MAX ((size_t)1 << 20)

/* The classification looks at the type id alone, as libxmtp does. */
static const struct {
    const char *type;
    enum content_kind kind;
    enum store_message_shows shows;
    bool push;
} types[] = {
    {"text", CONTENT_TEXT, STORE_SHOWS_MESSAGE, true},
    {"markdown", CONTENT_MARKDOWN, STORE_SHOWS_MESSAGE, true},
    {"reply", CONTENT_REPLY, STORE_SHOWS_MESSAGE, true},
    {"reaction", CONTENT_REACTION, STORE_SHOWS_NOT, false},
    {"readReceipt", CONTENT_READ_RECEIPT, STORE_SHOWS_NOT, false},
    {"attachment", CONTENT_ATTACHMENT, STORE_SHOWS_MESSAGE, true},
    {"remoteStaticAttachment", CONTENT_REMOTE_ATTACHMENT, STORE_SHOWS_MESSAGE, true},
    {"multiRemoteStaticAttachment", CONTENT_MULTI_REMOTE_ATTACHMENT, STORE_SHOWS_MESSAGE, true},
    {"group_updated", CONTENT_GROUP_UPDATED, STORE_SHOWS_NOTICE, false},
    {"group_membership_change", CONTENT_MEMBERSHIP_CHANGE, STORE_SHOWS_NOTICE, false},
    {"leave_request", CONTENT_LEAVE_REQUEST, STORE_SHOWS_NOT, false},
    {"deleteMessage", CONTENT_DELETE, STORE_SHOWS_NOT, false},
    {"transactionReference", CONTENT_TRANSACTION_REFERENCE, STORE_SHOWS_MESSAGE, true},
    {"walletSendCalls", CONTENT_WALLET_SEND_CALLS, STORE_SHOWS_MESSAGE, true},
    {"actions", CONTENT_ACTIONS, STORE_SHOWS_MESSAGE, true},
    {"intent", CONTENT_INTENT, STORE_SHOWS_MESSAGE, true},
    /* Preference payloads have no business in a conversation. */
    {"application/x-protobuf", CONTENT_UNKNOWN, STORE_SHOWS_NOT, false},
};

static bool reference_of(const struct encoded *e, enum content_kind kind, uint8_t out[32])
{
    struct slice hex = {0};
    struct content_reaction_parts reaction;

    if (kind == CONTENT_REPLY)
        hex = encoded_param(e, "reference");
    else if (kind == CONTENT_DELETE)
        wire_find(e->content, 1, &hex);
    else if (kind == CONTENT_REACTION && content_reaction_of(e, &reaction)) {
        memcpy(out, reaction.reference, 32);
        return true;
    }
    return hex.len == 64 && hex_decode((const char *)hex.data, 64, out, 32);
}

#define NO_FACTS ((struct content_facts){.should_push = true, .shows = STORE_SHOWS_MESSAGE})

void content_facts_of(const struct encoded *e, bool unfolded, struct content_facts *out)
{
    *out = NO_FACTS;
    out->version_major = e->major;
    out->version_minor = e->minor;
    snprintf(out->type, sizeof out->type, "%.*s", e->type.len < 64 ? (int)e->type.len : 63,
             (const char *)e->type.data);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (slice_eq(e->type, slice_str(types[i].type))) {
            out->kind = types[i].kind;
            out->shows = types[i].shows;
            out->should_push = types[i].push;
        }
    if (unfolded)
        out->has_reference = reference_of(e, out->kind, out->reference);
}

void content_facts(struct slice encoded, struct content_facts *out)
{
    struct bytes memory = {0};
    struct encoded e;

    *out = NO_FACTS;
    if (encoded_parse(encoded, &e) != 0)
        return;
    content_facts_of(&e, encoded_unfold(&e, &memory) == 0, out);
    bytes_free(&memory);
}

/* ---- building ---- */

static void begin(struct buf *b, const char *type, uint32_t major)
{
    struct buf id = BUF_INIT;

    pb_put_string(&id, 1, "xmtp.org");
    pb_put_string(&id, 2, type);
    wire_put_u64(&id, 3, major);
    pb_put_part(b, 1, &id);
    buf_free(&id);
}

static int finish(struct buf *b, struct bytes *out, struct err *err)
{
    int r = buf_take(b, out);

    buf_free(b);
    return r == 0 ? 0 : err_set(err, r, "out of memory");
}

static int plain(const char *type, const char *text, struct bytes *out, struct err *err)
{
    struct buf b = BUF_INIT;

    if (strlen(text) > TEXT_MAX)
        return err_set(err, ERR_TOOBIG, "a text of %zu bytes, the limit is %zu", strlen(text), TEXT_MAX);
    begin(&b, type, 1);
    pb_put_map_string(&b, 2, "encoding", "UTF-8");
    wire_put_bytes(&b, 4, slice_str(text));
    return finish(&b, out, err);
}

int content_text(const char *text, struct bytes *out, struct err *err)
{
    return plain("text", text, out, err);
}

int content_markdown(const char *text, struct bytes *out, struct err *err)
{
    return plain("markdown", text, out, err);
}

int content_reply(const uint8_t reference[32], const char *reference_inbox, const char *text, const char *quoted,
                  struct bytes *out, struct err *err)
{
    struct buf b = BUF_INIT, fallback = BUF_INIT;
    struct bytes inner = {0};
    char hex[65];
    int r = content_text(text, &inner, err);

    (void)quoted; /* the fallback speaks of our own text, as libxmtp's does */
    if (r != 0)
        return r;
    hex_encode(reference, 32, hex);
    begin(&b, "reply", 1);
    pb_put_map_string(&b, 2, "reference", hex);
    pb_put_map_string(&b, 2, "contentType", "xmtp.org/text:1.0");
    if (reference_inbox)
        pb_put_map_string(&b, 2, "referenceInboxId", reference_inbox);
    buf_put_str(&fallback, "Replied with \"");
    buf_put_str(&fallback, text);
    buf_put_str(&fallback, "\" to an earlier message");
    pb_put_part(&b, 3, &fallback);
    wire_put_bytes(&b, 4, bytes_slice(&inner));
    bytes_free(&inner);
    buf_free(&fallback);
    return finish(&b, out, err);
}

int content_reaction(const uint8_t reference[32], const char *reference_inbox, const char *emoji, bool removed,
                     struct bytes *out, struct err *err)
{
    struct buf b = BUF_INIT, part = BUF_INIT;
    char hex[65];

    if (strlen(emoji) == 0 || strlen(emoji) >= sizeof((struct content_reaction_parts *)0)->emoji)
        return err_set(err, ERR_INVALID, "a reaction has 1 to 63 bytes, not %zu", strlen(emoji));
    hex_encode(reference, 32, hex);
    begin(&b, "reaction", 2);
    buf_put_str(&part, removed ? "Removed \"" : "Reacted with \"");
    buf_put_str(&part, emoji);
    buf_put_str(&part, removed ? "\" from an earlier message" : "\" to an earlier message");
    pb_put_part(&b, 3, &part);
    pb_put_string(&part, 1, hex);
    pb_put_string(&part, 2, reference_inbox);
    wire_put_u64(&part, 3, removed ? 2 : 1);
    pb_put_string(&part, 4, emoji);
    wire_put_u64(&part, 5, 1); /* unicode */
    pb_put_part(&b, 4, &part);
    buf_free(&part);
    return finish(&b, out, err);
}

int content_read_receipt(struct bytes *out, struct err *err)
{
    struct buf b = BUF_INIT;

    begin(&b, "readReceipt", 1);
    return finish(&b, out, err);
}

int content_attachment(const char *filename, const char *mime_type, struct slice data, struct bytes *out,
                       struct err *err)
{
    struct buf b = BUF_INIT, fallback = BUF_INIT;

    if (data.len > ATTACHMENT_MAX)
        return err_set(err, ERR_TOOBIG, "an attachment of %zu bytes, the limit is %zu", data.len, ATTACHMENT_MAX);
    begin(&b, "attachment", 1);
    if (filename)
        pb_put_map_string(&b, 2, "filename", filename);
    pb_put_map_string(&b, 2, "mimeType", mime_type);
    buf_put_str(&fallback, "Can't display ");
    buf_put_str(&fallback, filename ? filename : "this content");
    buf_put_str(&fallback, ". This app doesn't support attachments.");
    pb_put_part(&b, 3, &fallback);
    wire_put_bytes(&b, 4, data);
    buf_free(&fallback);
    return finish(&b, out, err);
}

int content_delete(const uint8_t reference[32], struct bytes *out, struct err *err)
{
    struct buf b = BUF_INIT, part = BUF_INIT;
    char hex[65];

    hex_encode(reference, 32, hex);
    begin(&b, "deleteMessage", 1);
    pb_put_string(&part, 1, hex);
    pb_put_part(&b, 4, &part);
    buf_free(&part);
    return finish(&b, out, err);
}

int content_leave_request(struct bytes *out, struct err *err)
{
    struct buf b = BUF_INIT;

    begin(&b, "leave_request", 1);
    return finish(&b, out, err);
}

int content_device_sync(struct slice payload, struct bytes *out, struct err *err)
{
    struct buf b = BUF_SECRET;

    begin(&b, "application/x-protobuf", 1);
    wire_put_bytes(&b, 4, payload);
    return finish(&b, out, err);
}

int content_device_sync_payload(struct slice encoded, struct bytes *out, struct err *err)
{
    struct encoded e;
    struct bytes memory = {0};
    struct slice body;
    int r = encoded_parse(encoded, &e);

    if (r == 0)
        r = encoded_body(&e, &memory, &body);
    if (r == 0 && memory.data)
        *out = memory;
    else if (r == 0)
        r = bytes_dup(body, out);
    return r == 0 ? 0 : err_set(err, r, "preference payload: the content does not decode");
}
