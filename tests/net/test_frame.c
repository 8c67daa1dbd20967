#include "base/alloc.h"
#include "base/err.h"
#include "net/frame.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

/* Three messages: "hello", an empty one, "you". */
static const char stream[] = "\0\0\0\0\5hello"
                             "\0\0\0\0\0"
                             "\0\0\0\0\3you";
#define STREAM_LEN (sizeof stream - 1)

/* Reads all messages of `parts` into `out`, each followed by '|'. */
static int read_all(struct frame_reader *r, struct slice part, struct buf *out, struct err *err)
{
    struct slice message;
    int rc;

    while ((rc = frame_read(r, &part, &message, err)) == 1) {
        buf_put_slice(out, message);
        buf_put_str(out, "|");
    }
    return rc;
}

static void assert_messages(struct buf *out)
{
    assert_int_equal(out->len, 11);
    assert_memory_equal(out->data, "hello||you|", 11);
}

static void messages_cut_at_each_byte_come_out_whole(void **state)
{
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        for (size_t a = 0; a <= STREAM_LEN; a++) {
            for (size_t b = a; b <= STREAM_LEN; b++) {
                struct frame_reader r;
                struct buf out = BUF_INIT;
                struct err err;

                frame_init(&r, 100);
                r.keep = keep;
                assert_int_equal(read_all(&r, slice_of(stream, a), &out, &err), 0);
                assert_int_equal(read_all(&r, slice_of(stream + a, b - a), &out, &err), 0);
                assert_int_equal(read_all(&r, slice_of(stream + b, STREAM_LEN - b), &out, &err), 0);
                assert_true(frame_at_boundary(&r));
                assert_messages(&out);
                buf_free(&out);
                frame_deinit(&r);
            }
        }
    }
}

static void an_end_inside_a_message_shows(void **state)
{
    (void)state;
    for (size_t len = 1; len < 10; len++) {
        struct frame_reader r;
        struct buf out = BUF_INIT;
        struct err err;

        frame_init(&r, 100);
        assert_int_equal(read_all(&r, slice_of(stream, len), &out, &err), 0);
        assert_false(frame_at_boundary(&r));
        assert_int_equal(out.len, 0);
        frame_deinit(&r);
    }
}

static void a_compressed_message_is_refused(void **state)
{
    struct frame_reader r;
    struct slice in = slice_of("\1\0\0\0\1x", 6), message;
    struct err err;

    (void)state;
    frame_init(&r, 100);
    assert_int_equal(frame_read(&r, &in, &message, &err), ERR_UNSUPPORTED);
    frame_deinit(&r);
}

static void a_length_over_the_limit_is_refused_before_any_memory(void **state)
{
    struct frame_reader r;
    struct slice in = slice_of("\0\0\0\0\145", 5), message;
    struct err err;

    (void)state;
    frame_init(&r, 100);
    assert_int_equal(frame_read(&r, &in, &message, &err), ERR_TOOBIG);
    assert_string_equal(err.text, "a message of 101 bytes, over the limit of 100");
    assert_int_equal(r.body.cap, 0);
    frame_deinit(&r);
}

static void a_claimed_length_reserves_nothing(void **state)
{
    struct frame_reader r;
    struct slice in = slice_of("\0\1\0\0\0abc", 8), message;
    struct err err;

    (void)state;
    frame_init(&r, 100u << 20);
    assert_int_equal(frame_read(&r, &in, &message, &err), 0);
    assert_true(r.body.cap < 1000);
    frame_deinit(&r);
}

static void out_of_memory_is_an_error(void **state)
{
    struct frame_reader r;
    struct slice in = slice_of("\0\0\0\0\5he", 7), message;
    struct err err;

    (void)state;
    frame_init(&r, 100);
    alloc_fail_after(1);
    assert_int_equal(frame_read(&r, &in, &message, &err), ERR_NOMEM);
    alloc_fail_after(0);
    frame_deinit(&r);
}

static void what_is_put_is_read(void **state)
{
    struct buf out = BUF_INIT;

    (void)state;
    frame_put(&out, slice_str("hello"));
    frame_put(&out, slice_of(NULL, 0));
    frame_put(&out, slice_str("you"));
    assert_int_equal(out.len, STREAM_LEN);
    assert_memory_equal(out.data, stream, STREAM_LEN);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_cut_at_each_byte_come_out_whole),
        cmocka_unit_test(an_end_inside_a_message_shows),
        cmocka_unit_test(a_compressed_message_is_refused),
        cmocka_unit_test(a_length_over_the_limit_is_refused_before_any_memory),
        cmocka_unit_test(a_claimed_length_reserves_nothing),
        cmocka_unit_test(out_of_memory_is_an_error),
        cmocka_unit_test(what_is_put_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
