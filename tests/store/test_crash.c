/* A received envelope is done or untouched, whatever ends the work on it: SIGKILL at any statement, SIGKILL
 * at any moment, a full disk. */
#include "tests/store/help.h"

#include "store/cursors.h"
#include "store/mls_state.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What sync does for one envelope; the ratchet piece holds the number of the envelope that moved it last. */
static int receive(struct store *store, unsigned n, enum db_durability durability, struct err *err)
{
    const struct store_message m = text_message(n, 1, n * SECOND, "a text that takes some room on the disk");
    bool seen;
    int r;

    if ((r = store_begin(store, durability, err)) != 0)
        return r;
    if ((r = store_message_seen(store, id16(1), 10, n, &seen, err)) != 0)
        goto done;
    if (!seen && ((r = store_mls_put(store, id16(1), group_ratchet, slice_of(&n, sizeof n), err)) != 0 ||
                  (r = store_message_put(store, &m, NULL, err)) != 0))
        goto done;
    if ((r = store_cursor_advance(store, id16(1), STORE_CURSOR_APPLICATION, 10, n, NULL, err)) == 0)
        r = store_commit(store, err);
done:
    store_rollback(store);
    return r;
}

static void start(struct home *home)
{
    add_group(home->store, 1, STORE_GROUP, NULL);
    store_close(home->store);
    home->store = NULL;
}

static unsigned statements_left;

static int die_at(unsigned what, void *ctx, void *statement, void *sql)
{
    (void)what, (void)ctx, (void)statement, (void)sql;
    if (--statements_left == 0)
        kill(getpid(), SIGKILL);
    return 0;
}

/* Receives envelopes after `from` until killed, telling each on `fd`. */
static void work_until_killed(const char *path, unsigned from, unsigned upto, unsigned die_after, int fd)
{
    struct store *store = NULL;

    if (store_open(path, &raw_key, NULL, &store, NULL) != 0)
        _exit(2);
    if (die_after) {
        statements_left = die_after;
        sqlite3_trace_v2(db_handle(store_db(store)), SQLITE_TRACE_STMT, die_at, NULL);
    }
    for (unsigned n = from + 1; n <= upto; n++) {
        if (receive(store, n, n % 4 ? DB_NORMAL : DB_DURABLE, NULL) != 0)
            _exit(3);
        if (fd >= 0 && write(fd, "x", 1) != 1)
            _exit(4);
    }
    _exit(0); /* not one statement was left to die at */
}

static bool was_killed(pid_t child)
{
    int status;

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static void killed_at_any_statement_an_envelope_is_done_or_untouched(void **state)
{
    struct home *home = *state;
    unsigned deaths = 0, done;
    bool killed;
    pid_t child;

    start(home);
    for (unsigned at = 1;; at++) {
        OK(store_open(home->path, &raw_key, NULL, &home->store, err));
        OK(db_exec(store_db(home->store), "DELETE FROM messages; DELETE FROM cursors; DELETE FROM mls_pieces",
                   err));
        store_close(home->store);
        home->store = NULL;
        if ((child = fork()) == 0)
            work_until_killed(home->path, 0, 4, at, -1);
        killed = was_killed(child);
        OK(store_open(home->path, &raw_key, NULL, &home->store, err));
        done = expect_whole(home->store);
        deaths += killed;
        if (!killed) {
            assert_int_equal(done, 4);
            break;
        }
        assert_true(done < 4);
        for (unsigned n = 1; n <= 4; n++) /* the node sends them all again */
            OK(receive(home->store, n, DB_NORMAL, err));
        assert_int_equal(expect_whole(home->store), 4);
        store_close(home->store);
        home->store = NULL;
    }
    assert_true(deaths >= 24); /* 6 statements or more an envelope */
}

static void killed_at_any_moment_nothing_confirmed_is_lost(void **state)
{
    struct home *home = *state;
    unsigned done = 0, told, wait_for;
    char buffer[4096];
    int fds[2];
    pid_t child;
    ssize_t n;

    start(home);
    for (unsigned round = 0; round < 25; round++) {
        assert_int_equal(pipe(fds), 0);
        if ((child = fork()) == 0)
            work_until_killed(home->path, done, UINT32_MAX, 0, fds[1]);
        close(fds[1]);
        told = 0;
        wait_for = 1 + round * 7919 % 83; /* some way into the work; never the same */
        while (told < wait_for && (n = read(fds[0], buffer, wait_for - told)) > 0)
            told += (unsigned)n;
        kill(child, SIGKILL);
        assert_true(was_killed(child));
        while ((n = read(fds[0], buffer, sizeof buffer)) > 0)
            told += (unsigned)n;
        close(fds[0]);
        OK(store_open(home->path, &raw_key, NULL, &home->store, err));
        /* All that it told of, and perhaps the one that it was about to tell of. */
        n = (ssize_t)expect_whole(home->store);
        assert_true(n == (ssize_t)(done + told) || n == (ssize_t)(done + told + 1));
        done = (unsigned)n;
        store_close(home->store);
        home->store = NULL;
    }
    assert_true(done > 300);
}

/* Receives until it fails, makes room, goes on. */
static void fill_and_go_on(struct home *home, void (*make_room)(struct home *home))
{
    struct err why = {0};
    unsigned n = 1;
    int r;

    while ((r = receive(home->store, n, DB_NORMAL, &why)) == 0)
        assert_true(++n < 20000);
    assert_int_equal(r, ERR_IO);
    assert_non_null(strstr(why.text, "disk full"));
    assert_true(n > 10);
    assert_int_equal(expect_whole(home->store), n - 1);
    assert_int_equal(receive(home->store, n, DB_NORMAL, NULL), ERR_IO);
    make_room(home);
    assert_int_equal(expect_whole(home->store), n - 1);
    for (unsigned upto = n + 100; n <= upto; n++)
        OK(receive(home->store, n, DB_NORMAL, err));
    assert_int_equal(expect_whole(home->store), n - 1);
}

static void room_by_reopening(struct home *home)
{
    home_reopen(home);
}

static void a_full_database_loses_nothing(void **state)
{
    struct home *home = *state;
    const struct store_options small = {.max_pages = 120};

    start(home);
    OK(store_open(home->path, &raw_key, &small, &home->store, err));
    fill_and_go_on(home, room_by_reopening);
}

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void room_by_lifting_the_limit(struct home *home)
{
    (void)home;
    limit_files(RLIM_INFINITY);
}

static void a_full_disk_loses_nothing_and_needs_no_restart(void **state)
{
    struct home *home = *state;

    add_group(home->store, 1, STORE_GROUP, NULL);
    signal(SIGXFSZ, SIG_IGN);
    limit_files(600000);
    fill_and_go_on(home, room_by_lifting_the_limit);
    home_reopen(home);
    expect_whole(home->store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, home_setup, home_teardown)
        TEST(killed_at_any_statement_an_envelope_is_done_or_untouched),
        TEST(killed_at_any_moment_nothing_confirmed_is_lost),
        TEST(a_full_database_loses_nothing),
        TEST(a_full_disk_loses_nothing_and_needs_no_restart),
    };

    return cmocka_run_group_tests(tests, crypto_setup, NULL);
}
