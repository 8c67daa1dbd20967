#include "tests/sync/home.h"

#include "crypto/crypto.h"
#include "store/store.h"
#include "sync/hmac.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

static int64_t now_ns(void *ctx)
{
    return ((struct home *)ctx)->now_ns;
}

static uint64_t monotonic_ms(void *ctx)
{
    return (uint64_t)((struct home *)ctx)->now_ns / 1000000;
}

static void remember(void *ctx, const struct core_event *event)
{
    struct home *home = ctx;

    assert_true(home->n_events < 64);
    home->events[home->n_events++] = *event;
}

void home_open(struct home *home)
{
    uint8_t key_bytes[32] = {7};
    struct store_key key = {STORE_KEY_RAW, slice_of(key_bytes, sizeof key_bytes)};

    memset(home, 0, sizeof *home);
    assert_int_equal(crypto_init(NULL), 0);
    strcpy(home->path, "/tmp/xmtui-home-XXXXXX");
    assert_non_null(mkdtemp(home->path));
    home->now_ns = INT64_C(1795000000000000000);
    home->clock = (struct clock){now_ns, monotonic_ms, home};
    home->core.clock = &home->clock;
    home->core.rand = &rand_system;
    home->core.self.registered = true;
    memset(home->core.self.inbox_id, 'a', INBOX_ID_LEN);
    memset(home->core.self.installation_id, 1, INSTALLATION_ID_LEN);
    assert_int_equal(store_create(home->path, &key, NULL, &home->core.store, NULL), 0);
    core_listen(&home->core, remember, home);
}

void home_close(struct home *home)
{
    char command[128];

    hmac_forget(&home->core);
    free(home->core.pending);
    store_close(home->core.store);
    snprintf(command, sizeof command, "rm -rf '%s'", home->path);
    assert_int_equal(system(command), 0);
}
