/* Disks and files that are not as they should be: each call to the disk fails in turn, a page is damaged, the WAL is
 * cut off, files are missing, the folder cannot be written.  What was confirmed stays, nothing is there by half, and
 * there is a sentence about it. */
#include "tests/store/faulty_vfs.h"
#include "tests/store/help.h"

#include "store/cursors.h"
#include "store/mls_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 2048

/* What sync does for one envelope; see test_crash.c. */
static int receive(struct store *store, unsigned n, struct err *err)
{
    const struct store_message m = text_message(n, 1, n * SECOND, "a text that takes some room on the disk");
    int r;

    if ((r = store_begin(store, DB_DURABLE, err)) != 0)
        return r;
    if ((r = store_mls_put(store, id16(1), group_ratchet, slice_of(&n, sizeof n), err)) == 0 &&
        (r = store_message_put(store, &m, NULL, err)) == 0 &&
        (r = store_cursor_advance(store, id16(1), STORE_CURSOR_APPLICATION, 10, n, NULL, err)) == 0)
        r = store_commit(store, err);
    store_rollback(store);
    return r;
}

/* ---- a disk that fails ---- */

/* Opens, receives three envelopes, moves the WAL into the file.  *done: how many were confirmed. */
static int live_once(const char *path, unsigned from, unsigned *done, struct err *err)
{
    struct store *store = NULL;
    int r = store_open(path, &raw_key, NULL, &store, err);

    *done = from;
    while (r == 0 && *done < from + 3 && (r = receive(store, *done + 1, err)) == 0)
        ++*done;
    if (r == 0)
        r = db_checkpoint(store_db(store), err);
    store_close(store);
    return r;
}

static void fail_each(struct home *home, enum faulty_call call, int for_good)
{
    unsigned had = 0, done, failures = 0;
    struct err why;
    int r;

    for (unsigned at = 1;; at++) {
        why = (struct err){0};
        faulty_vfs_arm(call, at, for_good);
        r = live_once(home->path, had, &done, &why);
        if (!faulty_vfs_disarm())
            break;
        failures++;
        if (r != 0 && (r != ERR_IO || strlen(why.text) < 10))
            fail_msg("call %u of kind %d: %d, \"%s\"", at, (int)call, r, why.text);
        OK(store_open(home->path, &raw_key, NULL, &home->store, err));
        had = expect_whole(home->store);
        /* All that was confirmed; one whose confirmation failed may be there, whole. */
        assert_true(had == done || had == done + 1);
        store_close(home->store);
        home->store = NULL;
    }
    assert_int_equal(r, 0);
    assert_int_equal(done, had + 3);
    assert_true(failures > 0);
}

static void prepare(struct home *home)
{
    add_group(home->store, 1, STORE_GROUP, NULL);
    store_close(home->store);
    home->store = NULL;
}

static void fail_each_of_each_kind(struct home *home, int for_good)
{
    prepare(home);
    for (int call = 0; call < FAULTY_CALLS; call++) {
        fail_each(home, (enum faulty_call)call, for_good);
        home_reopen(home);
        OK(db_exec(store_db(home->store), "DELETE FROM messages; DELETE FROM cursors; DELETE FROM mls_pieces", err));
        store_close(home->store);
        home->store = NULL;
    }
}

static void any_call_to_the_disk_may_fail_once(void **state)
{
    fail_each_of_each_kind(*state, 0);
}

static void a_disk_may_go_away_at_any_call(void **state)
{
    fail_each_of_each_kind(*state, 1);
}

/* ---- files that were damaged ---- */

static uint8_t *read_file(const char *path, size_t *len)
{
    struct stat st;
    uint8_t *data;
    FILE *f;

    assert_int_equal(stat(path, &st), 0);
    *len = (size_t)st.st_size;
    data = malloc(*len + 1);
    f = fopen(path, "r");
    assert_true(data && f);
    assert_int_equal(fread(data, 1, *len, f), *len);
    fclose(f);
    return data;
}

static void write_file(const char *path, const uint8_t *data, size_t len)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    fclose(f);
    assert_int_equal(chmod(path, 0600), 0);
}

static int open_and_check(struct home *home, struct err *why)
{
    struct store *store = NULL;
    int r = store_open(home->path, &raw_key, NULL, &store, why);

    if (r == 0)
        r = store_check(store, why);
    store_close(store);
    return r;
}

static void a_damaged_page_is_found_and_told(void **state)
{
    struct home *home = *state;
    size_t len, damaged = 0;
    uint8_t *good, *bad;
    char path[256];
    struct err why;
    int r;

    plant(home->store);
    OK(db_exec(store_db(home->store), "VACUUM", err)); /* no page that nobody reads */
    store_close(home->store);
    home->store = NULL;
    snprintf(path, sizeof path, "%s", home_file(home, STORE_FILE));
    good = read_file(path, &len);
    bad = malloc(len);
    assert_non_null(bad);
    for (size_t page = 0; page < len / PAGE; page++) {
        for (int how = 0; how < 3; how++) {
            memcpy(bad, good, len);
            for (size_t i = 0; i < PAGE; i++)
                bad[page * PAGE + i] = how == 0 ? 0 : how == 1 ? 0xff : (uint8_t)(bad[page * PAGE + i] ^ (i * 7 + 1));
            if (memcmp(bad, good, len) == 0)
                continue; /* a page in no use, zero already */
            write_file(path, bad, len);
            why = (struct err){0};
            r = open_and_check(home, &why);
            if (r != ERR_CORRUPT || strlen(why.text) < 10)
                fail_msg("page %zu: %d, \"%s\"", page + 1, r, why.text);
            damaged++;
            unlink(home_file(home, STORE_FILE "-wal"));
            unlink(home_file(home, STORE_FILE "-shm"));
        }
    }
    assert_true(damaged > 2 * len / PAGE);
    write_file(path, good, len);
    home_reopen(home);
    expect_planted(home->store);
    free(good);
    free(bad);
}

/* A file cut off by a full disk or a bad copy.  (Of a single byte SQLite says that it is an empty file.) */
static void a_file_that_is_cut_off_is_found_and_told(void **state)
{
    struct home *home = *state;
    uint8_t *good;
    struct err why;
    char path[256];
    size_t len;
    int r;

    plant(home->store);
    store_close(home->store);
    home->store = NULL;
    snprintf(path, sizeof path, "%s", home_file(home, STORE_FILE));
    good = read_file(path, &len);
    for (size_t cut = 2; cut < len; cut += cut < 200 ? 1 : PAGE / 2) {
        write_file(path, good, cut);
        why = (struct err){0};
        r = open_and_check(home, &why);
        if (r != ERR_CORRUPT || strlen(why.text) < 10)
            fail_msg("%zu of %zu bytes: %d, \"%s\"", cut, len, r, why.text);
        unlink(home_file(home, STORE_FILE "-wal"));
        unlink(home_file(home, STORE_FILE "-shm"));
    }
    free(good);
}

/* What the power leaves: the file as it was, and so much of the WAL. */
static void a_wal_cut_off_anywhere_gives_what_was_committed_before(void **state)
{
    struct home *home = *state;
    size_t file_len, wal_len;
    uint8_t *file, *wal;
    unsigned done, before = 0;
    char path[256], wal_path[256];

    prepare(home);
    home_reopen(home);
    for (unsigned n = 1; n <= 12; n++)
        OK(receive(home->store, n, err));
    file = read_file(home_file(home, STORE_FILE), &file_len);
    wal = read_file(home_file(home, STORE_FILE "-wal"), &wal_len);
    assert_true(wal_len > 12 * PAGE);
    store_close(home->store);
    home->store = NULL;
    snprintf(path, sizeof path, "%s", home_file(home, STORE_FILE));
    snprintf(wal_path, sizeof wal_path, "%s", home_file(home, STORE_FILE "-wal"));
    for (size_t cut = 0; cut <= wal_len; cut += cut + 517 > wal_len && cut < wal_len ? wal_len - cut : 517) {
        write_file(path, file, file_len);
        write_file(wal_path, wal, cut);
        unlink(home_file(home, STORE_FILE "-shm"));
        OK(store_open(home->path, &raw_key, NULL, &home->store, err));
        done = expect_whole(home->store);
        assert_true(done >= before && done <= 12);
        before = done;
        store_close(home->store);
        home->store = NULL;
    }
    assert_int_equal(before, 12); /* the whole of it, without the -shm file */
    free(file);
    free(wal);
}

/* ---- a folder that cannot be written ---- */

/* As somebody whom the system does not let through everything.  The exit status: what came of opening, and of
 * making what is not there. */
static int try_as_nobody(const char *path, int fd)
{
    struct store *store = NULL;
    struct err why[2] = {0};
    int opened, made;

    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        return 99;
    opened = store_open(path, &raw_key, NULL, &store, &why[0]);
    store_close(store);
    store = NULL;
    made = store_create(path, &raw_key, NULL, &store, &why[1]);
    store_close(store);
    if (write(fd, why, sizeof why) != sizeof why)
        return 98;
    return opened == ERR_IO && made == ERR_IO ? 0 : 1;
}

static void a_folder_that_cannot_be_written_is_told(void **state)
{
    struct home *home = *state;
    struct err why[2];
    int fds[2], status;
    pid_t child;

    plant(home->store);
    store_close(home->store);
    home->store = NULL;
    unlink(home_file(home, STORE_LOCK_FILE));
    assert_int_equal(pipe(fds), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(home->path, 65534, 65534), 0);
        assert_int_equal(chown(home_file(home, STORE_FILE), 65534, 65534), 0);
    }
    assert_int_equal(chmod(home->path, 0500), 0);
    if ((child = fork()) == 0)
        _exit(try_as_nobody(home->path, fds[1]));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(read(fds[0], why, sizeof why), sizeof why);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("status %d; open: %s; create: %s", status, why[0].text, why[1].text);
    for (int i = 0; i < 2; i++)
        assert_non_null(strstr(why[i].text, "ermission denied"));
    chmod(home->path, 0700);
    if (geteuid() == 0)
        assert_int_equal(chown(home->path, 0, 0), 0);
    home_reopen(home);
    expect_planted(home->store);
    close(fds[0]);
    close(fds[1]);
}

static int setup(void **state)
{
    return crypto_setup(state) == 0 ? faulty_vfs_install() : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, home_setup, home_teardown)
        TEST(any_call_to_the_disk_may_fail_once),
        TEST(a_disk_may_go_away_at_any_call),
        TEST(a_damaged_page_is_found_and_told),
        TEST(a_file_that_is_cut_off_is_found_and_told),
        TEST(a_wal_cut_off_anywhere_gives_what_was_committed_before),
        TEST(a_folder_that_cannot_be_written_is_told),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
