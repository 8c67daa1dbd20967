/* The client data of passkeys, as serde_json takes them into a struct of two strings: each case was decided by
 * reading its source (1.0, src/de.rs and src/read.rs). */
#include "tests/test.h"

#include "base/alloc.h"
#include "base/err.h"
#include "identity/client_data.h"

#include <stdlib.h>

#define REST "\"challenge\":\"c\",\"origin\":\"o\"}"

static int read_all(struct slice json, struct buf *challenge)
{
    *challenge = BUF_INIT;
    return client_data_challenge(json, challenge);
}

static void what_stands_beside_does_not_matter(void **state)
{
    static const char *const good[] = {
        "{" REST,
        " \t\r\n{ " REST " \n",
        "[\"o\",\"c\"]",
        "[ \"o\" , \"c\" ] ",
        "{\"origin\":\"\",\"challenge\":\"c\"}",
        "{\"challenge\":\"c\",\"origin\":\"o\",\"type\":\"webauthn.get\",\"crossOrigin\":false}",
        "{\"x\":1,\"x\":2," REST, /* twice, but nobody asks for it */
        "{\"x\":null,\"y\":true,\"z\":[]," REST,
        "{\"x\":[[1,2],{\"origin\":1,\"challenge\":2},[]],\"\":{}," REST,
        "{\"x\":{\"a\":{\"b\":[{}]}} ," REST,
        "{\"x\":-0,\"y\":1e999999,\"z\":-12.50E-3,\"w\":123456789012345678901234567890," REST,
        "{\"x\":\"\\u0000\\ud800\\udfff\\n\\/\"," REST, /* halves of pairs, in what is passed over */
        "{\"x\":\"\xff\xfe\"," REST,                     /* and bytes that are no UTF-8 */
        "{\"\\u006frigin\":\"o\",\"c\\u0068allenge\":\"\\u0063\"}",
        "{\"origin\":\"\\ud83d\\ude00\\u0000\",\"challenge\":\"c\"}",
        "{\"origin\":\"\xf0\x9f\x98\x80\\\\\\\"\\b\\f\\r\\t\",\"challenge\":\"c\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct buf challenge;

        if (read_all(slice_str(good[i]), &challenge) != 0)
            fail_msg("%s", good[i]);
        assert_true(slice_eq(buf_slice(&challenge), slice_str("c")));
        buf_free(&challenge);
    }
}

static void what_is_no_client_data_is_refused(void **state)
{
    static const char *const bad[] = {
        "", " ", "c", "\"c\"", "1", "null", "[]", "{}", "[\"o\"]", "[\"o\",\"c\",\"x\"]", "[\"o\",\"c\",]", "[,\"o\",\"c\"]",
        "[\"o\" \"c\"]", "[1,\"c\"]", "[\"o\",1]", "[\"o\",\"c\"", "[\"o\",\"c\"}", "{" REST "x", "{" REST "{" REST,
        "{\"origin\":\"o\"}", "{\"challenge\":\"c\"}", "{\"origin\":1,\"challenge\":\"c\"}",
        "{\"origin\":\"o\",\"challenge\":null}", "{\"origin\":\"o\",\"challenge\":[\"c\"]}",
        "{\"challenge\":\"c\"," REST, "{\"origin\":\"o\"," REST, /* twice what is asked for */
        "{\"challenge\":\"c\",\"origin\":\"o\",}", "{,\"challenge\":\"c\",\"origin\":\"o\"}",
        "{\"challenge\":\"c\" \"origin\":\"o\"}", "{\"challenge\" \"c\",\"origin\":\"o\"}", "{challenge:\"c\",\"origin\":\"o\"}",
        "{'challenge':\"c\",\"origin\":\"o\"}", "\xef\xbb\xbf{" REST,
        "{\"x\":," REST, "{\"x\":[1,]," REST, "{\"x\":[,1]," REST, "{\"x\":[1 2]," REST, "{\"x\":[1}," REST, "{\"x\":{1:2}," REST,
        "{\"x\":{\"a\"}," REST, "{\"x\":{\"a\":1,}," REST, "{\"x\":{\"a\" 1}," REST, "{\"x\":{\"a\":1]," REST,
        "{\"x\":01," REST, "{\"x\":-," REST, "{\"x\":+1," REST, "{\"x\":1.," REST, "{\"x\":.5," REST, "{\"x\":1e," REST,
        "{\"x\":1e+," REST, "{\"x\":nul," REST, "{\"x\":nulll," REST, "{\"x\":True," REST, "{\"x\":NaN," REST,
        "{\"x\":\"\n\"," REST, "{\"x\":\"\\x\"," REST, "{\"x\":\"\\u12\"," REST, "{\"x\":\"\\u12g4\"," REST,
        "{\"x\":\"\\\"," REST,
        "{\"origin\":\"\\ud800\",\"challenge\":\"c\"}", "{\"origin\":\"\\ud800x\",\"challenge\":\"c\"}",
        "{\"origin\":\"\\ud800\\n\",\"challenge\":\"c\"}", "{\"origin\":\"\\ud800\\u0041\",\"challenge\":\"c\"}",
        "{\"origin\":\"\\ud800\\ue000\",\"challenge\":\"c\"}", "{\"origin\":\"\\udc00\",\"challenge\":\"c\"}",
        "{\"origin\":\"\xff\",\"challenge\":\"c\"}", "{\"\xff\":1," REST, "{\"\\ud800\":1," REST,
        "{\"origin\":\"o\x1f\",\"challenge\":\"c\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf challenge;

        if (read_all(slice_str(bad[i]), &challenge) != ERR_MALFORMED)
            fail_msg("%s", bad[i]);
        buf_free(&challenge);
    }
}

static void code_points_are_utf8(void **state)
{
    static const char json[] = "[\"\",\"\\u0041\\u00e9\\u20AC\\ud83D\\uDE00\\u0000\\u007f\\u0080\\u07ff\\u0800\\uffff\\udbff\\udfff\"]";
    static const char utf8[] = "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\0\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"
                               "\xf4\x8f\xbf\xbf";
    struct buf challenge;

    (void)state;
    assert_int_equal(read_all(slice_str(json), &challenge), 0);
    assert_true(slice_eq(buf_slice(&challenge), slice_of(utf8, sizeof utf8 - 1)));
    buf_free(&challenge);
}

static void client_data_cut_at_any_length_are_refused(void **state)
{
    static const char json[] = "{\"x\":[{\"a\":-1.5e+3,\"b\":\"\\u00e9\\n\"},null,true,[false]],\"origin\":\"\\ud83d\\ude00\","
                               "\"challenge\":\"c\"}";
    struct buf challenge;

    (void)state;
    for (size_t len = 0; len < sizeof json - 1; len++) {
        char *cut = malloc(len + 1); /* of its own, so that a read beyond is seen */

        memcpy(cut, json, len);
        assert_int_equal(read_all(slice_of(cut, len), &challenge), ERR_MALFORMED);
        buf_free(&challenge);
        free(cut);
    }
    assert_int_equal(read_all(slice_str(json), &challenge), 0);
    buf_free(&challenge);
}

/* libxmtp keeps open brackets in a list, not on its stack. */
static void nesting_has_no_end(void **state)
{
    size_t depth = 300000;
    struct buf json = BUF_INIT, challenge;

    (void)state;
    buf_put_str(&json, "{\"x\":");
    for (size_t i = 0; i < depth; i++)
        buf_put_str(&json, i % 2 ? "{\"\":" : "[");
    buf_put_u8(&json, '1');
    for (size_t i = depth; i--;)
        buf_put_u8(&json, i % 2 ? '}' : ']');
    buf_put_str(&json, "," REST);
    assert_int_equal(read_all(buf_slice(&json), &challenge), 0);
    buf_free(&challenge);
    buf_free(&json);
}

static void running_out_of_memory_is_told(void **state)
{
    int r = ERR_NOMEM;

    (void)state;
    for (unsigned long n = 1; r; n++) {
        struct buf challenge;

        alloc_fail_after(n);
        r = read_all(slice_str("{\"x\":[{\"y\":1}]," REST), &challenge);
        alloc_fail_after(0);
        if (r != 0)
            assert_int_equal(r, ERR_NOMEM);
        buf_free(&challenge);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_beside_does_not_matter),
        cmocka_unit_test(what_is_no_client_data_is_refused),
        cmocka_unit_test(code_points_are_utf8),
        cmocka_unit_test(client_data_cut_at_any_length_are_refused),
        cmocka_unit_test(nesting_has_no_end),
        cmocka_unit_test(running_out_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
