/* Migrations: the mechanism with steps made up here, and each released version from a stored file.
 *
 * vN.sql is the dump of a database of version N with one row for each sealed column (plant() in help.c),
 * under the key raw_key.  To store the file of the present version before changing the schema:
 *   ./tests/store/test_migrate --make DIR && sqlite3 DIR/xmtui.db .dump > tests/store/vN.sql
 * and append the lines that .dump leaves out: PRAGMA application_id = 2020439157; PRAGMA user_version = N; */
#include "tests/store/help.h"

#include "base/clock.h"
#include "store/migrate.h"
#include "store/schema.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int fill_b(struct store *store, struct err *err)
{
    return db_exec((struct db *)store, "UPDATE t SET b = 'filled'", err);
}

static int refuse(struct store *store, struct err *err)
{
    (void)store;
    return err_set(err, ERR_CORRUPT, "this row makes no sense");
}

static const struct migration steps[] = {
    {.sql = "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('one')"},
    {.sql = "ALTER TABLE t ADD COLUMN b TEXT", .run = fill_b},
    {.sql = "ALTER TABLE t ADD COLUMN c TEXT; UPDATE t SET c = 'three'", .run = refuse},
};

static struct db *open_db(struct home *home)
{
    struct db *db = NULL;

    OK(db_open(home_file(home, "m.db"), &(struct db_options){.create = true}, &db, err));
    return db;
}

static int run(struct db *db, struct home *home, size_t count, struct err *err)
{
    char path[256];

    snprintf(path, sizeof path, "%s", home_file(home, "m.db"));
    return migrate_run(db, path, steps, count, (struct store *)db, err);
}

static int64_t version_of(struct db *db)
{
    int64_t version = -1;

    OK(migrate_version(db, &version, err));
    return version;
}

static int64_t number(struct db *db, const char *sql)
{
    int64_t n = -1;

    OK(db_int(db, sql, &n, err));
    return n;
}

static bool exists(struct home *home, const char *name)
{
    return access(home_file(home, name), F_OK) == 0;
}

static void a_new_database_gets_every_step_and_no_copy(void **state)
{
    struct db *db = open_db(*state);

    OK(run(db, *state, 2, err));
    assert_int_equal(version_of(db), 2);
    assert_int_equal(number(db, "SELECT count(*) FROM t WHERE a = 'one' AND b = 'filled'"), 1);
    assert_false(exists(*state, "m.db.before-2"));
    OK(run(db, *state, 2, err));
    assert_int_equal(number(db, "SELECT count(*) FROM t"), 1);
    db_close(db);
}

static void an_older_database_is_copied_and_then_migrated(void **state)
{
    struct db *db = open_db(*state), *copy = NULL;
    struct stat st;

    OK(run(db, *state, 1, err));
    OK(run(db, *state, 2, err));
    assert_int_equal(version_of(db), 2);
    assert_int_equal(number(db, "SELECT count(*) FROM t WHERE b = 'filled'"), 1);
    assert_int_equal(stat(home_file(*state, "m.db.before-2"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    OK(db_open(home_file(*state, "m.db.before-2"), NULL, &copy, err));
    assert_int_equal(version_of(copy), 1);
    assert_int_equal(number(copy, "SELECT count(*) FROM t WHERE a = 'one'"), 1);
    assert_int_equal(number(copy, "SELECT count(*) FROM pragma_table_info('t')"), 1);
    db_close(copy);
    db_close(db);
}

static void a_step_that_fails_leaves_the_database_as_it_was(void **state)
{
    struct db *db = open_db(*state);
    struct err why;

    OK(run(db, *state, 1, err));
    assert_int_equal(run(db, *state, 3, &why), ERR_CORRUPT);
    assert_string_equal(why.text, "migrating the database to version 3: this row makes no sense");
    assert_int_equal(version_of(db), 1);
    assert_int_equal(number(db, "SELECT count(*) FROM pragma_table_info('t')"), 1);
    /* The next try starts over, the copy of this one in its way. */
    assert_int_equal(run(db, *state, 3, &why), ERR_CORRUPT);
    OK(run(db, *state, 2, err));
    assert_int_equal(version_of(db), 2);
    db_close(db);
}

static void without_a_copy_nothing_is_migrated(void **state)
{
    struct db *db = open_db(*state);
    char blocked[256];

    OK(run(db, *state, 1, err));
    snprintf(blocked, sizeof blocked, "%s", home_file(*state, "m.db.before-2"));
    assert_int_equal(mkdir(blocked, 0700), 0);
    FAILS(ERR_IO, run(db, *state, 2, err));
    assert_int_equal(version_of(db), 1);
    rmdir(blocked);
    db_close(db);
}

static void a_newer_database_is_refused(void **state)
{
    struct home *home = *state;
    struct store *store = NULL;
    char sql[60];

    OK(store_create(home->path, &raw_key, NULL, &store, err));
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", (int)schema_version + 1);
    OK(db_exec(store_db(store), sql, err));
    store_close(store);
    store = NULL;
    FAILS(ERR_UNSUPPORTED, store_open(home->path, &raw_key, NULL, &store, err));
    FAILS(ERR_UNSUPPORTED, store_open_read_only(home->path, &raw_key, NULL, &store, err));
    assert_null(store);
}

static char *read_dump(size_t version)
{
    const char *top = getenv("XM_SRCDIR");
    char path[512], *text;
    long len;
    FILE *f;

    snprintf(path, sizeof path, "%s/tests/store/v%zu.sql", top ? top : ".", version);
    if (!(f = fopen(path, "r")))
        fail_msg("%s is missing: each version needs its file", path);
    fseek(f, 0, SEEK_END);
    len = ftell(f);
    rewind(f);
    text = calloc(1, (size_t)len + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)len, f), len);
    fclose(f);
    return text;
}

static void every_older_version_is_brought_up_to_date(void **state)
{
    struct home *home = *state;

    for (size_t version = 1; version <= schema_version; version++) {
        char *dump = read_dump(version), name[60];
        sqlite3 *sqlite = NULL;

        snprintf(name, sizeof name, STORE_FILE ".before-%zu", schema_version);
        unlink(home_file(home, name));
        unlink(home_file(home, STORE_FILE));
        assert_int_equal(sqlite3_open(home_file(home, STORE_FILE), &sqlite), SQLITE_OK);
        assert_int_equal(sqlite3_exec(sqlite, dump, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(sqlite);
        free(dump);
        OK(store_open(home->path, &raw_key, NULL, &home->store, err));
        expect_planted(home->store);
        assert_int_equal(exists(home, name), version < schema_version);
        store_close(home->store);
        home->store = NULL;
    }
}

static int64_t days_on(void *ctx)
{
    return clock_system.now_ns(NULL) + *(int64_t *)ctx * 86400 * SECOND;
}

static bool is_kept_after(struct home *home, int64_t days, const char *name)
{
    const struct clock clock = {.now_ns = days_on, .monotonic_ms = clock_system.monotonic_ms, .ctx = &days};

    OK(store_open(home->path, &raw_key, &(struct store_options){.clock = &clock}, &home->store, err));
    store_close(home->store);
    home->store = NULL;
    return exists(home, name);
}

static void a_copy_goes_when_the_new_version_was_opened_a_week_later(void **state)
{
    struct home *home = *state;
    char *dump = read_dump(1), name[60];
    sqlite3 *sqlite = NULL;

    snprintf(name, sizeof name, STORE_FILE ".before-%zu", schema_version);
    assert_int_equal(sqlite3_open(home_file(home, STORE_FILE), &sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sqlite, dump, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(sqlite);
    free(dump);
    assert_true(is_kept_after(home, 0, name)); /* this one migrates */
    assert_true(is_kept_after(home, 6, name));
    assert_true(is_kept_after(home, -100, name));
    /* One of an earlier migration that was never removed goes as well. */
    fclose(fopen(home_file(home, STORE_FILE ".before-1"), "w"));
    assert_false(is_kept_after(home, 8, name));
    assert_false(exists(home, STORE_FILE ".before-1"));
    assert_true(exists(home, STORE_FILE));
}

/* Tables with their columns, and indexes with what they are over, one a line. */
static char *shape(struct db *db)
{
    struct db_query q;
    char *text;

    db_query(
        &q, db,
        "SELECT group_concat(line, char(10)) FROM (SELECT m.type || ' ' || m.name || '.' || c.name || ' ' || "
        "c.type"
        " || ' ' || c.\"notnull\" || ' ' || c.pk AS line FROM sqlite_master m, pragma_table_info(m.name) c"
        " WHERE m.type = 'table' UNION ALL SELECT m.type || ' ' || m.name || ' ' || m.tbl_name || '.' ||"
        " coalesce(c.name, '') FROM sqlite_master m, pragma_index_info(m.name) c WHERE m.type = 'index'"
        " ORDER BY line)");
    assert_int_equal(db_step(&q, NULL), DB_ROW);
    text = strdup(db_col_text(&q, 0));
    db_end(&q);
    return text;
}

static void a_migrated_database_has_the_shape_of_a_new_one(void **state)
{
    struct home *home = *state;
    char *dump = read_dump(1), *migrated, *made;
    sqlite3 *sqlite = NULL;

    assert_int_equal(sqlite3_open(home_file(home, STORE_FILE), &sqlite), SQLITE_OK);
    assert_int_equal(sqlite3_exec(sqlite, dump, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(sqlite);
    OK(store_open(home->path, &raw_key, NULL, &home->store, err));
    migrated = shape(store_db(home->store));
    store_close(home->store);
    home->store = NULL;
    unlink(home_file(home, STORE_FILE));
    OK(store_create(home->path, &raw_key, NULL, &home->store, err));
    made = shape(store_db(home->store));
    assert_string_equal(migrated, made);
    assert_true(strlen(made) > 2000);
    free(dump);
    free(migrated);
    free(made);
}

static int make(const char *folder)
{
    struct store *store = NULL;

    crypto_setup(NULL);
    OK(store_create(folder, &raw_key, NULL, &store, err));
    plant(store);
    expect_planted(store);
    store_close(store);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, home_teardown)
        TEST(a_new_database_gets_every_step_and_no_copy),
        TEST(an_older_database_is_copied_and_then_migrated),
        TEST(a_step_that_fails_leaves_the_database_as_it_was),
        TEST(without_a_copy_nothing_is_migrated),
        TEST(a_newer_database_is_refused),
        TEST(every_older_version_is_brought_up_to_date),
        TEST(a_copy_goes_when_the_new_version_was_opened_a_week_later),
        TEST(a_migrated_database_has_the_shape_of_a_new_one),
    };

    if (argc == 3 && strcmp(argv[1], "--make") == 0)
        return make(argv[2]);
    return cmocka_run_group_tests(tests, crypto_setup, NULL);
}
