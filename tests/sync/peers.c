#include "tests/sync/peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "crypto/crypto.h"
#include "store/groups.h"
#include "store/store.h"
#include "sync/config.h"
#include "sync/content.h"
#include "sync/group.h"
#include "sync/hmac.h"
#include "sync/inboxes.h"
#include "sync/prefs.h"
#include "sync/receive.h"
#include "sync/registration.h"
#include "sync/rpc.h"
#include "sync/send.h"
#include "sync/streams.h"
#include "sync/welcome_receive.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void world_open(struct world *w)
{
    memset(w, 0, sizeof *w);
    assert_int_equal(crypto_init(NULL), 0);
    assert_int_equal(uv_loop_init(&w->loop), 0);
    w->node = fake_node_new();
    fake_node_attach(w->node, &w->loop);
}

static int64_t peer_now(void *ctx)
{
    return clock_system.now_ns(NULL) + ((struct peer *)ctx)->clock_offset_ns;
}

static uint64_t peer_monotonic(void *ctx)
{
    (void)ctx;
    return clock_system.monotonic_ms(NULL);
}

static void count_event(void *ctx, const struct core_event *event)
{
    struct peer *p = ctx;

    p->events[event->kind]++;
    if (p->offline_at >> event->kind & 1)
        p->api.offline = true;
}

static void keep_told(void *ctx, json_t *notification)
{
    json_array_append(((struct peer *)ctx)->told, notification);
}

static void open_core(struct world *w, struct peer *p, bool create)
{
    static const struct core_config config = {.env = (char *)(uintptr_t)"local"};
    static const uint8_t key[32] = {7};
    struct store_key store_key = {STORE_KEY_RAW, {key, sizeof key}};
    struct err err = {0};
    int r;

    memset(&p->core, 0, sizeof p->core);
    p->core.loop = &w->loop;
    p->clock = (struct clock){peer_now, peer_monotonic, p};
    p->core.clock = &p->clock;
    p->core.rand = &rand_system;
    p->core.api = &p->api.base;
    p->core.config = &config;
    r = create ? store_create(p->home, &store_key, NULL, &p->core.store, &err)
               : store_open(p->home, &store_key, NULL, &p->core.store, &err);
    if (r != 0)
        fail_msg("store: %s", err.text);
    assert_int_equal(group_cache_new(&p->core, &err), 0);
    assert_int_equal(registration_load(&p->core, &err), 0);
    core_listen(&p->core, count_event, p);
    if (!p->whole)
        return;
    p->core.notify = keep_told;
    p->core.notify_ctx = p;
    assert_int_equal(prefs_new(&p->core, &err), 0);
    assert_int_equal(streams_new(&p->core, &err), 0);
}

/* A history grows for years: whatever reads all of it takes longer each day, and a small test does not show it. */
static void expect_no_reading_of_all_messages(struct store *store)
{
    sqlite3 *sqlite = db_handle(store_db(store));
    sqlite3_stmt *used[512], *plan;
    size_t n = 0;

    for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(sqlite, s)) != NULL && n < 512;)
        used[n++] = s;
    for (size_t i = 0; i < n; i++) {
        char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sqlite3_sql(used[i]));

        if (sqlite3_prepare_v2(sqlite, sql, -1, &plan, NULL) == SQLITE_OK) /* not: BEGIN and the like */
            while (sqlite3_step(plan) == SQLITE_ROW) {
                const char *step = (const char *)sqlite3_column_text(plan, 3);

                if (strcmp(step, "SCAN messages") == 0 || strcmp(step, "SCAN m") == 0)
                    fail_msg("reads all messages: %s", sqlite3_sql(used[i]));
            }
        sqlite3_finalize(plan);
        sqlite3_free(sql);
    }
}

unsigned peer_runs(struct peer *p, const char *words)
{
    unsigned runs = 0;

    for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(db_handle(store_db(p->core.store)), s)) != NULL;)
        if (strstr(sqlite3_sql(s), words))
            runs += (unsigned)sqlite3_stmt_status(s, SQLITE_STMTSTATUS_RUN, 0);
    return runs;
}

static void close_core(struct peer *p)
{
    expect_no_reading_of_all_messages(p->core.store);
    streams_free(&p->core);
    prefs_free(&p->core);
    inbox_cache_clear(&p->core);
    group_cache_free(&p->core);
    hmac_forget(&p->core);
    store_close(p->core.store);
    free(p->core.pending);
}

struct peer *world_peer(struct world *w)
{
    struct peer *p = NULL;

    for (size_t i = 0; i < sizeof w->peers / sizeof w->peers[0] && !p; i++)
        if (!w->peers[i].home[0])
            p = &w->peers[i];
    assert_non_null(p);
    memset(p, 0, sizeof *p);
    strcpy(p->home, "/tmp/xmtui-sync-XXXXXX");
    assert_non_null(mkdtemp(p->home));
    fake_api_init(&p->api, w->node);
    open_core(w, p, true);
    return p;
}

struct peer *world_installation(struct world *w, uint8_t wallet)
{
    struct peer *p = world_peer(w);
    uint8_t key[32] = {[31] = wallet};
    struct err err = {0};

    if (registration_with_wallet(&p->core, key, &err) != 0)
        fail_msg("registering: %s", err.text);
    assert_true(p->core.self.registered);
    return p;
}

void peer_make_whole(struct peer *p)
{
    struct err err = {0};

    p->whole = true;
    p->told = json_array();
    p->core.notify = keep_told;
    p->core.notify_ctx = p;
    assert_int_equal(prefs_new(&p->core, &err), 0);
    assert_int_equal(streams_new(&p->core, &err), 0);
}

static bool has_ended(void *ctx)
{
    return ((struct peer *)ctx)->core.fibers == 0;
}

void peer_stop(struct world *w, struct peer *p)
{
    streams_cancel(&p->core);
    core_cancel(&p->core);
    world_until(w, "the fibers of a peer have ended", has_ended, p);
}

int peer_try(struct peer *p, const char *method, const char *params, json_t **result, struct err *err)
{
    struct rpc rpc = {.core = &p->core, .store = p->core.store};
    int r;

    rpc.params = params ? json_loads(params, 0, NULL) : json_object();
    assert_non_null(rpc.params);
    r = rpc_run(&rpc, method);
    json_decref(rpc.params);
    json_decref(rpc.error_data);
    *result = rpc.result;
    *err = rpc.err;
    return r;
}

json_t *peer_call(struct peer *p, const char *method, const char *params)
{
    struct err err = {0};
    json_t *result;

    if (peer_try(p, method, params, &result, &err) != 0)
        fail_msg("%s: %s", method, err.text);
    return result;
}

void peer_decide(struct peer *p, enum consent_entity type, const char *entity, const char *state)
{
    char params[256];

    snprintf(params, sizeof params, "{\"records\":[{\"entityType\":\"%s\",\"entity\":\"%s\",\"state\":\"%s\"}]}",
             consent_entity_name(type), entity, state);
    json_decref(peer_call(p, "preferences.setConsent", params));
}

bool peer_is_idle(void *peer)
{
    return ((struct peer *)peer)->core.fibers == 0;
}

/* ---- time ---- */

struct short_wait {
    uv_timer_t timer;
    struct fiber *fiber;
};

static void wait_over(uv_handle_t *handle)
{
    struct short_wait *wait = handle->data;

    fiber_resume(wait->fiber);
}

static void end_wait(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, wait_over);
}

void world_until(struct world *w, const char *what, bool (*done)(void *ctx), void *ctx)
{
    uint64_t began = uv_hrtime();

    while (!done(ctx)) {
        struct short_wait wait = {.fiber = fiber_self()};

        if (uv_hrtime() - began > UINT64_C(10000000000))
            fail_msg("in vain: %s", what);
        uv_timer_init(&w->loop, &wait.timer);
        wait.timer.data = &wait;
        uv_timer_start(&wait.timer, end_wait, 1, 0);
        fiber_suspend();
    }
}

static void let_end(uv_handle_t *handle, void *ctx)
{
    uv_timer_t *timer = (uv_timer_t *)handle;

    (void)ctx;
    if (handle->type == UV_TIMER && uv_is_active(handle))
        uv_timer_start(timer, timer->timer_cb, 0, 0);
}

static bool one_turn_later(void *ctx)
{
    return (*(int *)ctx)++ > 3;
}

void world_let_timers_end(struct world *w)
{
    int turns = 0;

    uv_walk(&w->loop, let_end, NULL);
    world_until(w, "a few turns of the loop", one_turn_later, &turns);
}

void peer_restart(struct world *w, struct peer *p)
{
    close_core(p);
    open_core(w, p, false);
}

void peer_advance(struct peer *p, int64_t seconds)
{
    p->clock_offset_ns += seconds * NS_PER_S;
}

void world_drop(struct world *w, struct peer *p)
{
    char command[128];

    (void)w;
    close_core(p);
    snprintf(command, sizeof command, "rm -rf %s", p->home);
    assert_int_equal(system(command), 0);
    json_decref(p->told);
    p->home[0] = 0;
}

void world_close(struct world *w)
{
    for (size_t i = 0; i < sizeof w->peers / sizeof w->peers[0]; i++)
        if (w->peers[i].home[0])
            world_drop(w, &w->peers[i]);
    fake_node_free(w->node);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    if (fiber_count() == 0) /* else a test has failed in the middle of one */
        fiber_pool_clear();
}

struct run {
    struct world *w;
    void (*body)(struct world *w);
    bool done;
};

static void run_body(void *ctx)
{
    struct run *run = ctx;

    run->body(run->w);
    run->done = true;
}

void world_run(struct world *w, void (*body)(struct world *w))
{
    struct run run = {w, body, false};

    assert_int_equal(fiber_start(run_body, &run, NULL), 0);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_true(run.done);
}

struct sync_list {
    uint8_t ids[64][16];
    size_t n;
};

static int list_group(void *ctx, const struct store_group *row)
{
    struct sync_list *l = ctx;

    if (row->active && l->n < 64)
        memcpy(l->ids[l->n++], row->id.data, 16);
    return 0;
}

void peer_sync(struct peer *p)
{
    struct sync_list l = {.n = 0};
    struct err err = {0};

    if (welcomes_sync(&p->core, NULL, &err) != 0)
        fail_msg("welcomes: %s", err.text);
    assert_int_equal(store_groups_each(p->core.store, ~0u, list_group, &l, &err), 0);
    for (size_t i = 0; i < l.n; i++)
        if (group_sync(&p->core, l.ids[i], NULL, &err) != 0)
            fail_msg("sync: %s", err.text);
}

void peer_send(struct peer *p, const uint8_t id[16], const char *text)
{
    struct bytes content = {0};
    enum send_status status = 0;
    uint8_t message[32];
    struct err err = {0};

    assert_int_equal(content_text(text, &content, &err), 0);
    if (group_send(&p->core, id, bytes_slice(&content), NULL, message, &status, &err) != 0)
        fail_msg("send: %s", err.text);
    bytes_free(&content);
    assert_int_equal(status, SEND_PUBLISHED);
}

const char *peer_texts(struct peer *p, const uint8_t id[16])
{
    static char out[4][4096];
    static unsigned turn;
    char *text = out[turn++ % 4];
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group group;
    struct store_message *rows;
    struct store_page_query query = {.ascending = true, .limit = 1000, .shows_at_least = STORE_SHOWS_MESSAGE};
    size_t n;

    assert_int_equal(store_group_get(p->core.store, slice_of(id, 16), &mem, &group, NULL), 0);
    query.conversation = group.conversation;
    assert_int_equal(store_messages_page(p->core.store, &query, &mem, &rows, &n, NULL), 0);
    text[0] = 0;
    for (size_t i = 0; i < n; i++) {
        char *one = content_preview(rows[i].body, 200);
        if (i > 0)
            strcat(text, "|");
        strncat(text, one ? one : "?", 4000 - strlen(text));
        free(one);
    }
    store_mem_free(&mem);
    return text;
}

void assert_same_epoch(struct peer *a, struct peer *b, const uint8_t id[16])
{
    struct group_debug da, db;
    struct group *ga, *gb;

    assert_int_equal(group_get(&a->core, id, &ga, NULL), 0);
    assert_int_equal(group_get(&b->core, id, &gb, NULL), 0);
    assert_int_equal(group_debug(&a->core, ga, &da, NULL), 0);
    assert_int_equal(group_debug(&b->core, gb, &db, NULL), 0);
    group_put(&a->core, ga);
    group_put(&b->core, gb);
    assert_int_equal(da.epoch, db.epoch);
    assert_memory_equal(da.epoch_authenticator, db.epoch_authenticator, 32);
    assert_int_equal(da.leaves, db.leaves);
}
