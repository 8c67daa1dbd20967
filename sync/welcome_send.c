/* One HPKE context a recipient, two seals: the Welcome, then the metadata. */
#include "sync/welcome_send.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/reader.h"
#include "crypto/hpke.h"
#include "net/node_api.h"
#include "proto/wire.h"
#include "sync/core.h"
#include "sync/membership_plan.h"

#include <string.h>

/* The node takes 25 MiB a request and libxmtp sends 50 at most; a chunk is sealed, sent and forgotten,
 * so that inviting hundreds does not hold hundreds of copies of a large Welcome. */
#define CHUNK_BYTES ((size_t)24 << 20)
#define CHUNK_COUNT 50
#define WELCOME_MAX ((size_t)24 << 20)

const uint8_t welcome_hpke_info[21] = "\x13MLS 1.0 MLS_WELCOME";

void welcome_batch_write(struct slice welcome, const struct invitee *invitees, size_t n, struct buf *out)
{
    buf_put_vec(out, welcome);
    for (size_t i = 0; i < n; i++) {
        buf_put(out, invitees[i].installation_id, 32);
        buf_put_u8(out, invitees[i].wrapper_algorithm);
        buf_put_vec(out, invitees[i].wrapper_key);
    }
}

struct sealed {
    uint8_t installation_id[32], wrapper_key[32];
    struct bytes data, metadata;
};

static int seal_one(struct core *core, struct slice welcome, struct slice metadata, struct sealed *out)
{
    struct hpke_context ctx;
    uint8_t enc[HPKE_ENC_LEN];
    struct buf data = BUF_INIT, meta = BUF_INIT;
    size_t mark;
    uint8_t *at;
    int r = hpke_setup_sender(AEAD_CHACHA20_POLY1305, out->wrapper_key,
                              slice_of(welcome_hpke_info, sizeof welcome_hpke_info), core->rand, enc, &ctx);

    if (r != 0)
        return r;
    buf_put_vec(&data, slice_of(enc, sizeof enc));
    mark = buf_begin_vec(&data);
    at = buf_grow(&data, welcome.len + AEAD_TAG_LEN);
    r = at ? hpke_seal(&ctx, slice_of(NULL, 0), welcome, at) : ERR_NOMEM;
    buf_end_vec(&data, mark);
    if (r == 0) {
        at = buf_grow(&meta, metadata.len + AEAD_TAG_LEN);
        r = at ? hpke_seal(&ctx, slice_of(NULL, 0), metadata, at) : ERR_NOMEM;
    }
    hpke_wipe(&ctx);
    if (r == 0 && (r = buf_take(&data, &out->data)) == 0)
        r = buf_take(&meta, &out->metadata);
    buf_free(&data);
    buf_free(&meta);
    return r;
}

static int send_chunk(struct core *core, struct sealed *sealed, size_t n, struct err *err)
{
    struct node_welcome_send *send = xm_calloc(n, sizeof *send);
    int r;

    if (!send)
        return err_set(err, ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        send[i] = (struct node_welcome_send){.kind = NODE_WELCOME_V1,
                                             .installation_key = slice_of(sealed[i].installation_id, 32),
                                             .data = bytes_slice(&sealed[i].data),
                                             .hpke_public_key = slice_of(sealed[i].wrapper_key, 32),
                                             .wrapper_algorithm = 1,
                                             .metadata = bytes_slice(&sealed[i].metadata)};
    r = node_send_welcome_messages(core->api, send, n, err);
    xm_free(send);
    return r;
}

static void chunk_free(struct sealed *sealed, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bytes_free(&sealed[i].data);
        bytes_free(&sealed[i].metadata);
    }
}

int welcome_batch_send(struct core *core, struct slice batch, uint64_t commit_sequence_id, struct err *err)
{
    struct sealed sealed[CHUNK_COUNT];
    struct reader rd = reader_of(batch);
    struct slice welcome = read_vec(&rd, WELCOME_MAX);
    struct buf metadata = BUF_INIT;
    size_t chunk = welcome.len > 0 ? CHUNK_BYTES / welcome.len : CHUNK_COUNT, n = 0;
    int r = 0;

    chunk = chunk < 1 ? 1 : chunk > CHUNK_COUNT ? CHUNK_COUNT : chunk;
    if (!core->api)
        return err_set(err, ERR_OFFLINE, "offline: invitations wait");
    wire_put_u64(&metadata, 1, commit_sequence_id);
    while (r == 0 && reader_left(&rd) > 0) {
        struct slice id = read_bytes(&rd, 32);
        uint8_t algorithm = read_u8(&rd);
        struct slice key = read_vec(&rd, 64);
        if (rd.bad || algorithm != 1 || key.len != 32) {
            r = err_set(err, ERR_CORRUPT, "a queued invitation does not decode");
            break;
        }
        sealed[n] = (struct sealed){0};
        memcpy(sealed[n].installation_id, id.data, 32);
        memcpy(sealed[n].wrapper_key, key.data, 32);
        r = seal_one(core, welcome, buf_slice(&metadata), &sealed[n]);
        n++;
        if (r == ERR_AUTH) { /* a key of small order: nobody can be behind it */
            chunk_free(&sealed[--n], 1);
            r = 0;
        }
        if (r == 0 && n == chunk) {
            r = send_chunk(core, sealed, n, err);
            chunk_free(sealed, n);
            n = 0;
        }
    }
    if (r == 0 && n > 0)
        r = send_chunk(core, sealed, n, err);
    chunk_free(sealed, n);
    buf_free(&metadata);
    return r == 0 ? 0 : err_wrap(err, r, "sending invitations");
}
