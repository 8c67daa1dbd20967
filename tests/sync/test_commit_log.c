/* What an installation puts down of the commits of a group, and how it sees that it may have lost the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mls/mls.h"
#include "store/commit_log.h"
#include "store/groups.h"
#include "sync/group.h"
#include "sync/group_create.h"
#include "sync/group_update.h"
#include "sync/membership.h"
#include "sync/receive.h"
#include "tests/sync/shorthand.h"

#include <stdio.h>
#include <string.h>

/* ---- looking ---- */

struct row {
    enum store_commit_origin origin;
    enum store_commit_result result;
    int64_t sequence_id;
    uint64_t applied_epoch;
    uint8_t last[32], applied[32];
};
static struct row rows[64]; /* newest first */
static size_t n_rows;

static int keep_row(void *ctx, const struct store_commit *row)
{
    struct row *r = &rows[n_rows++];

    (void)ctx;
    *r = (struct row){row->origin, row->result, row->sequence_id, row->applied_epoch, {0}, {0}};
    memcpy(r->last, row->last_authenticator.data, row->last_authenticator.len);
    memcpy(r->applied, row->applied_authenticator.data, row->applied_authenticator.len);
    return 0;
}

/* "origin:result" of each, newest first. */
static const char *log_of(struct peer *p, const uint8_t id[16])
{
    static char text[400];
    size_t at = 0;

    n_rows = 0;
    OK(store_commits_each(p->core.store, slice_of(id, 16), 64, keep_row, NULL, &err));
    for (size_t i = 0; i < n_rows; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%d:%d", i ? " " : "", rows[i].origin,
                               rows[i].result);
    return text;
}

static enum store_fork fork_of(struct peer *p, const uint8_t id[16])
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group row;
    enum store_fork fork;

    OK(store_group_get(p->core.store, slice_of(id, 16), &mem, &row, &err));
    fork = row.fork;
    store_mem_free(&mem);
    return fork;
}

static struct bytes newest_envelope(struct world *w)
{
    struct fake_message *ledger;
    struct bytes copy;
    size_t n = fake_node_messages(w->node, &ledger);

    assert_int_equal(bytes_dup(bytes_slice(&ledger[n - 1].data), &copy), 0);
    return copy;
}

/* ---- one line a commit ---- */

/* MLS takes it, the rules of XMTP do not: the list of members is gone. */
static void commit_without_members(struct world *w, struct peer *by, const uint8_t id[16])
{
    struct slice list, data, extensions;
    struct mls_commit_params params = {.signer = {by->core.self.seed, by->core.self.installation_id},
                                       .extensions = &extensions};
    struct mls_commit_result result;
    struct buf left = BUF_INIT;
    struct group *g;
    uint16_t type;

    OK(group_open(&by->core, id, &g, &err));
    for (list = mls_group_extensions(g->mls); mls_extension_next(&list, &type, &data);)
        if (type != EXT_GROUP_MEMBERSHIP)
            mls_extension_put(&left, type, data);
    extensions = buf_slice(&left);
    OK(mls_commit_create(g->mls, &params, by->core.rand, &result, &err));
    fake_node_inject(w->node, id, bytes_slice(&result.message), true);
    mls_commit_result_free(&result);
    buf_free(&left);
    group_close(&by->core, g);
}

static void one_line_each(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    const char *b_id = b->core.self.inbox_id;
    struct bytes old, damaged, good, data = {0}, hpke = {0}, metadata = {0};
    struct node_welcome_message like;
    struct fake_message *ledger;
    struct group_debug debug;
    struct group *g;
    uint8_t id[16];
    size_t n;

    OK(group_create(&a->core, &(struct group_options){.name = "x"}, NULL, 0, id, &err));
    OK(group_update_key(&a->core, id, &err));
    old = newest_envelope(w);
    old.data[old.len - 1] ^= 1; /* a node takes no bytes twice */
    assert_string_equal(log_of(a, id), "3:1 3:1 1:1"); /* created, settled, renewed */
    for (size_t i = 0; i + 1 < n_rows; i++) {
        assert_memory_equal(rows[i].last, rows[i + 1].applied, 32);
        assert_int_equal(rows[i].applied_epoch, rows[i + 1].applied_epoch + 1);
    }
    n = fake_node_messages(w->node, &ledger);
    assert_int_equal(rows[0].sequence_id, ledger[n - 1].id);
    assert_int_equal(rows[2].sequence_id, 0);
    OK(group_get(&a->core, id, &g, &err));
    OK(group_debug(&a->core, g, &debug, &err));
    group_put(&a->core, g);
    assert_memory_equal(rows[0].applied, debug.epoch_authenticator, 32);

    /* An invitation that does not say where to begin: all that came before is read, and means nothing. */
    OK(group_add_members(&a->core, id, &b_id, 1, &err));
    fake_node_pop_welcome(w->node, &like, &data, &hpke, &metadata);
    fake_node_inject_welcome(w->node, b->core.self.installation_id, bytes_slice(&data), bytes_slice(&hpke),
                             slice_of(NULL, 0));
    peer_sync(b);
    assert_same_epoch(a, b, id);
    assert_string_equal(log_of(b, id), "2:1");

    /* Afterwards what fails is put down, with the reason that everybody can see. */
    OK(group_update_key(&a->core, id, &err));
    peer_sync(b);
    assert_string_equal(log_of(b, id), "4:1 2:1");
    fake_node_inject(w->node, id, bytes_slice(&old), true);
    peer_sync(b);
    assert_string_equal(log_of(b, id), "4:2 4:1 2:1");
    assert_memory_equal(rows[0].last, rows[1].applied, 32);
    assert_memory_equal(rows[0].applied, rows[1].applied, 32);
    OK(group_update_key(&a->core, id, &err));
    damaged = newest_envelope(w);
    damaged.data[damaged.len - 1] ^= 1;
    fake_node_pop(w->node, id, &good);
    fake_node_inject(w->node, id, bytes_slice(&damaged), true);
    fake_node_inject(w->node, id, bytes_slice(&good), true);
    peer_sync(b);
    assert_string_equal(log_of(b, id), "4:1 4:3 4:2 4:1 2:1");
    commit_without_members(w, a, id);
    peer_sync(b);
    assert_string_equal(log_of(b, id), "4:4 4:1 4:3 4:2 4:1 2:1");
    assert_same_epoch(a, b, id);
    assert_int_equal(fork_of(b, id), STORE_FORK_NO);
    bytes_free(&old);
    bytes_free(&damaged);
    bytes_free(&good);
    bytes_free(&data);
    bytes_free(&hpke);
    bytes_free(&metadata);
}

static void each_commit_is_a_line_and_what_led_to_an_invitation_is_none(void **state)
{
    world_run(*state, one_line_each);
}

/* ---- forks ---- */

/* A group of the two; its ledger has lost a commit that `a` has applied. */
static void lose_commit(struct world *w, struct peer *a, struct peer *b, uint8_t id[16])
{
    const char *b_id = b->core.self.inbox_id;
    struct bytes lost = {0};

    OK(group_create(&a->core, &(struct group_options){.name = "x"}, &b_id, 1, id, &err));
    peer_sync(b);
    OK(group_update_key(&a->core, id, &err));
    fake_node_pop(w->node, id, &lost);
    bytes_free(&lost);
}

static void lost_commit(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    const char *b_id = b->core.self.inbox_id;
    uint64_t before, after;
    uint8_t id[16];

    lose_commit(w, a, b, id);
    OK(group_cursor(&b->core, id, &before, &err));
    peer_send(a, id, "of the next epoch");
    assert_int_equal(fork_of(b, id), STORE_FORK_NO);
    peer_sync(b);
    assert_int_equal(fork_of(b, id), STORE_FORK_MAYBE);
    OK(group_cursor(&b->core, id, &after, &err));
    assert_int_equal(after, before + 1);
    assert_string_equal(log_of(b, id), "2:1"); /* a text is no commit */

    /* Asked in again, it is in the group of the others. */
    OK(group_remove_members(&a->core, id, &b_id, 1, &err));
    OK(group_add_members(&a->core, id, &b_id, 1, &err));
    peer_sync(b);
    assert_same_epoch(a, b, id);
    assert_int_equal(fork_of(b, id), STORE_FORK_NO);
    peer_send(a, id, "here again");
    peer_sync(b);
    assert_string_equal(peer_texts(b, id), "here again");
}

static void a_text_of_an_epoch_that_we_do_not_know_shows_a_fork(void **state)
{
    world_run(*state, lost_commit);
}

static void commit_ahead(struct world *w)
{
    struct peer *a = world_installation(w, 1), *b = world_installation(w, 2);
    uint8_t id[16];

    lose_commit(w, a, b, id);
    peer_send(a, id, "in its place"); /* ids come again: the writer's next commit has a new one */
    OK(group_update_key(&a->core, id, &err));
    OK(group_sync(&b->core, id, NULL, &err));
    assert_int_equal(fork_of(b, id), STORE_FORK_MAYBE);
    assert_string_equal(log_of(b, id), "4:2 2:1"); /* this is none of those before the invitation */
}

static void a_commit_of_an_epoch_that_we_do_not_know_is_put_down(void **state)
{
    world_run(*state, commit_ahead);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_commit_is_a_line_and_what_led_to_an_invitation_is_none),
        TEST(a_text_of_an_epoch_that_we_do_not_know_shows_a_fork),
        TEST(a_commit_of_an_epoch_that_we_do_not_know_is_put_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
