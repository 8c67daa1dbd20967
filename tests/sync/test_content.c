/* Contents as libxmtp encodes them, and contents that nobody should send. */
#include "tests/test.h"

#include "base/err.h"
#include "base/hex.h"
#include "sync/content.h"
#include "sync/encoded.h"
#include "sync/pb.h"
#include "sync/send.h"
#include "tests/vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

static const char *member(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

/* Type, parameters, fallback and content of ours against what libxmtp made of the same input. */
static void same_content(const struct bytes *ours, const json_t *theirs)
{
    const json_t *type = json_object_get(theirs, "type");
    struct bytes content = vectors_hex(json_object_get(theirs, "content"));
    struct encoded e;
    const char *key;
    json_t *value;

    assert_int_equal(encoded_parse(bytes_slice(ours), &e), 0);
    assert_true(slice_eq(e.authority, slice_str(member(type, "authorityId"))));
    assert_true(slice_eq(e.type, slice_str(member(type, "typeId"))));
    assert_int_equal(e.major, json_integer_value(json_object_get(type, "versionMajor")));
    assert_int_equal(e.minor, json_integer_value(json_object_get(type, "versionMinor")));
    assert_true(slice_eq(e.content, bytes_slice(&content)));
    assert_int_equal(e.n_params, json_object_size(json_object_get(theirs, "parameters")));
    json_object_foreach(json_object_get(theirs, "parameters"), key, value)
        assert_true(slice_eq(encoded_param(&e, key), slice_str(json_string_value(value))));
    assert_int_equal(e.has_fallback, member(theirs, "fallback") != NULL);
    if (e.has_fallback)
        assert_true(slice_eq(e.fallback, slice_str(member(theirs, "fallback"))));
    bytes_free(&content);
}

static bool build(const char *name, const json_t *input, struct bytes *out)
{
    const char *text = member(input, "text");
    uint8_t reference[32];

    if (strcmp(name, "text") == 0)
        return content_text(text, out, NULL) == 0;
    if (strcmp(name, "markdown") == 0)
        return content_markdown(text, out, NULL) == 0;
    if (strcmp(name, "readReceipt") == 0)
        return content_read_receipt(out, NULL) == 0;
    if (strcmp(name, "attachment") == 0) {
        struct bytes data = vectors_hex(json_object_get(input, "content"));
        int r = content_attachment(member(input, "filename"), member(input, "mimeType"), bytes_slice(&data), out, NULL);
        bytes_free(&data);
        return r == 0;
    }
    if (strcmp(name, "reaction") == 0 && json_integer_value(json_object_get(input, "schema")) == 1) {
        assert_true(hex_decode(member(input, "reference"), 64, reference, 32));
        return content_reaction(reference, member(input, "referenceInboxId"), member(input, "content"),
                                json_integer_value(json_object_get(input, "action")) == 2, out, NULL) == 0;
    }
    return false;
}

static void what_we_build_is_what_libxmtp_builds(void **state)
{
    json_t *file = vectors_load("content-types.json"), *row;
    size_t i, built = 0;

    (void)state;
    json_array_foreach(json_object_get(file, "encodings"), i, row) {
        struct bytes ours = {0};
        if (!build(member(row, "name"), json_object_get(row, "input"), &ours))
            continue;
        same_content(&ours, json_object_get(row, "encoded"));
        bytes_free(&ours);
        built++;
    }
    assert_true(built >= 8);
    json_decref(file);
}

/* Every message of the recording: its id from what is in it, its view without an error. */
static void recorded_messages_have_the_ids_that_they_had(void **state)
{
    json_t *file = vectors_load("x25519-welcome.json"), *entry, *conversation, *message;
    size_t i, k, n, seen = 0;

    (void)state;
    json_array_foreach(file, i, entry) {
        json_array_foreach(json_object_get(entry, "conversations"), k, conversation) {
            struct bytes group = vectors_hex(json_object_get(conversation, "groupId"));
            json_array_foreach(json_object_get(conversation, "messages"), n, message) {
                struct content_view view;
                struct bytes content;
                uint8_t id[32];
                char hex[65];
                if (!member(message, "messageId"))
                    continue;
                content = vectors_hex(json_object_get(message, "encodedContent"));
                message_id(group.data, slice_str(member(message, "idempotencyKey")), bytes_slice(&content), id);
                hex_encode(id, 32, hex);
                assert_string_equal(hex, member(message, "messageId"));
                assert_int_equal(content_view(bytes_slice(&content), &view, NULL), 0);
                if (member(message, "text"))
                    assert_string_equal(member(view.content, "text"), member(message, "text"));
                content_view_free(&view);
                bytes_free(&content);
                seen++;
            }
            bytes_free(&group);
        }
    }
    assert_true(seen >= 8);
    json_decref(file);
}

static json_t *view_of(const struct bytes *content)
{
    struct content_view view;
    json_t *j;

    assert_int_equal(content_view(bytes_slice(content), &view, NULL), 0);
    j = json_incref(view.content);
    content_view_free(&view);
    return j;
}

static void a_reply_and_a_reaction_name_their_message(void **state)
{
    uint8_t reference[32];
    char hex[65];
    struct bytes content = {0};
    struct content_facts facts;
    json_t *j;

    (void)state;
    memset(reference, 0xab, 32);
    hex_encode(reference, 32, hex);
    assert_int_equal(content_reply(reference, NULL, "yes", NULL, &content, NULL), 0);
    content_facts(bytes_slice(&content), &facts);
    assert_int_equal(facts.kind, CONTENT_REPLY);
    assert_true(facts.has_reference && facts.should_push);
    assert_memory_equal(facts.reference, reference, 32);
    j = view_of(&content);
    assert_string_equal(member(j, "text"), "yes");
    assert_string_equal(member(j, "reference"), hex);
    json_decref(j);
    bytes_free(&content);
    assert_int_equal(content_reaction(reference, NULL, "👍", true, &content, NULL), 0);
    content_facts(bytes_slice(&content), &facts);
    assert_true(facts.has_reference && !facts.should_push);
    j = view_of(&content);
    assert_string_equal(member(j, "emoji"), "👍");
    assert_string_equal(member(j, "action"), "removed");
    json_decref(j);
    bytes_free(&content);
}

static struct bytes encoded(const char *type, uint32_t major, struct slice body, int compression)
{
    struct buf b = BUF_INIT, part = BUF_INIT;
    struct bytes out = {0};

    pb_put_string(&part, 1, "xmtp.org");
    pb_put_string(&part, 2, type);
    wire_put_u64(&part, 3, major);
    pb_put_part(&b, 1, &part);
    wire_put_bytes(&b, 3, slice_str("fallback"));
    wire_put_bytes(&b, 4, body);
    if (compression >= 0) {
        wire_put_varint(&b, 5 << 3);
        wire_put_varint(&b, (uint64_t)compression);
    }
    assert_int_equal(buf_take(&b, &out), 0);
    buf_free(&part);
    return out;
}

/* Store number, whether it is listed, whether it is pushed; the authority does not count. */
static void every_type_has_its_number_and_its_place(void **state)
{
    static const struct {
        const char *type;
        int kind;
        enum store_message_shows shows;
        bool push;
    } rows[] = {{"somethingNew", 0, STORE_SHOWS_MESSAGE, true},
                {"text", 1, STORE_SHOWS_MESSAGE, true},
                {"group_membership_change", 2, STORE_SHOWS_NOTICE, false},
                {"group_updated", 3, STORE_SHOWS_NOTICE, false},
                {"reaction", 4, STORE_SHOWS_NOT, false},
                {"readReceipt", 5, STORE_SHOWS_NOT, false},
                {"reply", 6, STORE_SHOWS_MESSAGE, true},
                {"attachment", 7, STORE_SHOWS_MESSAGE, true},
                {"remoteStaticAttachment", 8, STORE_SHOWS_MESSAGE, true},
                {"transactionReference", 9, STORE_SHOWS_MESSAGE, true},
                {"walletSendCalls", 10, STORE_SHOWS_MESSAGE, true},
                {"leave_request", 11, STORE_SHOWS_NOT, false},
                {"markdown", 12, STORE_SHOWS_MESSAGE, true},
                {"actions", 13, STORE_SHOWS_MESSAGE, true},
                {"intent", 14, STORE_SHOWS_MESSAGE, true},
                {"multiRemoteStaticAttachment", 15, STORE_SHOWS_MESSAGE, true},
                {"deleteMessage", 16, STORE_SHOWS_NOT, false},
                {"application/x-protobuf", 0, STORE_SHOWS_NOT, false}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes content = encoded(rows[i].type, 1, slice_str("x"), -1);
        struct content_facts facts;

        content_facts(bytes_slice(&content), &facts);
        assert_string_equal(facts.type, rows[i].type);
        if ((int)facts.kind != rows[i].kind || facts.shows != rows[i].shows || facts.should_push != rows[i].push)
            fail_msg("%s: kind %d, shows %d, push %d", rows[i].type, (int)facts.kind, (int)facts.shows,
                     facts.should_push);
        bytes_free(&content);
    }
}

static void the_old_reaction_in_json_is_read(void **state)
{
    static const char body[] = "{\"action\":\"added\",\"content\":\"+1\",\"schema\":\"unicode\",\"reference\":"
                               "\"abababababababababababababababababababababababababababababababab\"}";
    struct bytes content = encoded("reaction", 1, slice_str(body), -1);
    struct content_reaction_parts parts;

    (void)state;
    assert_true(content_read_reaction(bytes_slice(&content), &parts));
    assert_string_equal(parts.emoji, "+1");
    assert_false(parts.removed);
    assert_int_equal(parts.reference[31], 0xab);
    bytes_free(&content);
}

static void what_cannot_be_read_shows_its_fallback(void **state)
{
    struct bytes bad[] = {encoded("reaction", 2, slice_str("\xff"), -1), encoded("reaction", 1, slice_str("{"), -1),
                          encoded("somethingNew", 7, slice_str("x"), -1), encoded("text", 1, slice_str("x"), 9),
                          encoded("text", 1, slice_str("no zlib"), 0)};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        json_t *j = view_of(&bad[i]);
        assert_string_equal(member(j, "fallback"), "fallback");
        json_decref(j);
        bytes_free(&bad[i]);
    }
}

static void bytes_that_are_no_text_become_text(void **state)
{
    struct bytes content = encoded("text", 1, slice_of("a\xff\x00z", 4), -1);
    json_t *j = view_of(&content);

    (void)state;
    assert_string_equal(member(j, "text"), "a\xef\xbf\xbd\xef\xbf\xbdz");
    json_decref(j);
    bytes_free(&content);
}

static struct bytes deflated(const char *text, size_t len)
{
    uLongf n = compressBound(len);
    struct bytes out = {malloc(n), 0};

    assert_int_equal(compress(out.data, &n, (const Bytef *)text, len), Z_OK);
    out.len = n;
    return out;
}

/* A content of this type, compressed. */
static struct bytes folded(const char *type, uint32_t major, struct slice body)
{
    struct bytes packed = deflated((const char *)body.data, body.len);
    struct bytes content = encoded(type, major, bytes_slice(&packed), 0);

    free(packed.data);
    return content;
}

static void what_refers_to_a_message_may_be_compressed(void **state)
{
    static const char v1[] = "{\"action\":\"added\",\"content\":\"+1\",\"schema\":\"unicode\",\"reference\":"
                             "\"abababababababababababababababababababababababababababababababab\"}";
    static const char deletion[] = "\x0a\x40" "abababababababababababababababababababababababababababababababab";
    struct bytes text = folded("text", 1, slice_str("inside")), content;
    struct content_facts facts;
    struct content_reaction_parts parts;
    char *preview;
    json_t *j;

    (void)state;
    content = folded("reaction", 1, slice_str(v1));
    content_facts(bytes_slice(&content), &facts);
    assert_true(facts.has_reference);
    assert_true(content_read_reaction(bytes_slice(&content), &parts));
    assert_string_equal(parts.emoji, "+1");
    j = view_of(&content);
    assert_string_equal(member(j, "emoji"), "+1");
    json_decref(j);
    bytes_free(&content);
    content = folded("deleteMessage", 1, slice_str(deletion));
    content_facts(bytes_slice(&content), &facts);
    assert_true(facts.has_reference);
    bytes_free(&content);
    content = encoded("reply", 1, bytes_slice(&text), -1);
    j = view_of(&content);
    assert_string_equal(member(j, "text"), "inside");
    preview = content_preview(bytes_slice(&content), 100);
    assert_string_equal(preview, "inside");
    free(preview);
    json_decref(j);
    bytes_free(&content);
    bytes_free(&text);
}

static void compressed_text_is_unfolded_and_a_bomb_is_not(void **state)
{
    struct bytes packed = deflated("hello", 5), content = encoded("text", 1, bytes_slice(&packed), 0), bomb;
    char *zeros = calloc(1, 64 << 20);
    json_t *j = view_of(&content);

    (void)state;
    assert_string_equal(member(j, "text"), "hello");
    json_decref(j);
    bytes_free(&content);
    free(packed.data);
    bomb = deflated(zeros, 64 << 20);
    content = encoded("text", 1, bytes_slice(&bomb), 0);
    j = view_of(&content);
    assert_string_equal(member(j, "fallback"), "fallback");
    json_decref(j);
    bytes_free(&content);
    free(bomb.data);
    free(zeros);
}

static void json_that_makes_no_content_is_refused(void **state)
{
    static const char *const bad[] = {"{}",
                                      "{\"type\":\"text\"}",
                                      "{\"type\":\"reply\",\"text\":\"x\"}",
                                      "{\"type\":\"reply\",\"reference\":\"ab\",\"text\":\"x\"}",
                                      "{\"type\":\"encoded\",\"hex\":\"zz\"}",
                                      "{\"type\":\"encoded\",\"hex\":\"ff\"}",
                                      "{\"type\":\"nonsense\",\"text\":\"x\"}"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        json_t *j = json_loads(bad[i], 0, NULL);
        struct bytes out = {0};
        struct err err = {0};
        assert_int_equal(content_from_json(j, NULL, NULL, &out, NULL, &err), ERR_INVALID);
        assert_true(err.text[0] != 0);
        json_decref(j);
    }
}

/* A good content of every kind, cut at every length and with every byte turned: no crash, no error. */
static void damaged_contents_are_shown_somehow(void **state)
{
    json_t *file = vectors_load("content-types.json"), *row;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(file, "encodings"), i, row) {
        struct bytes good = {0};
        if (!build(member(row, "name"), json_object_get(row, "input"), &good))
            continue;
        for (size_t at = 0; at < good.len; at++) {
            struct content_view view;
            struct content_facts facts;
            content_facts(slice_of(good.data, at), &facts);
            assert_int_equal(content_view(slice_of(good.data, at), &view, NULL), 0);
            content_view_free(&view);
            good.data[at] ^= 0x81;
            assert_int_equal(content_view(bytes_slice(&good), &view, NULL), 0);
            content_view_free(&view);
            good.data[at] ^= 0x81;
        }
        bytes_free(&good);
    }
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_we_build_is_what_libxmtp_builds),
        cmocka_unit_test(recorded_messages_have_the_ids_that_they_had),
        cmocka_unit_test(a_reply_and_a_reaction_name_their_message),
        cmocka_unit_test(every_type_has_its_number_and_its_place),
        cmocka_unit_test(the_old_reaction_in_json_is_read),
        cmocka_unit_test(what_cannot_be_read_shows_its_fallback),
        cmocka_unit_test(bytes_that_are_no_text_become_text),
        cmocka_unit_test(what_refers_to_a_message_may_be_compressed),
        cmocka_unit_test(compressed_text_is_unfolded_and_a_bomb_is_not),
        cmocka_unit_test(json_that_makes_no_content_is_refused),
        cmocka_unit_test(damaged_contents_are_shown_somehow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
