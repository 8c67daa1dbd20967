/* Fuzz target: invitations as a node hands them out.  The bytes as the outer form, a good one damaged, and bytes
 * sealed well, as a Welcome and as what stands beside it. */
#include "base/alloc.h"
#include "crypto/hpke.h"
#include "fuzz/fuzz.h"
#include "fuzz/mls_world.h"
#include "net/node_api.h"
#include "proto/wire.h"
#include "store/key_packages.h"
#include "store/store.h"
#include "sync/core.h"
#include "sync/welcome_open.h"
#include "sync/welcome_send.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CURSOR 1234567

static char home[64];
static struct core core;
static struct slice init_key;
static struct bytes good, good_metadata;

/* What welcome_batch_send() makes for one of the invited. */
static void seal(struct slice welcome, struct slice metadata, struct bytes *out, struct bytes *out_metadata)
{
    struct buf outer = BUF_INIT, beside = BUF_INIT;
    struct slice info = slice_of(welcome_hpke_info, sizeof welcome_hpke_info);
    uint8_t enc[HPKE_ENC_LEN], *sealed = xm_alloc(welcome.len + AEAD_TAG_LEN), *at;
    struct hpke_context ctx;

    must(sealed && hpke_setup_sender(AEAD_CHACHA20_POLY1305, init_key.data, info, &mls_world()->rand, enc, &ctx) == 0);
    must(hpke_seal(&ctx, slice_of(NULL, 0), welcome, sealed) == 0);
    buf_put_vec(&outer, slice_of(enc, sizeof enc));
    buf_put_vec(&outer, slice_of(sealed, welcome.len + AEAD_TAG_LEN));
    must((at = buf_grow(&beside, metadata.len + AEAD_TAG_LEN)) != NULL);
    must(hpke_seal(&ctx, slice_of(NULL, 0), metadata, at) == 0);
    must(buf_take(&outer, out) == 0 && buf_take(&beside, out_metadata) == 0);
    hpke_wipe(&ctx);
    xm_free(sealed);
}

static int open_one(struct slice data, struct slice metadata, uint64_t *cursor)
{
    struct node_welcome_message w = {.kind = NODE_WELCOME_V1,
                                     .data = data,
                                     .hpke_public_key = init_key,
                                     .wrapper_algorithm = 1,
                                     .metadata = metadata};
    struct opened_welcome opened = {0};
    struct err err = {0};
    int r = welcome_open(&core, &w, &opened, &err);

    must(r == 0 ? opened.mls != NULL : opened.mls == NULL && *err.text);
    if (cursor)
        *cursor = opened.message_cursor;
    mls_group_free(opened.mls);
    return r;
}

static void end(void)
{
    static const char *const files[] = {"xmtui.db", "xmtui.db-wal", "xmtui.db-shm", "xmtui.lock"};
    char path[100];

    store_close(core.store);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", home, files[i]);
        unlink(path);
    }
    rmdir(home);
    bytes_free(&good);
    bytes_free(&good_metadata);
}

static void begin(void)
{
    const struct mls_key_package_bundle *kp = &mls_world()->bob.kp;
    uint8_t key_bytes[32] = {7}, private_part[2 * MLS_KEY_LEN];
    struct store_key key = {STORE_KEY_RAW, slice_of(key_bytes, sizeof key_bytes)};
    struct store_key_package row = {.package = bytes_slice(&kp->data),
                                    .ref = slice_of(kp->ref, sizeof kp->ref),
                                    .private_part = slice_of(private_part, sizeof private_part),
                                    .created_at_ns = 1};
    struct buf metadata = BUF_INIT;
    uint64_t cursor;
    int64_t id;

    init_key = row.init_key = slice_of(kp->init_public, sizeof kp->init_public);
    memcpy(private_part, kp->init_private, MLS_KEY_LEN);
    memcpy(private_part + MLS_KEY_LEN, kp->leaf_private, MLS_KEY_LEN);
    snprintf(home, sizeof home, "%s/fuzz-welcome-XXXXXX", scratch_root());
    must(mkdtemp(home) != NULL && store_create(home, &key, NULL, &core.store, NULL) == 0 && atexit(end) == 0);
    must(store_key_package_put(core.store, &row, &id, NULL) == 0);
    wire_put_u64(&metadata, 1, CURSOR);
    seal(bytes_slice(&mls_world()->welcome), buf_slice(&metadata), &good, &good_metadata);
    buf_free(&metadata);
    must(open_one(bytes_slice(&good), bytes_slice(&good_metadata), &cursor) == 0 && cursor == CURSOR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = slice_of(data, size);
    struct bytes damaged, sealed, metadata;

    if (!core.store)
        begin();
    (void)open_one(input, bytes_slice(&good_metadata), NULL);
    damaged = mls_damage(bytes_slice(&good), data, size);
    (void)open_one(bytes_slice(&damaged), input, NULL);
    seal(input, input, &sealed, &metadata);
    (void)open_one(bytes_slice(&sealed), bytes_slice(&metadata), NULL);
    bytes_free(&damaged);
    bytes_free(&sealed);
    bytes_free(&metadata);
    return 0;
}
