/* Where a transaction runs.  That each is stored and answered is tests/node/test_publish.c's. */
#include "node/batch.h"

#include "base/clock.h"
#include "base/err.h"
#include "node/data.h"
#include "store/db.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/test.h"

enum { QUICK_NS = 200000, SLOW_NS = 30000000 };

static struct fixture {
    uv_loop_t loop;
    struct batch *batch;
    struct node_data data;
    char dir[64];
    pthread_t loop_thread;
    uint64_t now_ns;   /* moved by the transactions alone */
    uint64_t takes_ns; /* what each takes */
    unsigned on_loop, in_pool, announced;
} f;

static uint64_t scripted_hrtime(void)
{
    return f.now_ns;
}

static int check_nothing(struct job *job)
{
    (void)job;
    return 0;
}

static int note_thread(struct job *job, struct node_data *data, struct err *err)
{
    (void)job, (void)data, (void)err;
    f.now_ns += f.takes_ns;
    if (pthread_equal(pthread_self(), f.loop_thread))
        f.on_loop++;
    else
        f.in_pool++;
    return 0;
}

static void note_announced(struct job *job, void *ctx)
{
    (void)job, (void)ctx;
    f.announced++;
}

static const struct job_kind quick = {
    .quick = true, .prepare = check_nothing, .apply = note_thread, .announce = note_announced};
static const struct job_kind thorough = {.prepare = check_nothing, .apply = note_thread, .announce = note_announced};

static void submit(const struct job_kind *kind, size_t bytes)
{
    struct job *job = job_new(kind, NULL);

    assert_non_null(job);
    job->cost = bytes;
    assert_int_equal(batch_submit(f.batch, job, NULL), 0);
}

/* Submits `n` at once, waits for them, and tells how many were stored on the loop. */
static unsigned stored_on_loop(const struct job_kind *kind, unsigned n, size_t bytes, uint64_t takes_ns)
{
    unsigned before = f.on_loop, all = f.announced + n, sum = f.on_loop + f.in_pool + n;

    f.takes_ns = takes_ns;
    for (unsigned i = 0; i < n; i++)
        submit(kind, bytes);
    while (f.announced < all)
        uv_run(&f.loop, UV_RUN_ONCE);
    assert_int_equal(f.on_loop + f.in_pool, sum);
    return f.on_loop - before;
}

static int setup(void **state)
{
    struct batch_config config = {
        .loop = &f.loop, .data = &f.data, .max_jobs = 100, .max_pending_bytes = 1 << 20, .hrtime = scripted_hrtime};
    char path[96];

    (void)state;
    f = (struct fixture){.loop_thread = pthread_self(), .dir = "/tmp/xm-batch-XXXXXX"};
    assert_non_null(mkdtemp(f.dir));
    snprintf(path, sizeof path, "%s/node.db", f.dir);
    uv_loop_init(&f.loop);
    assert_int_equal(node_data_open(path, &clock_system, &f.data, NULL), 0);
    assert_int_equal(batch_open(&config, &f.batch, NULL), 0);
    return 0;
}

static int teardown(void **state)
{
    char command[96];

    (void)state;
    batch_close(f.batch, NULL, NULL);
    uv_run(&f.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f.loop), 0);
    node_data_close(&f.data);
    snprintf(command, sizeof command, "rm -r %s", f.dir);
    return system(command);
}

static void a_quick_job_by_itself_is_stored_on_the_loop_once_the_disk_is_known(void **state)
{
    (void)state;
    assert_int_equal(stored_on_loop(&quick, 1, 500, QUICK_NS), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(stored_on_loop(&quick, 1, 500, QUICK_NS), 1);
    assert_int_equal(batch_count(f.batch), 6);
}

static void several_jobs_signatures_and_long_messages_go_to_the_pool(void **state)
{
    (void)state;
    stored_on_loop(&quick, 1, 500, QUICK_NS);
    assert_int_equal(stored_on_loop(&quick, 2, 500, QUICK_NS), 0);
    assert_int_equal(stored_on_loop(&thorough, 1, 500, QUICK_NS), 0);
    assert_int_equal(stored_on_loop(&quick, 1, BATCH_QUICK_BYTES + 1, QUICK_NS), 0);
    assert_int_equal(stored_on_loop(&quick, 1, BATCH_QUICK_BYTES, QUICK_NS), 1);
}

static void a_slow_disk_never_holds_up_the_loop(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(stored_on_loop(&quick, 1, 500, SLOW_NS), 0);
}

static void a_disk_that_gets_slow_is_left_to_the_pool_until_it_was_quick_for_a_while(void **state)
{
    unsigned in_pool = 0;

    (void)state;
    stored_on_loop(&quick, 1, 500, QUICK_NS);
    assert_int_equal(stored_on_loop(&quick, 1, 500, SLOW_NS), 1); /* nobody could know */
    while (stored_on_loop(&quick, 1, 500, QUICK_NS) == 0)
        in_pool++;
    assert_int_equal(in_pool, 12);
}

/* ---- the WAL ---- */

static off_t size_when_answered;

static off_t database_size(void)
{
    struct stat st;
    char path[96];

    snprintf(path, sizeof path, "%s/node.db", f.dir);
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static int store_much(struct job *job, struct node_data *data, struct err *err)
{
    struct db_query q;

    (void)job;
    db_query(&q, data->writer,
             "INSERT INTO welcomes (created_ns, kind, wrapper_algorithm, installation_key, hash, hpke_public_key,"
             " metadata, data) VALUES (1, 1, 1, x'', randomblob(32), x'', x'', zeroblob(3000000))");
    return db_run(&q, err);
}

static void note_size(struct job *job, void *ctx)
{
    note_announced(job, ctx);
    size_when_answered = database_size();
}

static void nobody_waits_for_the_wal_to_be_moved_into_the_file(void **state)
{
    static const struct job_kind much = {.prepare = check_nothing, .apply = store_much, .announce = note_size};

    (void)state;
    for (unsigned i = 1; i <= 3; i++) {
        off_t before = database_size();

        submit(&much, 500);
        while (f.announced < 2 * i - 1)
            uv_run(&f.loop, UV_RUN_ONCE);
        assert_int_equal(size_when_answered, before);
        submit(&thorough, 500); /* comes while it is moved, and is stored afterwards */
        while (f.announced < 2 * i)
            uv_run(&f.loop, UV_RUN_ONCE);
        assert_true(database_size() > (off_t)i * 3000000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_quick_job_by_itself_is_stored_on_the_loop_once_the_disk_is_known, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(several_jobs_signatures_and_long_messages_go_to_the_pool, setup, teardown),
        cmocka_unit_test_setup_teardown(a_slow_disk_never_holds_up_the_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(a_disk_that_gets_slow_is_left_to_the_pool_until_it_was_quick_for_a_while,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_waits_for_the_wal_to_be_moved_into_the_file, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
