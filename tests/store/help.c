#include "tests/store/help.h"

#include "crypto/crypto.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t raw_bytes[STORE_KEY_LEN] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                                 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                                 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
const struct store_key raw_key = {STORE_KEY_RAW, {raw_bytes, sizeof raw_bytes}};

int crypto_setup(void **state)
{
    (void)state;
    return crypto_init(NULL);
}

int folder_setup(void **state)
{
    struct home *home = calloc(1, sizeof *home);
    const char *tmp = getenv("TMPDIR");

    if (!home)
        return -1;
    snprintf(home->path, sizeof home->path, "%s/xm-store-XXXXXX", tmp ? tmp : "/tmp");
    *state = home;
    return mkdtemp(home->path) ? 0 : -1;
}

int home_setup(void **state)
{
    struct err err = {0};
    struct home *home;

    if (folder_setup(state) != 0)
        return -1;
    home = *state;
    if (store_create(home->path, &raw_key, NULL, &home->store, &err) != 0) {
        print_error("%s\n", err.text);
        return -1;
    }
    return 0;
}

int home_teardown(void **state)
{
    struct home *home = *state;
    DIR *dir;

    store_close(home->store);
    if ((dir = opendir(home->path))) {
        for (struct dirent *e; (e = readdir(dir));)
            unlinkat(dirfd(dir), e->d_name, 0);
        closedir(dir);
    }
    rmdir(home->path);
    free(home);
    return 0;
}

void home_reopen(struct home *home)
{
    store_close(home->store);
    home->store = NULL;
    OK(store_open(home->path, &raw_key, NULL, &home->store, err));
}

char *home_file(const struct home *home, const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", home->path, name);
    return path;
}

static struct slice id_of(unsigned n, size_t len)
{
    static uint8_t space[8][32];
    static unsigned at;
    uint8_t *out = space[at++ % 8];

    memset(out, 0xa5, len);
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(n >> (24 - 8 * i));
    return slice_of(out, len);
}

struct slice id16(unsigned n)
{
    return id_of(n, 16);
}

struct slice id32(unsigned n)
{
    return id_of(n, 32);
}

void add_group(struct store *store, unsigned id, enum store_group_type type, const char *dm_id)
{
    const struct store_group group = {
        .id = id16(id),
        .type = type,
        .membership = STORE_MEMBER_ALLOWED,
        .dm_id = dm_id,
        .peer_inbox_id = dm_id ? "bo" : NULL,
        .creator_inbox_id = "alix",
        .added_by_inbox_id = "alix",
        .created_at_ns = id * SECOND,
        .active = true,
        .trusted = type == STORE_SYNC,
    };

    OK(store_group_put(store, &group, err));
}

struct store_message text_message(unsigned id, unsigned group, int64_t sent_at_ns, const char *text)
{
    return (struct store_message){
        .id = id32(id),
        .group_id = id16(group),
        .sender_inbox_id = "bo",
        .sender_installation_id = id32(7777),
        .sent_at_ns = sent_at_ns,
        .inserted_at_ns = sent_at_ns + 1,
        .kind = STORE_MESSAGE_APPLICATION,
        .status = STORE_PUBLISHED,
        .content_type = 1,
        .shows = STORE_SHOWS_MESSAGE,
        .should_push = true,
        .body = slice_str(text),
        .originator = 10,
        .sequence_id = id,
        .idempotency_key = "1700000000000000000",
    };
}

void add_text(struct store *store, unsigned id, unsigned group, int64_t sent_at_ns, const char *text)
{
    const struct store_message m = text_message(id, group, sent_at_ns, text);
    bool added = false;

    OK(store_message_put(store, &m, &added, err));
    assert_true(added);
}

int64_t conversation_of(struct store *store, unsigned group)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group g;
    int64_t n;

    OK(store_group_get(store, id16(group), &mem, &g, err));
    n = g.conversation;
    store_mem_free(&mem);
    return n;
}
