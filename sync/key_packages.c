/* Making, uploading and forgetting our key packages; when, is decided by identity/rotation.h. */
#include "sync/key_packages.h"

#include "base/err.h"
#include "base/log.h"
#include "crypto/ed25519.h"
#include "identity/key_package.h"
#include "identity/rotation.h"
#include "net/node_api.h"
#include "store/installation.h"
#include "store/key_packages.h"
#include "sync/core.h"

#include <string.h>

/* After a failed upload the next one waits a little. */
#define RETRY_NS (5 * NS_PER_S)

/* Keeps the private parts before anybody can use the public ones. */
static int store_bundle(struct core *core, const struct mls_key_package_bundle *bundle, int64_t *id, struct err *err)
{
    uint8_t secret[2 * MLS_KEY_LEN];
    struct store_key_package row = {.ref = slice_of(bundle->ref, MLS_HASH_LEN),
                                    .package = bytes_slice(&bundle->data),
                                    .private_part = slice_of(secret, sizeof secret),
                                    .init_key = slice_of(bundle->init_public, MLS_KEY_LEN),
                                    .created_at_ns = core_now_ns(core)};
    int r;

    memcpy(secret, bundle->init_private, MLS_KEY_LEN);
    memcpy(secret + MLS_KEY_LEN, bundle->leaf_private, MLS_KEY_LEN);
    if ((r = core_begin(core, true, err)) == 0) {
        if ((r = store_key_package_put(core->store, &row, id, err)) == 0)
            r = core_commit(core, err);
        else
            core_rollback(core);
    }
    explicit_bzero(secret, sizeof secret);
    return r;
}

static int note_uploaded(struct core *core, int64_t id, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_installation self;
    int64_t now = core_now_ns(core);
    int r;

    if ((r = core_begin(core, false, err)) != 0)
        return r;
    if ((r = store_key_packages_supersede(core->store, id, rotation_delete_at(now), err)) != 0 ||
        (r = store_installation_get(core->store, &mem, &self, err)) != 0 ||
        (r = store_installation_set_next_rotation(core->store, rotation_after_upload(self.next_rotation_ns, now),
                                                  err)) != 0)
        core_rollback(core);
    else
        r = core_commit(core, err);
    store_mem_free(&mem);
    return r;
}

int key_package_rotate(struct core *core, struct err *err)
{
    struct mls_key_package_bundle bundle = {0};
    struct ed25519_key key;
    int64_t id = 0;
    int r;

    if (!core->api)
        return err_set(err, ERR_OFFLINE, "offline: no key package is uploaded");
    ed25519_from_seed(core->self.seed, &key);
    r = key_package_create(&key, core->self.inbox_id, (uint64_t)(core_now_ns(core) / NS_PER_S), core->rand, &bundle,
                           err);
    ed25519_wipe(&key);
    if (r != 0)
        return r;
    if ((r = store_bundle(core, &bundle, &id, err)) == 0 &&
        (r = node_upload_key_package(core->api, bytes_slice(&bundle.data), err)) == 0)
        r = note_uploaded(core, id, err);
    mls_key_package_bundle_wipe(&bundle);
    return r == 0 ? 0 : err_wrap(err, r, "rotating the key package");
}

int key_package_next_rotation(struct core *core, int64_t *due_ns, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_installation self;
    int r = store_installation_get(core->store, &mem, &self, err);

    if (r == 0)
        *due_ns = self.next_rotation_ns;
    store_mem_free(&mem);
    return r;
}

int key_package_welcome_seen(struct core *core, struct err *err)
{
    int64_t next;
    int r = key_package_next_rotation(core, &next, err);

    if (r != 0)
        return r;
    return store_installation_set_next_rotation(core->store, rotation_after_welcome(next, core_now_ns(core)), err);
}

int key_package_sweep(struct core *core, struct err *err)
{
    return store_key_packages_delete_due(core->store, core_now_ns(core), NULL, err);
}

int key_package_maintain(struct core *core, int64_t *next_ns, struct err *err)
{
    int64_t due = 0, sweep = 0;
    int r;

    if ((r = key_package_next_rotation(core, &due, err)) != 0)
        return r;
    if (rotation_is_due(due, core_now_ns(core)) && !core->offline) {
        struct err why = {0};
        if ((r = key_package_rotate(core, &why)) != 0) {
            log_warn("key_packages", "%s", why.text);
            due = core_now_ns(core) + RETRY_NS;
        } else if ((r = key_package_next_rotation(core, &due, err)) != 0) {
            return r;
        }
    }
    if ((r = key_package_sweep(core, err)) != 0 ||
        (r = store_key_packages_next_delete(core->store, &sweep, err)) != 0)
        return r;
    if (next_ns)
        *next_ns = sweep != 0 && sweep < due ? sweep : due;
    return 0;
}
