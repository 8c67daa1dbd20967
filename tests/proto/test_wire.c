#include "proto/wire.h"

#include "tests/test.h"

static void writes_what_the_documentation_shows(void **state)
{
    /* protobuf.dev/programming-guides/encoding: field 1 = 150, field 2 = "testing" */
    static const uint8_t expected[] = {0x08, 0x96, 0x01, 0x12, 0x07, 't', 'e', 's', 't', 'i', 'n', 'g'};
    struct buf b = BUF_INIT;

    (void)state;
    wire_put_u64(&b, 1, 150);
    wire_put_bytes(&b, 2, slice_str("testing"));
    wire_put_u64(&b, 3, 0);
    wire_put_bytes(&b, 4, slice_str(""));
    assert_int_equal(b.len, sizeof expected);
    assert_memory_equal(b.data, expected, sizeof expected);
    assert_int_equal(wire_size_u64(1, 150) + wire_size_bytes(2, 7), sizeof expected);
    buf_free(&b);
}

static void sizes_equal_what_is_written_at_every_width(void **state)
{
    struct buf b = BUF_INIT;
    unsigned bit;

    (void)state;
    for (bit = 0; bit < 64; bit++) {
        uint64_t value = UINT64_C(1) << bit;

        buf_reset(&b);
        wire_put_u64(&b, 17, value);
        assert_int_equal(b.len, wire_size_u64(17, value));
        buf_reset(&b);
        wire_put_u64(&b, 17, value - 1);
        assert_int_equal(b.len, wire_size_u64(17, value - 1));
    }
    buf_free(&b);
}

static void reads_back_every_wire_type(void **state)
{
    static const uint8_t bytes[] = {0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, /* 1: varint */
                                    0x11, 1, 2, 3, 4, 5, 6, 7, 8,                                     /* 2: 64 bits */
                                    0x1a, 2, 0xaa, 0xbb,                                              /* 3: bytes */
                                    0x25, 9, 0, 0, 0};                                                /* 4: 32 bits */
    struct reader r = reader_of(slice_of(bytes, sizeof bytes));
    struct wire_field f;

    (void)state;
    assert_true(wire_next(&r, &f));
    assert_int_equal(f.number, 1);
    assert_true(f.value == UINT64_MAX);
    assert_true(wire_next(&r, &f));
    assert_int_equal(f.number, 2);
    assert_true(f.value == UINT64_C(0x0807060504030201));
    assert_true(wire_next(&r, &f));
    assert_int_equal(f.number, 3);
    assert_true(slice_eq(f.bytes, slice_of("\xaa\xbb", 2)));
    assert_true(wire_next(&r, &f));
    assert_int_equal(f.number, 4);
    assert_int_equal(f.value, 9);
    assert_false(wire_next(&r, &f));
    assert_false(r.bad);
}

static void stops_at_bad_input(void **state)
{
    static const struct slice bad[] = {
        {(const uint8_t *)"\x00", 1},                                            /* field 0 */
        {(const uint8_t *)"\x0b", 1},                                            /* group */
        {(const uint8_t *)"\x0a\x05zzzz", 6},                                    /* longer than what is left */
        {(const uint8_t *)"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},   /* length 2^64 - 1 */
        {(const uint8_t *)"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 12}, /* eleven bytes of varint */
        {(const uint8_t *)"\x80\x80\x80\x80\x10\x00", 6},                        /* field number over 2^29 */
        {(const uint8_t *)"\x11\x00\x00", 3},                                    /* 64 bits cut off */
    };
    struct wire_field f;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct reader r = reader_of(bad[i]);

        assert_false(wire_next(&r, &f));
        assert_true(r.bad);
        assert_false(wire_next(&r, &f));
    }
}

static void finds_the_last_of_a_field(void **state)
{
    static const uint8_t bytes[] = {0x0a, 1, 'a', 0x12, 1, 'x', 0x0a, 1, 'b'};
    static const uint8_t damaged[] = {0x0a, 1, 'a', 0x0b};
    struct slice found = {0};

    (void)state;
    assert_true(wire_find(slice_of(bytes, sizeof bytes), 1, &found));
    assert_true(slice_eq(found, slice_str("b")));
    assert_ptr_equal(found.data, bytes + 8);
    assert_false(wire_find(slice_of(bytes, sizeof bytes), 3, &found));
    assert_false(wire_find(slice_of(damaged, sizeof damaged), 1, &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_the_documentation_shows),
        cmocka_unit_test(sizes_equal_what_is_written_at_every_width),
        cmocka_unit_test(reads_back_every_wire_type),
        cmocka_unit_test(stops_at_bad_input),
        cmocka_unit_test(finds_the_last_of_a_field),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
