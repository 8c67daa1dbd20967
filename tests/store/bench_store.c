/* Figures of the store, one line each; not a test.  Usage: bench_store [MESSAGES] */
#include "tests/store/help.h"

#include "base/clock.h"
#include "store/cursors.h"
#include "store/mls_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

/* A busy machine shows in the wall clock, so the processor's own time stands beside it. */
struct watch {
    uint64_t wall_ms;
    clock_t cpu;
};

static struct watch watch_start(void)
{
    return (struct watch){clock_monotonic_ms(&clock_system), clock()};
}

static void tell(const char *what, double count, const char *unit, struct watch *watch)
{
    struct watch now = watch_start();
    double wall = (double)(now.wall_ms - watch->wall_ms + 1) / 1000;
    double cpu = (double)(now.cpu - watch->cpu + 1) / CLOCKS_PER_SEC;

    if (strcmp(unit, "ms") == 0)
        printf("%-40s %9.2f ms    cpu %9.2f ms\n", what, wall * 1000 / count, cpu * 1000 / count);
    else
        printf("%-40s %9.0f /s    cpu %9.0f /s\n", what, count / wall, count / cpu);
    *watch = watch_start();
}

static const char body[] =
    "Some text of a usual length, as people write them in a chat: not long, not short.";

static void put(struct store *store, unsigned n)
{
    add_text(store, n, 1 + n % 100, n * SECOND, body);
}

static void envelope(struct store *store, unsigned n)
{
    static const uint8_t ratchet[120];
    struct bytes piece = {0};
    bool seen;

    OK(store_begin(store, DB_NORMAL, err));
    OK(store_message_seen(store, id16(1), 10, n, &seen, err));
    if (store_mls_get(store, id16(1), (struct store_piece){1, 1, n % 3}, &piece, NULL) == 0)
        bytes_wipe(&piece);
    OK(store_mls_put(store, id16(1), (struct store_piece){1, 1, n % 3}, slice_of(ratchet, sizeof ratchet),
                     err));
    add_text(store, n, 1, n * SECOND, body);
    OK(store_cursor_advance(store, id16(1), STORE_CURSOR_APPLICATION, 10, n, NULL, err));
    OK(store_commit(store, err));
}

static void writing(struct store *store, unsigned count)
{
    struct watch watch = watch_start();
    unsigned n = 0, upto;

    for (upto = count / 5; n < upto; n++) {
        OK(store_begin(store, DB_NORMAL, err));
        put(store, n + 1);
        OK(store_commit(store, err));
    }
    tell("one message a transaction, normal", count / 5, "/s", &watch);
    for (upto = n + count / 5; n < upto; n++)
        envelope(store, n + 1);
    tell("received envelope, normal", count / 5, "/s", &watch);
    for (upto = n + 300; n < upto; n++) {
        OK(store_begin(store, DB_DURABLE, err));
        put(store, n + 1);
        OK(store_commit(store, err));
    }
    tell("one message a transaction, durable", 300, "/s", &watch);
    OK(store_begin(store, DB_NORMAL, err));
    for (upto = count - n; n < count; n++)
        put(store, n + 1);
    OK(store_commit(store, err));
    tell("all in one transaction", upto, "/s", &watch);
}

static int nothing_line(void *ctx, const struct store_conversation *row)
{
    (void)row;
    ++*(int *)ctx;
    return 0;
}

static int nothing_message(void *ctx, const struct store_message *row)
{
    *(int *)ctx += strstr((const char *)row->body.data, "never there") != NULL;
    return 0;
}

static void reading(struct store *store)
{
    struct store_page_query query = {.conversation = conversation_of(store, 1), .limit = 50};
    struct store_mem mem = STORE_MEM_INIT;
    struct watch watch = watch_start();
    struct store_message *rows;
    size_t got;
    int n = 0;

    for (int i = 0; i < 5000; i++) {
        store_mem_reset(&mem);
        OK(store_messages_page(store, &query, &mem, &rows, &got, err));
        query.from_ns = got == 50 ? rows[49].sent_at_ns : 0;
        query.from_n = got == 50 ? rows[49].n : 0;
    }
    tell("page of 50", 5000, "/s", &watch);
    for (int i = 0; i < 50; i++)
        OK(store_conversations_each(store, &(struct store_conversations_query){0}, nothing_line, &n, err));
    tell("list of 100 conversations", 50, "ms", &watch);
    for (int i = 0; i < 50; i++)
        OK(store_conversations_each(store, &(struct store_conversations_query){.bare = true}, nothing_line,
                                    &n, err));
    tell("the same, bare", 50, "ms", &watch);
    OK(store_messages_scan(store, 0, STORE_SHOWS_MESSAGE, NULL, nothing_message, &n, err));
    tell("search through all", 1, "ms", &watch);
    OK(store_check(store, err));
    tell("check of everything", 1, "ms", &watch);
    store_mem_free(&mem);
}

int main(int argc, char **argv)
{
    unsigned count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100000;
    void *state = NULL;
    struct home *home;
    struct stat st;

    crypto_setup(NULL);
    if (home_setup(&state) != 0)
        return 1;
    home = state;
    for (unsigned g = 1; g <= 100; g++)
        add_group(home->store, g, STORE_GROUP, NULL);
    writing(home->store, count);
    reading(home->store);
    db_checkpoint(store_db(home->store), NULL);
    if (stat(home_file(home, STORE_FILE), &st) == 0)
        printf("%u messages take %.1f MB\n", count, (double)st.st_size / 1e6);
    return home_teardown(&state);
}
