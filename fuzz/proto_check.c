/* Fuzz target: the same bytes as every message type from outside, checked and unpacked.  What unpacks must
 * pack again, and what it packs to must unpack. */
#include "base/bytes.h"
#include "proto/check.h"
#include "proto/methods.h"
#include "proto/xmtp_backup.pb-c.h"
#include "proto/xmtp_content_types.pb-c.h"
#include "proto/xmtp_device_sync.pb-c.h"
#include "proto/xmtp_mls_message_contents.pb-c.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ProtobufCMessageDescriptor *const others[] = {
    &xmtp__mls__message_contents__plaintext_envelope__descriptor,
    &xmtp__mls__message_contents__encoded_content__descriptor,
    &xmtp__mls__message_contents__group_metadata_v1__descriptor,
    &xmtp__mls__message_contents__group_mutable_metadata_v1__descriptor,
    &xmtp__mls__message_contents__group_membership__descriptor,
    &xmtp__mls__message_contents__group_mutable_permissions_v1__descriptor,
    &xmtp__mls__message_contents__welcome_pointer__descriptor,
    &xmtp__mls__message_contents__plaintext_commit_log_entry__descriptor,
    &xmtp__mls__message_contents__content_types__multi_remote_attachment__descriptor,
    &xmtp__device_sync__content__device_sync_content__descriptor,
    &xmtp__device_sync__backup_element__descriptor,
};

static void try_type(const ProtobufCMessageDescriptor *type, struct slice bytes, struct proto_arena *arena,
                     struct buf *packed)
{
    ProtobufCMessage *msg;

    proto_arena_reset(arena);
    buf_reset(packed);
    if (type == NULL || proto_unpack(type, bytes, arena, &msg, NULL) != 0)
        return;
    proto_pack(packed, msg);
    if (!buf_ok(packed) || proto_unpack(type, buf_slice(packed), arena, &msg, NULL) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proto_arena arena = PROTO_ARENA_INIT;
    struct buf packed = BUF_INIT;
    struct slice bytes = slice_of(data, size);
    size_t i;

    for (i = 0; i < PROTO_METHOD_COUNT; i++) {
        const struct proto_method_info *info = proto_method_info((enum proto_method)i);

        try_type(info->request, bytes, &arena, &packed);
        try_type(info->reply, bytes, &arena, &packed);
    }
    for (i = 0; i < sizeof others / sizeof *others; i++)
        try_type(others[i], bytes, &arena, &packed);
    buf_free(&packed);
    proto_arena_free(&arena);
    return 0;
}
