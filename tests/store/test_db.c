#include "tests/store/help.h"

#include "store/db.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct db *open_db(struct home *home, int64_t max_pages)
{
    const struct db_options options = {.create = true, .max_pages = max_pages};
    struct db *db = NULL;

    OK(db_open(home_file(home, "t.db"), &options, &db, err));
    OK(db_exec(db, "CREATE TABLE IF NOT EXISTS t (a INTEGER PRIMARY KEY, b BLOB)", err));
    return db;
}

static int64_t rows(struct db *db)
{
    int64_t n = -1;

    OK(db_int(db, "SELECT count(*) FROM t", &n, err));
    return n;
}

static int insert(struct db *db, int64_t a, struct slice b, struct err *err)
{
    struct db_query q;

    db_query(&q, db, "INSERT INTO t (a, b) VALUES (?1, ?2)");
    db_bind_i64(&q, 1, a);
    db_bind_slice(&q, 2, b);
    return db_run(&q, err);
}

static void transactions_do_not_nest(void **state)
{
    struct db *db = open_db(*state, 0);

    OK(db_begin(db, DB_NORMAL, err));
    FAILS(ERR_STATE, db_begin(db, DB_NORMAL, err));
    OK(insert(db, 1, slice_str("x"), err));
    db_rollback(db);
    assert_int_equal(rows(db), 0);
    db_rollback(db);
    FAILS(ERR_STATE, db_commit(db, err));
    OK(db_begin(db, DB_DURABLE, err));
    OK(insert(db, 1, slice_str("x"), err));
    OK(db_commit(db, err));
    assert_int_equal(rows(db), 1);
    db_close(db);
}

static void what_is_deleted_is_overwritten(void **state)
{
    struct db *db = open_db(*state, 0);
    int64_t level = -1;

    OK(db_int(db, "PRAGMA secure_delete", &level, err));
    assert_int_equal(level, 1);
    db_close(db);
}

static void the_same_text_may_run_inside_itself(void **state)
{
    static const char sql[] = "SELECT a FROM t ORDER BY a";
    struct db *db = open_db(*state, 0);
    struct db_query outer, inner;
    int seen = 0;

    for (int i = 1; i <= 3; i++)
        OK(insert(db, i, slice_str(""), err));
    db_query(&outer, db, sql);
    while (db_step(&outer, NULL) == DB_ROW) {
        db_query(&inner, db, sql);
        while (db_step(&inner, NULL) == DB_ROW)
            seen++;
        db_end(&inner);
    }
    db_end(&outer);
    db_end(&outer);
    assert_int_equal(seen, 9);
    db_close(db);
}

static void changed_text_at_the_same_address_is_another_statement(void **state)
{
    struct db *db = open_db(*state, 0);
    char sql[32] = "SELECT 1";
    int64_t n = 0;

    OK(db_int(db, sql, &n, err));
    assert_int_equal(n, 1);
    strcpy(sql, "SELECT 2");
    OK(db_int(db, sql, &n, err));
    assert_int_equal(n, 2);
    db_close(db);
}

static void empty_bytes_are_not_null(void **state)
{
    struct db *db = open_db(*state, 0);
    struct db_query q;

    OK(insert(db, 1, slice_of(NULL, 0), err));
    db_query(&q, db, "SELECT b, NULL FROM t");
    assert_int_equal(db_step(&q, NULL), DB_ROW);
    assert_non_null(db_col_slice(&q, 0).data);
    assert_int_equal(db_col_slice(&q, 0).len, 0);
    assert_null(db_col_slice(&q, 1).data);
    assert_int_equal(db_col_i64_or(&q, 1, 5), 5);
    db_end(&q);
    db_close(db);
}

static void a_full_disk_undoes_the_whole_transaction(void **state)
{
    static uint8_t big[40000];
    struct db *db = open_db(*state, 40);
    struct err why = {0};
    int r = 0;

    OK(insert(db, 1, slice_str("before"), err));
    OK(db_begin(db, DB_NORMAL, err));
    OK(insert(db, 2, slice_str("half"), err));
    for (int i = 3; r == 0 && i < 20; i++)
        r = insert(db, i, slice_of(big, sizeof big), &why);
    assert_int_equal(r, ERR_IO);
    assert_non_null(strstr(why.text, "disk full"));
    /* Going on as if nothing had happened writes nothing either. */
    FAILS(ERR_STATE, insert(db, 30, slice_str("late"), err));
    db_rollback(db);
    assert_int_equal(rows(db), 1);
    OK(insert(db, 30, slice_str("late"), err));
    db_close(db);
}

static void a_uniqueness_rule_is_exists(void **state)
{
    struct db *db = open_db(*state, 0);

    OK(insert(db, 1, slice_str("x"), err));
    FAILS(ERR_EXISTS, insert(db, 1, slice_str("y"), err));
    db_close(db);
}

static void another_writer_is_busy(void **state)
{
    const struct db_options impatient = {.busy_ms = 1};
    struct db *one = open_db(*state, 0), *two = NULL;

    OK(db_open(home_file(*state, "t.db"), &impatient, &two, err));
    OK(db_begin(one, DB_NORMAL, err));
    FAILS(ERR_LOCKED, db_begin(two, DB_NORMAL, err));
    db_rollback(one);
    OK(db_begin(two, DB_NORMAL, err));
    db_rollback(two);
    db_close(two);
    db_close(one);
}

static void what_is_no_database_is_corrupt(void **state)
{
    struct db *db = NULL;
    FILE *f = fopen(home_file(*state, "t.db"), "w");

    for (int i = 0; i < 2000; i++)
        fputs("no database", f);
    fclose(f);
    FAILS(ERR_CORRUPT, db_open(home_file(*state, "t.db"), NULL, &db, err));
    FAILS(ERR_NOTFOUND, db_open(home_file(*state, "none.db"), NULL, &db, err));
    assert_null(db);
}

static void a_reader_cannot_write(void **state)
{
    const struct db_options read_only = {.read_only = true};
    struct db *writer = open_db(*state, 0), *reader = NULL;

    OK(db_open(home_file(*state, "t.db"), &read_only, &reader, err));
    assert_true(insert(reader, 1, slice_str("x"), NULL) < 0);
    OK(insert(writer, 1, slice_str("x"), err));
    assert_int_equal(rows(reader), 1);
    db_close(reader);
    db_close(writer);
}

static void files_are_for_their_owner_alone(void **state)
{
    static const char *const names[] = {"t.db", "t.db-wal", "t.db-shm"};
    struct db *db = open_db(*state, 0);
    struct stat st;

    for (int i = 0; i < 3; i++) {
        assert_int_equal(stat(home_file(*state, names[i]), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    db_close(db);
}

static void an_idle_reader_keeps_the_wal_small(void **state)
{
    const struct db_options read_only = {.read_only = true};
    struct db *writer = open_db(*state, 0), *reader = NULL;
    static uint8_t body[300];
    off_t most = 0;
    struct stat st;

    OK(db_open(home_file(*state, "t.db"), &read_only, &reader, err));
    for (int i = 1; i <= 20000; i++) {
        OK(db_begin(writer, DB_NORMAL, err));
        OK(insert(writer, i, slice_of(body, sizeof body), err));
        OK(db_commit(writer, err));
        if (i % 1000 == 0) {
            assert_int_equal(rows(reader), i);
            assert_int_equal(stat(home_file(*state, "t.db-wal"), &st), 0);
            if (st.st_size > most)
                most = st.st_size;
        }
    }
    /* 4000 pages are moved at a time; a reader that held on made it 80 MB. */
    assert_true(most > 0 && most < 9 << 20);
    db_close(reader);
    db_close(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, home_teardown)
        TEST(transactions_do_not_nest),
        TEST(what_is_deleted_is_overwritten),
        TEST(the_same_text_may_run_inside_itself),
        TEST(changed_text_at_the_same_address_is_another_statement),
        TEST(empty_bytes_are_not_null),
        TEST(a_full_disk_undoes_the_whole_transaction),
        TEST(a_uniqueness_rule_is_exists),
        TEST(another_writer_is_busy),
        TEST(what_is_no_database_is_corrupt),
        TEST(a_reader_cannot_write),
        TEST(files_are_for_their_owner_alone),
        TEST(an_idle_reader_keeps_the_wal_small),
    };

    return cmocka_run_group_tests(tests, crypto_setup, NULL);
}
