#include "sync/open.h"

#include <config.h>

#include "base/alloc.h"
#include "base/i18n.h"
#include "base/log.h"
#include "crypto/crypto.h"
#include "net/node_v3.h"
#include "store/store.h"
#include "sync/account.h"
#include "sync/commit_validate.h"
#include "sync/config.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/hmac.h"
#include "sync/inboxes.h"
#include "sync/local_node.h"
#include "sync/prefs.h"
#include "sync/registration.h"
#include "sync/streams.h"
#include "sync/worker.h"
#include "sync/xmtui/client.h"

#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

const char *xm_version(void)
{
    return PACKAGE_VERSION;
}

enum xm_home_state xm_home_inspect(const char *home)
{
    uint8_t key[STORE_KEY_LEN];
    struct store_info info = {0};
    int r = store_peek(home, &info, NULL);

    /* What is there and cannot be read is no new home: opening it tells what is wrong. */
    if (r == 0 && !info.exists)
        return XM_HOME_NEW;
    if (r == 0 && info.key_kind == STORE_KEY_PASSPHRASE)
        return XM_HOME_NEEDS_PASSPHRASE;
    if (store_key_file_read(home, key, NULL) != 0)
        return XM_HOME_NEEDS_KEY;
    sodium_memzero(key, sizeof key);
    return XM_HOME_KEY_FILE;
}

/* The folder and those above it; what is there stays as it is. */
static int make_home(const char *home, struct err *err)
{
    char path[PATH_MAX];

    if ((size_t)snprintf(path, sizeof path, "%s/", home) >= sizeof path)
        return err_set(err, ERR_INVALID, _("the path of the home is too long"));
    for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = 0;
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return err_set(err, ERR_IO, _("making the folder %s: %s"), path, strerror(errno));
        *at = '/';
    }
    return 0;
}

/* Which key opens the home: the one given, the passphrase given, else the key file, which a new home
 * gets made. */
static int open_store(const struct xm_options *options, struct store **out, struct err *err)
{
    uint8_t key_bytes[STORE_KEY_LEN] = {0};
    struct store_key key = {STORE_KEY_RAW, slice_of(key_bytes, sizeof key_bytes)};
    struct store_info info = {0};
    int r;

    if ((r = store_peek(options->home, &info, err)) != 0)
        return r;
    if (!info.exists && options->only_existing)
        return err_set(err, ERR_NOTFOUND, _("there is no account in %s yet: make one with xmtui init"),
                       options->home);
    if ((r = make_home(options->home, err)) != 0)
        return r;
    if (options->db_key) {
        memcpy(key_bytes, options->db_key, sizeof key_bytes);
    } else if (options->passphrase) {
        key = (struct store_key){STORE_KEY_PASSPHRASE, slice_str(options->passphrase)};
    } else if (info.exists && info.key_kind == STORE_KEY_PASSPHRASE) {
        return err_set(err, ERR_KEY, _("%s is protected by a passphrase"), options->home);
    } else {
        r = store_key_file_read(options->home, key_bytes, err);
        if (r == ERR_NOTFOUND && info.exists)
            return err_set(err, ERR_KEY, _("%s needs its database key (--db-key)"), options->home);
        if (r == ERR_NOTFOUND)
            r = store_key_file_create(options->home, &rand_system, key_bytes, err);
        if (r != 0)
            goto done;
    }
    r = info.exists ? store_open(options->home, &key, NULL, out, err)
                    : store_create(options->home, &key, NULL, out, err);
done:
    sodium_memzero(key_bytes, sizeof key_bytes);
    return r;
}

static void on_link(void *ctx, enum grpc_link link)
{
    struct core *core = ctx;

    log_info("net", "connection to %s: %s", core->config->node_url, grpc_link_name(link));
    core_emit(core, &(struct core_event){.kind = CORE_NETWORK});
}

static int open_network(struct core *core, struct err *err)
{
    struct node_v3_config config = {
        .client = {.url = core->config->node_url,
                   .user_agent = "xmtui/" PACKAGE_VERSION,
                   .libxmtp_version = PROTOCOL_VERSION,
                   .app_version = "xmtui/" PACKAGE_VERSION,
                   .on_link = on_link,
                   .ctx = core},
    };

    return core->offline ? 0 : node_v3_open(core->loop, &config, &core->api, err);
}

static void core_destroy(struct core *core)
{
    if (!core)
        return;
    streams_free(core);
    prefs_free(core);
    inbox_cache_clear(core);
    group_cache_free(core);
    hmac_forget(core);
    account_forget(core);
    store_close(core->store);
    config_free((struct core_config *)core->config);
    sodium_memzero(&core->self, sizeof core->self);
    xm_free(core->pending);
    xm_free(core);
}

int core_open(const struct xm_options *options, uv_loop_t *loop, void (*notify)(void *ctx, json_t *notification),
              void *notify_ctx, struct core **out, struct err *err)
{
    struct core *core = xm_alloc(sizeof *core);
    struct core_config *config = NULL;
    int r;

    if (!core)
        return err_set(err, ERR_NOMEM, "out of memory");
    if ((r = crypto_init(err)) != 0)
        goto failed;
    core->loop = loop;
    core->clock = &clock_system;
    core->rand = &rand_system;
    core->notify = notify;
    core->notify_ctx = notify_ctx;
    core->offline = options->offline;
    core->quiet = options->quiet;
    if ((r = config_new(options, &config, err)) != 0)
        goto failed;
    core->config = config;
    core->env = config->env;
    if ((r = open_store(options, &core->store, err)) != 0 || (r = registration_load(core, err)) != 0 ||
        (r = group_cache_new(core, err)) != 0 || (r = prefs_new(core, err)) != 0 ||
        (r = streams_new(core, err)) != 0 || (r = open_network(core, err)) != 0)
        goto failed;
    *out = core;
    return 0;
failed:
    core_destroy(core);
    return r;
}

void core_start(struct core *core)
{
    worker_start(core);
}

void core_close(struct core *core)
{
    core_destroy(core);
}

int core_open_reader(struct core *core, struct store **out, struct err *err)
{
    return store_open_reader(core->store, out, err);
}

void core_close_reader(struct store *store)
{
    store_close(store);
}
