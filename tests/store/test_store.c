/* Opening, keys, the lock, what the file gives away. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif
#include "tests/store/help.h"

#include "base/alloc.h"
#include "base/rand.h"
#include "store/consent.h"
#include "store/identity_log.h"
#include "store/installation.h"
#include "store/intents.h"
#include "store/key_packages.h"
#include "store/mls_state.h"
#include "store/preferences.h"
#include "store/settings.h"
#include "store/tasks.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* As cheap as libsodium allows. */
static const struct store_options cheap = {.argon_passes = 1, .argon_bytes = 8192};

static struct store_key passphrase(const char *text)
{
    return (struct store_key){STORE_KEY_PASSPHRASE, slice_str(text)};
}

static void remember(struct store *store)
{
    OK(store_setting_put(store, "theme", slice_str("dark"), err));
}

static void expect_remembered(struct store *store)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct slice value;

    OK(store_setting_get(store, "theme", &mem, &value, err));
    assert_true(slice_eq(value, slice_str("dark")));
    store_mem_free(&mem);
}

static void what_was_written_is_there_after_reopening(void **state)
{
    struct home *home = *state;

    remember(home->store);
    home_reopen(home);
    expect_remembered(home->store);
    OK(store_check(home->store, err));
}

static void home_and_file_are_private(void **state)
{
    struct home *home = *state;
    char deep[200];
    struct store *store = NULL;
    struct stat st;

    assert_int_equal(stat(home_file(home, STORE_FILE), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(deep, sizeof deep, "%s/a", home->path);
    assert_int_equal(mkdir(deep, 0755), 0);
    OK(store_create(deep, &raw_key, NULL, &store, err));
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    store_close(store);
    unlink(home_file(home, "a/" STORE_FILE));
    unlink(home_file(home, "a/" STORE_LOCK_FILE));
    rmdir(deep);
}

/* As a copy or a restored backup leaves it. */
static void a_home_that_others_may_read_is_closed_when_it_is_opened(void **state)
{
    struct home *home = *state;
    struct stat st;

    store_close(home->store);
    home->store = NULL;
    assert_int_equal(chmod(home->path, 0755), 0);
    assert_int_equal(chmod(home_file(home, STORE_FILE), 0644), 0);
    home_reopen(home);
    assert_int_equal(stat(home->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(stat(home_file(home, STORE_FILE), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    remember(home->store);
    assert_int_equal(stat(home_file(home, STORE_FILE "-wal"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_wrong_key_opens_nothing(void **state)
{
    struct home *home = *state;
    uint8_t other[STORE_KEY_LEN] = {1};
    const struct store_key wrong = {STORE_KEY_RAW, {other, sizeof other}};
    const struct store_key words = passphrase("open sesame"), cut = {STORE_KEY_RAW, {other, 31}};
    struct store *store = NULL;

    store_close(home->store);
    home->store = NULL;
    FAILS(ERR_KEY, store_open(home->path, &wrong, NULL, &store, err));
    FAILS(ERR_KEY, store_open(home->path, &words, NULL, &store, err));
    FAILS(ERR_INVALID, store_open(home->path, &cut, NULL, &store, err));
    FAILS(ERR_KEY, store_open_read_only(home->path, &wrong, NULL, &store, err));
    assert_null(store);
    home_reopen(home);
}

static void a_passphrase_opens_and_can_be_changed(void **state)
{
    struct home *home = *state;
    const struct store_key first = passphrase("correct horse"), second = passphrase("battery staple");
    struct store_info info;

    OK(store_create(home->path, &first, &cheap, &home->store, err));
    remember(home->store);
    OK(store_rewrap(home->store, &second, err));
    store_close(home->store);
    home->store = NULL;
    FAILS(ERR_KEY, store_open(home->path, &first, NULL, &home->store, err));
    OK(store_peek(home->path, &info, err));
    assert_true(info.exists);
    assert_int_equal(info.key_kind, STORE_KEY_PASSPHRASE);
    OK(store_open(home->path, &second, NULL, &home->store, err));
    expect_remembered(home->store);
    OK(store_rewrap(home->store, &raw_key, err));
    home_reopen(home);
    expect_remembered(home->store);
}

static void an_absurd_passphrase_cost_in_the_file_is_refused(void **state)
{
    struct home *home = *state;
    const struct store_key words = passphrase("correct horse");

    OK(store_create(home->path, &words, &cheap, &home->store, err));
    OK(db_exec(store_db(home->store), "UPDATE data_key SET bytes = 1 << 40", err));
    store_close(home->store);
    home->store = NULL;
    FAILS(ERR_CORRUPT, store_open(home->path, &words, NULL, &home->store, err));
}

static void nothing_and_half_made_files_are_no_database(void **state)
{
    struct home *home = *state;
    struct store_info info;
    struct db *db = NULL;

    FAILS(ERR_NOTFOUND, store_open(home->path, &raw_key, NULL, &home->store, err));
    OK(store_peek(home->path, &info, err));
    assert_false(info.exists);
    /* Killed after the file was made and before its tables were. */
    OK(db_open(home_file(home, STORE_FILE), &(struct db_options){.create = true}, &db, err));
    db_close(db);
    FAILS(ERR_NOTFOUND, store_open(home->path, &raw_key, NULL, &home->store, err));
    OK(store_create(home->path, &raw_key, NULL, &home->store, err));
    store_close(home->store);
    home->store = NULL;
    FAILS(ERR_EXISTS, store_create(home->path, &raw_key, NULL, &home->store, err));
}

static void a_foreign_database_is_refused(void **state)
{
    struct home *home = *state;
    struct db *db = NULL;

    OK(db_open(home_file(home, STORE_FILE), &(struct db_options){.create = true}, &db, err));
    OK(db_exec(db, "CREATE TABLE theirs (a); PRAGMA user_version = 1", err));
    db_close(db);
    FAILS(ERR_CORRUPT, store_open(home->path, &raw_key, NULL, &home->store, err));
    FAILS(ERR_CORRUPT, store_create(home->path, &raw_key, NULL, &home->store, err));
}

/* In another process: opens and tells by its exit status what came of it. */
static int opened_elsewhere(const char *path, struct err *seen, int pipe_fd)
{
    struct store *store = NULL;
    int r = store_open(path, &raw_key, NULL, &store, seen);

    store_close(store);
    return write(pipe_fd, seen, sizeof *seen) == sizeof *seen ? -r : 99;
}

static void a_second_process_is_refused_by_name(void **state)
{
    struct home *home = *state;
    struct err seen = {0};
    char pid[32];
    int fds[2], status;
    pid_t child;

    assert_int_equal(pipe(fds), 0);
    if ((child = fork()) == 0)
        _exit(opened_elsewhere(home->path, &seen, fds[1]));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(-WEXITSTATUS(status), ERR_LOCKED);
    assert_int_equal(read(fds[0], &seen, sizeof seen), sizeof seen);
    snprintf(pid, sizeof pid, "process %d ", (int)getpid());
    assert_non_null(strstr(seen.text, pid));
    close(fds[0]);
    close(fds[1]);
}

/* Empty: between taking the lock and writing.  The rest is whatever somebody put there. */
static void a_lock_file_without_a_pid_names_nobody(void **state)
{
    static const char *const texts[] = {"", "-5", "0", "nobody", "99999999999999999999"};
    struct home *home = *state;
    struct store *second = NULL;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct err why = {0};
        FILE *f = fopen(home_file(home, STORE_LOCK_FILE), "w");

        assert_non_null(f);
        fputs(texts[i], f);
        fclose(f);
        assert_int_equal(store_open(home->path, &raw_key, NULL, &second, &why), ERR_LOCKED);
        assert_non_null(strstr(why.text, "in use by another process ("));
    }
}

static void the_lock_goes_with_a_killed_process(void **state)
{
    struct home *home = *state;
    int fds[2], hold[2], status;
    pid_t child;
    char byte;

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(pipe(hold), 0);
    if ((child = fork()) == 0) {
        struct store *store = NULL;

        close(hold[1]);
        if (store_create(home->path, &raw_key, NULL, &store, NULL) != 0 || write(fds[1], "x", 1) != 1)
            _exit(1);
        _exit(read(hold[0], &byte, 1) == 0); /* until it is killed, or this test has failed and gone */
    }
    assert_int_equal(read(fds[0], &byte, 1), 1);
    FAILS(ERR_LOCKED, store_open(home->path, &raw_key, NULL, &home->store, err));
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    OK(store_open(home->path, &raw_key, NULL, &home->store, err));
    for (int i = 0; i < 2; i++) {
        close(fds[i]);
        close(hold[i]);
    }
}

static void readers_see_what_is_committed_and_write_nothing(void **state)
{
    struct home *home = *state;
    struct store *reader = NULL, *other = NULL;
    struct store_mem mem = STORE_MEM_INIT;
    struct slice value;

    OK(store_open_reader(home->store, &reader, err));
    OK(store_open_read_only(home->path, &raw_key, NULL, &other, err));
    OK(store_begin(home->store, DB_NORMAL, err));
    remember(home->store);
    FAILS(ERR_NOTFOUND, store_setting_get(reader, "theme", &mem, &value, err));
    OK(store_commit(home->store, err));
    expect_remembered(reader);
    expect_remembered(other);
    assert_true(store_setting_put(reader, "theme", slice_str("light"), NULL) < 0);
    assert_true(store_setting_put(other, "theme", slice_str("light"), NULL) < 0);
    expect_remembered(home->store);
    store_mem_free(&mem);
    store_close(other);
    store_close(reader);
}

static void what_is_read_together_is_one_state_of_the_database(void **state)
{
    struct home *home = *state;
    struct store *reader = NULL;

    add_group(home->store, 1, STORE_GROUP, NULL);
    OK(store_open_reader(home->store, &reader, err));
    OK(db_begin_reading(store_db(reader), err));
    OK(store_group_find(reader, id16(1), err));
    add_group(home->store, 2, STORE_GROUP, NULL);
    FAILS(ERR_NOTFOUND, store_group_find(reader, id16(2), err));
    db_end_reading(store_db(reader));
    OK(store_group_find(reader, id16(2), err));
    store_close(reader);
}

static void a_closed_home_can_be_read(void **state)
{
    struct home *home = *state;
    struct store *other = NULL;

    remember(home->store);
    store_close(home->store);
    home->store = NULL;
    OK(store_open_read_only(home->path, &raw_key, NULL, &other, err));
    expect_remembered(other);
    store_close(other);
}

static void the_key_file_is_made_once_and_kept_private(void **state)
{
    struct home *home = *state;
    uint8_t made[STORE_KEY_LEN], found[STORE_KEY_LEN];
    struct stat st;
    FILE *f;

    FAILS(ERR_NOTFOUND, store_key_file_read(home->path, found, err));
    OK(store_key_file_create(home->path, &rand_system, made, err));
    OK(store_key_file_read(home->path, found, err));
    assert_memory_equal(made, found, sizeof made);
    FAILS(ERR_EXISTS, store_key_file_create(home->path, &rand_system, made, err));
    assert_int_equal(stat(home_file(home, STORE_KEY_FILE), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    chmod(home_file(home, STORE_KEY_FILE), 0640);
    FAILS(ERR_DENIED, store_key_file_read(home->path, found, err));
    chmod(home_file(home, STORE_KEY_FILE), 0600);
    f = fopen(home_file(home, STORE_KEY_FILE), "w");
    fputs("abcdef\n", f);
    fclose(f);
    FAILS(ERR_MALFORMED, store_key_file_read(home->path, found, err));
}

static bool file_has(const char *path, const char *needle)
{
    static uint8_t data[8 << 20];
    FILE *f = fopen(path, "r");
    size_t n;

    assert_non_null(f);
    n = fread(data, 1, sizeof data, f);
    assert_true(n < sizeof data);
    fclose(f);
    return memmem(data, n, needle, strlen(needle)) != NULL;
}

static int scan_home(const struct home *home, const char *needle)
{
    DIR *dir = opendir(home->path);
    int found = 0;

    for (struct dirent *e; (e = readdir(dir));)
        found += e->d_name[0] != '.' && file_has(home_file(home, e->d_name), needle);
    closedir(dir);
    return found;
}

static void no_file_holds_what_is_sealed(void **state)
{
    struct home *home = *state;

    plant(home->store);
    assert_int_equal(scan_home(home, MARK), 0);
    /* The scan does find what is open: an inbox id. */
    assert_true(scan_home(home, "alix") > 0);
    OK(store_check(home->store, err));
    home_reopen(home);
    assert_int_equal(scan_home(home, MARK), 0);
    assert_true(scan_home(home, "alix") > 0);
}

/* Every sealed column takes part: one bent byte in each is found and named. */
static void a_bent_byte_in_any_sealed_column_is_named(void **state)
{
    static const struct {
        const char *table, *column;
    } columns[] = {
        {"secrets", "value"},
        {"key_packages", "private_part"},
        {"identity_updates", "payload"},
        {"associations", "state"},
        {"identifiers", "identifier"},
        {"group_texts", "name"},
        {"group_texts", "description"},
        {"group_texts", "image_url"},
        {"group_texts", "app_data"},
        {"conversations", "draft"},
        {"messages", "body"},
        {"mls_pieces", "body"},
        {"intents", "data"},
        {"intents", "staged_commit"},
        {"intents", "post_commit"},
        {"user_preferences", "hmac_key"},
        {"preference_outbox", "payload"},
        {"tasks", "data"},
        {"nicknames", "name"},
        {"settings", "value"},
    };
    struct home *home = *state;
    struct err why;
    char sql[400], name[80];

    plant(home->store);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        OK(store_begin(home->store, DB_NORMAL, err));
        snprintf(
            sql, sizeof sql,
            "UPDATE %s SET %s = CAST(substr(%s, 1, 30) || iif(substr(%s, 31, 1) = x'ff', x'00', x'ff') ||"
            " substr(%s, 32) AS BLOB) WHERE %s IS NOT NULL",
            columns[i].table, columns[i].column, columns[i].column, columns[i].column, columns[i].column,
            columns[i].column);
        OK(db_exec(store_db(home->store), sql, err));
        assert_int_equal(store_check(home->store, &why), ERR_CORRUPT);
        snprintf(name, sizeof name, "%s.%s of row ", columns[i].table, columns[i].column);
        assert_non_null(strstr(why.text, name));
        store_rollback(home->store);
    }
    OK(store_check(home->store, err));
}

static void a_sealed_value_moved_to_another_row_does_not_open(void **state)
{
    struct home *home = *state;
    struct store_mem mem = STORE_MEM_INIT;
    struct slice value;
    struct err why;

    OK(store_secret_put(home->store, "a", slice_str("one"), err));
    OK(store_secret_put(home->store, "b", slice_str("two"), err));
    OK(db_exec(store_db(home->store),
               "UPDATE secrets SET value = (SELECT value FROM secrets WHERE name = 'a')", err));
    OK(store_secret_get(home->store, "a", &mem, &value, err));
    assert_int_equal(store_secret_get(home->store, "b", &mem, &value, &why), ERR_CORRUPT);
    assert_string_equal(why.text, "secrets.value of row b is damaged or was moved");
    store_mem_free(&mem);
}

static void deleted_text_leaves_no_trace_in_the_file(void **state)
{
    struct home *home = *state;

    add_group(home->store, 1, STORE_GROUP, NULL);
    OK(db_exec(store_db(home->store), "UPDATE groups SET peer_inbox_id = 'somebody-to-forget'", err));
    OK(store_group_delete(home->store, id16(1), err));
    home_reopen(home);
    assert_int_equal(scan_home(home, "somebody-to-forget"), 0);
}

static void a_key_file_can_be_the_first_thing_in_a_home(void **state)
{
    struct home *home = *state;
    uint8_t key[STORE_KEY_LEN];
    char deep[200];
    struct stat st;

    snprintf(deep, sizeof deep, "%s/b", home->path);
    FAILS(ERR_INVALID, store_home_make("", err));
    OK(store_key_file_create(deep, &rand_system, key, err));
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    OK(store_key_file_read(deep, key, err));
    unlink(home_file(home, "b/" STORE_KEY_FILE));
    rmdir(deep);
}

/* Reads on a thread of its own while the other writes: never half a transaction. */
struct watcher {
    struct store *reader;
    atomic_bool stop;
    int64_t most;
    bool torn, failed;
};

static void *watch(void *ctx)
{
    struct watcher *w = ctx;
    int64_t n;

    while (!atomic_load(&w->stop)) {
        if (store_messages_count(w->reader, 1, STORE_SHOWS_NOT, &n, NULL) != 0)
            w->failed = true;
        w->torn |= n % 3 != 0 || n < w->most;
        w->most = n > w->most ? n : w->most;
    }
    return NULL;
}

static void a_reader_on_another_thread_sees_whole_transactions(void **state)
{
    struct home *home = *state;
    struct watcher w = {0};
    pthread_t thread;

    add_group(home->store, 1, STORE_GROUP, NULL);
    OK(store_open_reader(home->store, &w.reader, err));
    assert_int_equal(pthread_create(&thread, NULL, watch, &w), 0);
    for (unsigned n = 1; n <= 900; n += 3) {
        OK(store_begin(home->store, DB_NORMAL, err));
        for (unsigned i = n; i < n + 3; i++)
            add_text(home->store, i, 1, i * SECOND, "x");
        OK(store_commit(home->store, err));
    }
    atomic_store(&w.stop, true);
    pthread_join(thread, NULL);
    assert_false(w.torn || w.failed);
    store_close(w.reader);
}

/* Opens, writes one thing of each kind, reads it back, closes. */
static int live_once(const char *path, unsigned long fail_at)
{
    const struct store_group_texts texts = {.name = slice_str("a name")};
    const struct store_message m = text_message(2, 1, 9 * SECOND, "text");
    struct store_page_query query = {.conversation = 1, .limit = 10};
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message *rows;
    struct store *store = NULL;
    const char *name;
    size_t count;
    int r;

    alloc_fail_after(fail_at);
    if ((r = store_open(path, &raw_key, NULL, &store, NULL)) == 0 &&
        (r = store_begin(store, DB_NORMAL, NULL)) == 0 &&
        (r = store_message_put(store, &m, NULL, NULL)) == 0 &&
        (r = store_group_set_texts(store, id16(1), &texts, NULL)) == 0 &&
        (r = store_nickname_put(store, STORE_NICKNAME_INBOX, "caro", "Caro", NULL)) == 0 &&
        (r = store_nickname_get(store, STORE_NICKNAME_INBOX, "caro", &mem, &name, NULL)) == 0 &&
        (r = store_messages_page(store, &query, &mem, &rows, &count, NULL)) == 0)
        r = store_commit(store, NULL);
    alloc_fail_after(0);
    store_mem_free(&mem);
    store_close(store);
    return r;
}

static void each_allocation_may_fail_and_nothing_half_done_stays(void **state)
{
    struct home *home = *state;
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message m;
    unsigned long n;
    int r;

    plant(home->store);
    for (n = 1;; n++) {
        store_close(home->store);
        home->store = NULL;
        r = live_once(home->path, n);
        OK(store_open(home->path, &raw_key, NULL, &home->store, err));
        if (r == 0)
            break;
        assert_int_equal(r, ERR_NOMEM);
        expect_planted(home->store);
        FAILS(ERR_NOTFOUND, store_message_get(home->store, id32(2), &mem, &m, err));
    }
    assert_true(n > 8);
    OK(store_message_get(home->store, id32(2), &mem, &m, err));
    store_mem_free(&mem);
}

static int ignore_identifier(void *ctx, int kind, struct slice identifier)
{
    (void)ctx, (void)kind, (void)identifier;
    return 0;
}

static int ignore_update(void *ctx, const struct store_identity_update *row)
{
    (void)ctx, (void)row;
    return 0;
}

static int ignore_preference(void *ctx, const struct store_preference *row)
{
    (void)ctx, (void)row;
    return 0;
}

static int ignore_group(void *ctx, const struct store_group *row)
{
    (void)ctx, (void)row;
    return 0;
}

static int ignore_conversation(void *ctx, const struct store_conversation *row)
{
    (void)ctx, (void)row;
    return 0;
}

static int ignore_consent(void *ctx, const struct store_consent *row)
{
    (void)ctx, (void)row;
    return 0;
}

static int ignore_nickname(void *ctx, enum store_nickname_of of, const char *entity, const char *name)
{
    (void)ctx, (void)of, (void)entity, (void)name;
    return 0;
}

/* Something of every table family written, then all that plant() left read back. */
static int write_each_kind(struct store *s, struct err *e)
{
    const struct slice value = slice_str("another value");
    const struct store_group_texts texts = {value, value, value, value};
    int64_t id;
    int r;

    (void)((r = store_group_set_texts(s, id16(1), &texts, e)) != 0 || (r = store_draft_put(s, 1, value, e)) != 0 ||
        (r = store_secret_put(s, "another", value, e)) != 0 ||
        (r = store_key_package_put(s,
                                   &(struct store_key_package){.ref = id32(11),
                                                               .package = id32(12),
                                                               .private_part = value,
                                                               .init_key = id32(13)},
                                   &id, e)) != 0 ||
        (r = store_identity_update_put(s, &(struct store_identity_update){"bo", 1, 1, 1, value}, NULL, e)) != 0 ||
        (r = store_association_put(s, "bo", 1, value, e)) != 0 ||
        (r = store_inbox_of_put(s, 1, value, "bo", 1, e)) != 0 ||
        (r = store_mls_put(s, id16(1), (struct store_piece){2, 3, 4}, value, e)) != 0 ||
        (r = store_intent_put(s, &(struct store_intent){.kind = 1, .group_id = id16(1), .data = value}, &id, e)) != 0 ||
        (r = store_intent_set_published(s, id, id32(21), value, value, 1, e)) != 0 ||
        (r = store_hmac_key_put(s, value, 2, NULL, e)) != 0 ||
        (r = store_preference_put(s, 0, value, 1, NULL, e)) != 0 ||
        (r = store_task_put(s, &(struct store_task){.kind = 1, .hash = id32(19), .data = value, .expires_at_ns = 9},
                            NULL, e)) != 0 ||
        (r = store_nickname_put(s, STORE_NICKNAME_INBOX, "caro", "Caro", e)) != 0 ||
        (r = store_setting_put(s, "colour", value, e)) != 0);
    return r;
}

static int read_each_kind(struct store *s, struct store_mem *mem, struct err *e)
{
    const struct store_conversations_query all = {0};
    struct store_key_package package;
    struct store_installation self;
    struct store_conversation line;
    struct store_intent intent;
    struct bytes piece = {0};
    struct store_task task;
    const char *text;
    struct slice value;
    int64_t at;
    int r;

    (void)((r = store_conversation_get(s, id16(1), mem, &line, e)) != 0 ||
        (r = store_conversations_each(s, &all, ignore_conversation, NULL, e)) != 0 ||
        (r = store_groups_each(s, ~0u, ignore_group, NULL, e)) != 0 ||
        (r = store_draft_get(s, 1, mem, &value, e)) != 0 || (r = store_secret_get(s, "another", mem, &value, e)) != 0 ||
        (r = store_key_package_find(s, id32(13), mem, &package, e)) != 0 ||
        (r = store_identity_updates_each(s, "bo", 0, 0, ignore_update, NULL, e)) != 0 ||
        (r = store_association_get(s, "bo", 1, mem, &value, e)) != 0 ||
        (r = store_inbox_of_get(s, 1, slice_str("another value"), mem, &text, NULL, e)) != 0 ||
        (r = store_identifiers_of_each(s, "bo", ignore_identifier, NULL, e)) != 0 ||
        (r = store_mls_get(s, id16(1), (struct store_piece){2, 3, 4}, &piece, e)) != 0 ||
        (r = store_intent_by_hash(s, id32(21), mem, &intent, e)) != 0 ||
        (r = store_hmac_key_get(s, mem, &value, &at, e)) != 0 ||
        (r = store_preferences_each(s, ignore_preference, NULL, e)) != 0 ||
        (r = store_task_next(s, 8, mem, &task, e)) != 0 || (r = store_installation_get(s, mem, &self, e)) != 0 ||
        (r = store_consents_each(s, ignore_consent, NULL, e)) != 0 ||
        (r = store_nicknames_each(s, ignore_nickname, NULL, e)) != 0 ||
        (r = store_setting_get(s, "colour", mem, &value, e)) != 0);
    bytes_wipe(&piece);
    return r;
}

static void each_allocation_of_each_verb_may_fail(void **state)
{
    struct home *home = *state;
    unsigned long n;
    int r;

    plant(home->store);
    for (n = 1;; n++) {
        struct store_mem mem = STORE_MEM_INIT;
        struct err why = {0};

        OK(store_begin(home->store, DB_NORMAL, err));
        alloc_fail_after(n);
        if ((r = write_each_kind(home->store, &why)) == 0)
            r = read_each_kind(home->store, &mem, &why);
        alloc_fail_after(0);
        store_rollback(home->store);
        store_mem_free(&mem);
        expect_planted(home->store);
        if (r == 0)
            break;
        if (r != ERR_NOMEM || !*why.text)
            fail_msg("allocation %lu: %d, \"%s\"", n, r, why.text);
    }
    assert_true(n > 15);
}

/* A disk that is full when the key is written leaves nothing beside it. */
static void a_key_that_cannot_be_written_leaves_nothing(void **state)
{
    struct home *home = *state;
    struct rlimit before, small;
    uint8_t key[STORE_KEY_LEN];

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 20;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    FAILS(ERR_IO, store_key_file_create(home->path, &rand_system, key, err));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_not_equal(access(home_file(home, STORE_KEY_FILE ".new"), F_OK), 0);
    assert_int_not_equal(access(home_file(home, STORE_KEY_FILE), F_OK), 0);
    OK(store_key_file_create(home->path, &rand_system, key, err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name)  cmocka_unit_test_setup_teardown(name, home_setup, home_teardown)
#define EMPTY(name) cmocka_unit_test_setup_teardown(name, folder_setup, home_teardown)
        TEST(what_was_written_is_there_after_reopening),
        TEST(home_and_file_are_private),
        TEST(a_home_that_others_may_read_is_closed_when_it_is_opened),
        TEST(a_wrong_key_opens_nothing),
        EMPTY(a_passphrase_opens_and_can_be_changed),
        EMPTY(an_absurd_passphrase_cost_in_the_file_is_refused),
        EMPTY(nothing_and_half_made_files_are_no_database),
        EMPTY(a_foreign_database_is_refused),
        TEST(a_lock_file_without_a_pid_names_nobody),
        TEST(a_second_process_is_refused_by_name),
        EMPTY(the_lock_goes_with_a_killed_process),
        TEST(readers_see_what_is_committed_and_write_nothing),
        TEST(what_is_read_together_is_one_state_of_the_database),
        TEST(a_closed_home_can_be_read),
        EMPTY(the_key_file_is_made_once_and_kept_private),
        EMPTY(a_key_file_can_be_the_first_thing_in_a_home),
        TEST(a_reader_on_another_thread_sees_whole_transactions),
        TEST(no_file_holds_what_is_sealed),
        TEST(a_bent_byte_in_any_sealed_column_is_named),
        TEST(a_sealed_value_moved_to_another_row_does_not_open),
        TEST(deleted_text_leaves_no_trace_in_the_file),
        TEST(each_allocation_may_fail_and_nothing_half_done_stays),
        TEST(each_allocation_of_each_verb_may_fail),
        EMPTY(a_key_that_cannot_be_written_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, crypto_setup, NULL);
}
