#include "tests/test.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/reader.h"

#include <stdlib.h>

static void writes_integers_big_endian(void **state)
{
    struct buf b = BUF_INIT;
    static const uint8_t want[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
                                   0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};

    (void)state;
    buf_put_u8(&b, 0x01);
    buf_put_u16(&b, 0x0203);
    buf_put_u32(&b, 0x04050607);
    buf_put_u64(&b, UINT64_C(0x08090a0b0c0d0e0f));
    assert_true(buf_ok(&b));
    assert_int_equal(b.len, sizeof want);
    assert_memory_equal(b.data, want, sizeof want);
    buf_free(&b);
}

static void vector_lengths_take_the_fewest_bytes(void **state)
{
    static const struct {
        size_t len, prefix;
    } cases[] = {{0, 1}, {63, 1}, {64, 2}, {16383, 2}, {16384, 4}, {100000, 4}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t *data = calloc(1, cases[i].len + 1);
        struct buf b = BUF_INIT, begun = BUF_INIT;
        struct reader r;
        size_t mark;

        memset(data, 0xab, cases[i].len);
        buf_put_vec(&b, slice_of(data, cases[i].len));
        assert_int_equal(b.len, cases[i].prefix + cases[i].len);
        mark = buf_begin_vec(&begun);
        buf_put(&begun, data, cases[i].len);
        buf_end_vec(&begun, mark);
        assert_true(slice_eq(buf_slice(&b), buf_slice(&begun)));
        r = reader_of(buf_slice(&b));
        assert_true(slice_eq(read_vec(&r, SIZE_MAX), slice_of(data, cases[i].len)));
        assert_true(reader_done(&r));
        buf_free(&b);
        buf_free(&begun);
        free(data);
    }
}

static void refuses_lengths_that_are_not_minimal_or_too_long(void **state)
{
    static const struct {
        uint8_t bytes[8];
        size_t len;
    } cases[] = {
        {{0x40, 0x01, 0xff}, 3},                   /* 1 in two bytes */
        {{0x80, 0x00, 0x00, 0x01, 0xff}, 5},       /* 1 in four bytes */
        {{0xc0, 0, 0, 0, 0, 0, 0, 1}, 8},          /* eight-byte form does not exist */
        {{0x02, 0xff}, 2},                         /* one byte short */
        {{0x04, 1, 2, 3, 4}, 5},                   /* over the limit of 3 below */
        {{0x40}, 1},                               /* prefix cut */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct reader r = reader_of(slice_of(cases[i].bytes, cases[i].len));

        assert_int_equal(read_vec(&r, 3).len, 0);
        assert_true(r.bad);
        assert_false(reader_done(&r));
    }
}

static void a_failed_read_makes_all_later_ones_fail(void **state)
{
    static const uint8_t bytes[] = {1, 2, 3};
    struct reader r = reader_of(slice_of(bytes, sizeof bytes));

    (void)state;
    assert_int_equal(read_u16(&r), 0x0102);
    assert_int_equal(read_u16(&r), 0);
    assert_int_equal(read_u8(&r), 0);
    assert_int_equal(reader_left(&r), 0);
    assert_false(reader_done(&r));
}

static void an_inner_reader_cannot_reach_past_its_field(void **state)
{
    static const uint8_t bytes[] = {0x02, 1, 2, 3, 4};
    struct reader r = reader_of(slice_of(bytes, sizeof bytes));
    struct reader inner = read_vec_reader(&r, 10);

    (void)state;
    assert_int_equal(read_u32(&inner), 0);
    assert_true(inner.bad);
    assert_int_equal(read_u16(&r), 0x0304);
    assert_true(reader_done(&r));
}

static void a_buffer_that_cannot_grow_stays_bad(void **state)
{
    struct buf b = BUF_INIT;
    struct bytes out = {0};

    (void)state;
    alloc_fail_after(1);
    buf_put_str(&b, "lost");
    buf_put_str(&b, "lost too");
    assert_false(buf_ok(&b));
    assert_int_equal(buf_take(&b, &out), ERR_NOMEM);
    assert_null(out.data);
    buf_free(&b);
}

static void secret_buffer_grows_and_keeps_its_contents(void **state)
{
    struct buf b = BUF_SECRET;
    struct bytes out = {0};

    (void)state;
    for (int i = 0; i < 1000; i++)
        buf_put_u8(&b, (uint8_t)i);
    assert_int_equal(buf_take(&b, &out), 0);
    assert_int_equal(out.len, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(out.data[i], (uint8_t)i);
    bytes_wipe(&out);
}

static void hex_round_trip_and_bad_input(void **state)
{
    static const uint8_t bytes[] = {0x00, 0x7f, 0x80, 0xff};
    struct bytes parsed = {0};
    uint8_t four[4];
    char text[9];

    (void)state;
    hex_encode(bytes, 4, text);
    assert_string_equal(text, "007f80ff");
    assert_int_equal(hex_parse("0x007F80ff", &parsed), 0);
    assert_true(slice_eq(bytes_slice(&parsed), slice_of(bytes, 4)));
    bytes_free(&parsed);
    assert_int_equal(hex_parse("0x0", &parsed), ERR_MALFORMED);
    assert_int_equal(hex_parse("zz", &parsed), ERR_MALFORMED);
    assert_false(hex_decode("007f80", 6, four, 4));
    assert_true(hex_decode("007f80ff", 8, four, 4));
    assert_memory_equal(four, bytes, 4);
}

static void compares_bytes_in_order(void **state)
{
    (void)state;
    assert_true(slice_cmp(slice_str("a"), slice_str("b")) < 0);
    assert_true(slice_cmp(slice_str("ab"), slice_str("a")) > 0);
    assert_int_equal(slice_cmp(slice_str("ab"), slice_str("ab")), 0);
    assert_true(slice_eq_secret(slice_str("key"), slice_str("key")));
    assert_false(slice_eq_secret(slice_str("key"), slice_str("kex")));
    assert_false(slice_eq_secret(slice_str("key"), slice_str("keys")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_integers_big_endian),
        cmocka_unit_test(vector_lengths_take_the_fewest_bytes),
        cmocka_unit_test(refuses_lengths_that_are_not_minimal_or_too_long),
        cmocka_unit_test(a_failed_read_makes_all_later_ones_fail),
        cmocka_unit_test(an_inner_reader_cannot_reach_past_its_field),
        cmocka_unit_test(a_buffer_that_cannot_grow_stays_bad),
        cmocka_unit_test(secret_buffer_grows_and_keeps_its_contents),
        cmocka_unit_test(hex_round_trip_and_bad_input),
        cmocka_unit_test(compares_bytes_in_order),
    };

    return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
