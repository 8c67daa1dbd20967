/* Sealed to the X25519 init key of a key package of ours; the X-Wing and symmetric forms go only to
 * those who advertise them (extensions 0xff03 and 0xff04), which we do not. */
#include "sync/welcome_open.h"

#include "base/err.h"
#include "base/reader.h"
#include "crypto/hpke.h"
#include "mls/mls.h"
#include "net/node_api.h"
#include "proto/wire.h"
#include "store/key_packages.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/welcome_send.h"

#include <string.h>

#define WELCOME_MAX ((size_t)25 << 20)
#define METADATA_MAX 1024

static int open_data(struct hpke_context *ctx, struct slice sealed, struct bytes *out)
{
    int r;

    if (sealed.len < AEAD_TAG_LEN)
        return ERR_MALFORMED;
    out->len = sealed.len - AEAD_TAG_LEN;
    struct buf b = BUF_SECRET;
    uint8_t *at = buf_grow(&b, out->len ? out->len : 1);
    if (!at)
        return ERR_NOMEM;
    if ((r = hpke_open(ctx, slice_of(NULL, 0), sealed, at)) == 0) {
        b.len = out->len;
        r = buf_take(&b, out);
    }
    buf_free(&b);
    return r;
}

static void read_metadata(struct hpke_context *ctx, struct slice sealed, uint64_t *message_cursor)
{
    struct bytes plain = {0};
    struct reader r;
    struct wire_field f;

    /* Whatever is wrong with it, the Welcome counts; the cursor is then 0. */
    if (sealed.len == 0 || sealed.len > METADATA_MAX || open_data(ctx, sealed, &plain) != 0)
        return;
    r = reader_of(bytes_slice(&plain));
    while (wire_next(&r, &f))
        if (f.number == 1 && f.type == WIRE_VARINT && f.value < INT64_MAX)
            *message_cursor = f.value;
    bytes_wipe(&plain);
}

static int unwrap(const struct store_key_package *kp, const struct node_welcome_message *w, struct bytes *welcome,
                  uint64_t *message_cursor, struct err *err)
{
    struct reader rd = reader_of(w->data);
    struct slice enc = read_vec(&rd, 2048), sealed = read_vec(&rd, WELCOME_MAX);
    struct x25519_key key;
    struct hpke_context ctx;
    int r;

    if (!reader_done(&rd))
        return err_set(err, ERR_MALFORMED, "a welcome's outer form of %zu bytes does not parse", w->data.len);
    x25519_from_secret(kp->private_part.data, &key);
    r = hpke_setup_receiver(AEAD_CHACHA20_POLY1305, &key, enc, slice_of(welcome_hpke_info, sizeof welcome_hpke_info),
                            &ctx);
    x25519_wipe(&key);
    if (r != 0)
        return err_set(err, r, "a welcome's key does not fit");
    if ((r = open_data(&ctx, sealed, welcome)) == 0)
        read_metadata(&ctx, w->metadata, message_cursor);
    else
        err_set(err, r, "a welcome does not open");
    hpke_wipe(&ctx);
    return r;
}

int welcome_open(struct core *core, const struct node_welcome_message *w, struct opened_welcome *out,
                 struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_key_package kp;
    struct opened_welcome opened = {0};
    struct mls_join_params join;
    struct mls_config config;
    struct bytes welcome = {0};
    int r;

    if (w->kind != NODE_WELCOME_V1 || w->wrapper_algorithm > 1)
        return err_set(err, ERR_UNSUPPORTED, "a welcome of a form that we do not offer (algorithm %u)",
                       w->wrapper_algorithm);
    if ((r = store_key_package_find(core->store, w->hpke_public_key, &mem, &kp, err)) != 0)
        goto done;
    if (kp.private_part.len < 2 * MLS_KEY_LEN) {
        r = err_set(err, ERR_CORRUPT, "a stored key package does not decode");
        goto done;
    }
    if ((r = unwrap(&kp, w, &welcome, &opened.message_cursor, err)) != 0)
        goto done;
    group_mls_config(&config);
    join = (struct mls_join_params){.welcome = bytes_slice(&welcome),
                                    .key_package = kp.package,
                                    .init_private = kp.private_part.data,
                                    .leaf_private = kp.private_part.data + MLS_KEY_LEN};
    if ((r = mls_group_join(&config, &join, &opened.mls, &opened.adder_leaf, err)) == 0)
        *out = opened;
done:
    bytes_wipe(&welcome);
    store_mem_free(&mem);
    return r;
}
