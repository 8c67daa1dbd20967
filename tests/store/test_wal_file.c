/* What reaches the WAL, when, and what waits for the disk. */
#include "tests/store/faulty_vfs.h"
#include "tests/store/help.h"

#include "store/db.h"

#include <string.h>

static struct db *open_db(struct home *home)
{
    const struct db_options options = {.create = true};
    struct db *db = NULL;

    OK(db_open(home_file(home, "t.db"), &options, &db, err));
    OK(db_exec(db, "CREATE TABLE IF NOT EXISTS t (a INTEGER PRIMARY KEY, b BLOB)", err));
    /* The first transaction meets a WAL that is open. */
    OK(db_begin(db, DB_DURABLE, err));
    OK(db_commit(db, err));
    return db;
}

static int insert(struct db *db, int64_t a, struct err *err)
{
    static const uint8_t some[1500] = {1}; /* a page holds one */
    struct db_query q;

    db_query(&q, db, "INSERT INTO t (a, b) VALUES (?1, ?2)");
    db_bind_i64(&q, 1, a);
    db_bind_slice(&q, 2, slice_of(some, sizeof some));
    return db_run(&q, err);
}

static void add(struct db *db, enum db_durability durability, int64_t from, int n)
{
    OK(db_begin(db, durability, err));
    for (int i = 0; i < n; i++)
        OK(insert(db, from + i, err));
    OK(db_commit(db, err));
}

static int64_t rows(struct db *db)
{
    int64_t n = -1;

    OK(db_int(db, "SELECT count(*) FROM t", &n, err));
    return n;
}

/* As another program sees it. */
static void expect_whole_with(struct home *home, int64_t n)
{
    const struct db_options options = {.read_only = true};
    struct db_query q;
    struct db *db;

    OK(db_open(home_file(home, "t.db"), &options, &db, err));
    assert_int_equal(rows(db), n);
    db_query(&q, db, "PRAGMA integrity_check");
    assert_int_equal(db_step(&q, NULL), DB_ROW);
    assert_string_equal(db_col_text(&q, 0), "ok");
    db_end(&q);
    db_close(db);
}

/* Nothing is noted any more, and everything is there. */
static void finish(struct home *home, struct db *db, int64_t n)
{
    faulty_vfs_note(NULL, 0);
    expect_whole_with(home, n);
    db_close(db);
}

/* The transaction, and the file's new end. */
#define GROWING "w" "wwww"

static void a_durable_transaction_is_one_write_and_one_wait(void **state)
{
    struct db *db = open_db(*state);
    char calls[100];

    faulty_vfs_note(calls, sizeof calls);
    add(db, DB_DURABLE, 1, 12);
    add(db, DB_DURABLE, 101, 1);
    assert_string_equal(calls, GROWING "s" "ws");
    finish(*state, db, 13);
}

/* The file grows in steps; most transactions find it long enough. */
static void few_transactions_make_the_file_longer(void **state)
{
    struct db *db = open_db(*state);
    char calls[400];
    int longer = 0, n = 0;

    faulty_vfs_note(calls, sizeof calls);
    for (int i = 0; i < 75; i++)
        add(db, DB_DURABLE, 10 * i, 5);
    for (const char *at = calls; *at; at = strchr(at, 's') + 1, n++) {
        size_t writes = strspn(at, "w");

        assert_true((writes == 1 || writes == strlen(GROWING)) && at[writes] == 's');
        longer += writes > 1;
    }
    assert_int_equal(n, 75);
    assert_int_equal(longer, 3);
    OK(db_checkpoint(db, err)); /* cuts it off */
    faulty_vfs_note(calls, sizeof calls);
    add(db, DB_DURABLE, 1001, 1);
    add(db, DB_DURABLE, 1002, 1);
    assert_string_equal(calls, GROWING "sws" "ws");
    finish(*state, db, 377);
}

/* There is room for the transaction, but not for what comes later. */
static void a_file_that_cannot_grow_in_advance_takes_the_transaction(void **state)
{
    struct db *db = open_db(*state);

    faulty_vfs_arm(FAULTY_FULL, 2, 1);
    OK(db_begin(db, DB_DURABLE, err));
    OK(insert(db, 1, err));
    OK(db_commit(db, err));
    assert_true(faulty_vfs_disarm());
    expect_whole_with(*state, 1);
    add(db, DB_DURABLE, 2, 1);
    expect_whole_with(*state, 2);
    db_close(db);
}

static void another_one_is_one_write_and_seen_at_once(void **state)
{
    struct db *db = open_db(*state);
    char calls[100];

    faulty_vfs_note(calls, sizeof calls);
    add(db, DB_NORMAL, 1, 12);
    add(db, DB_NORMAL, 101, 1);
    assert_string_equal(calls, GROWING "w");
    finish(*state, db, 13);
}

/* The WAL is safe before the file is touched, the file before the WAL is written over, and the WAL's new beginning
 * before what follows it. */
static void moving_the_wal_into_the_file_waits_in_any_transaction(void **state)
{
    struct db *db = open_db(*state);
    char calls[100], *moved;

    OK(db_exec(db, "PRAGMA wal_autocheckpoint = 10", err));
    faulty_vfs_note(calls, sizeof calls);
    add(db, DB_NORMAL, 1, 12);
    assert_memory_equal(calls, GROWING "s", strlen(GROWING "s"));
    moved = calls + strlen(GROWING "s");
    assert_true(strspn(moved, "W") > 12);
    assert_string_equal(moved + strspn(moved, "W"), "S");
    faulty_vfs_note(calls, sizeof calls);
    add(db, DB_NORMAL, 101, 1);
    assert_string_equal(calls, "wsw");
    finish(*state, db, 13);
}

/* More than SQLite keeps in memory, and more than is held back. */
static void a_large_transaction_is_whole(void **state)
{
    struct db *db = open_db(*state);

    OK(db_exec(db, "PRAGMA cache_size = 10", err));
    add(db, DB_NORMAL, 1, 300);
    expect_whole_with(*state, 300);
    OK(db_begin(db, DB_DURABLE, err));
    OK(db_exec(db, "UPDATE t SET b = zeroblob(1600) WHERE a % 3 = 0; DELETE FROM t WHERE a % 3 = 1", err));
    assert_int_equal(rows(db), 200);
    expect_whole_with(*state, 300);
    OK(db_commit(db, err));
    expect_whole_with(*state, 200);
    db_close(db);
}

static void what_was_rolled_back_does_not_come_later(void **state)
{
    struct db *db = open_db(*state), *other = open_db(*state);

    OK(db_exec(db, "PRAGMA cache_size = 10", err));
    OK(db_checkpoint(db, err)); /* else undoing reads the WAL, and what is held goes there */
    OK(db_begin(db, DB_NORMAL, err));
    for (int i = 0; i < 25; i++)
        OK(insert(db, i, err));
    db_rollback(db);
    add(other, DB_DURABLE, 100, 10);
    add(db, DB_DURABLE, 200, 5);
    expect_whole_with(*state, 15);
    db_close(other);
    db_close(db);
}

/* Ten rows more, read from the first ten: in a statement that SQLite undoes by itself when it fails, so that the
 * transaction may go on. */
static int copy_ten(struct db *db, int64_t from, struct err *err)
{
    struct db_query q;

    db_query(&q, db, "INSERT INTO t (a, b) SELECT ?1 + a, b FROM t WHERE a < 10");
    db_bind_i64(&q, 1, from);
    return db_run(&q, err);
}

/* Somebody who goes on after an error still cannot confirm half of it. */
static void a_transaction_that_lost_a_write_is_not_confirmed(void **state)
{
    struct db *db = open_db(*state);
    int failed = 1, refused = 0, r = 0;

    OK(db_exec(db, "PRAGMA cache_size = 10", err));
    for (unsigned at = 1; failed; at++) {
        OK(db_exec(db, "DELETE FROM t", err));

        OK(db_begin(db, DB_NORMAL, err));
        for (int i = 0; i < 10; i++)
            OK(insert(db, i, err));
        faulty_vfs_arm(FAULTY_FULL, at, 0);
        for (int i = 1; i < 10; i++)
            copy_ten(db, 10 * i, NULL);
        r = db_commit(db, NULL);
        failed = faulty_vfs_disarm();
        assert_true(r == 0 || failed);
        refused += r != 0;
        expect_whole_with(*state, r == 0 ? 100 : 0);
    }
    assert_true(refused > 3); /* the others only made the file no longer than it had to be */
    db_close(db);
}

/* One statement by itself is a transaction that need not be durable. */
static void a_statement_outside_waits_for_nothing(void **state)
{
    struct db *db = open_db(*state);
    char calls[100];

    add(db, DB_DURABLE, 1, 1);
    faulty_vfs_note(calls, sizeof calls);
    OK(insert(db, 2, err));
    assert_null(strchr(calls, 's'));
    finish(*state, db, 2);
}

static int group_setup(void **state)
{
    return crypto_setup(state) == 0 ? faulty_vfs_install() : -1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, home_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_durable_transaction_is_one_write_and_one_wait),
        TEST(few_transactions_make_the_file_longer),
        TEST(a_file_that_cannot_grow_in_advance_takes_the_transaction),
        TEST(another_one_is_one_write_and_seen_at_once),
        TEST(moving_the_wal_into_the_file_waits_in_any_transaction),
        TEST(a_large_transaction_is_whole),
        TEST(what_was_rolled_back_does_not_come_later),
        TEST(a_transaction_that_lost_a_write_is_not_confirmed),
        TEST(a_statement_outside_waits_for_nothing),
    };

    return cmocka_run_group_tests(tests, group_setup, NULL);
}
