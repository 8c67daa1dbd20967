#include "node/framing.h"

#include "base/err.h"
#include "mls/mls.h"

int framing_parse(struct slice message, struct framing *out, struct err *err)
{
    struct mls_message_view view;
    int r;

    if (message.len == 0)
        return err_set(err, ERR_MALFORMED, "message is empty");
    if ((r = mls_message_peek(message, &view, err)) != 0)
        return r;
    if (view.wire_format != MLS_WIRE_PUBLIC_MESSAGE && view.wire_format != MLS_WIRE_PRIVATE_MESSAGE)
        return err_set(err, ERR_MALFORMED, "wire format %u is not for a group", view.wire_format);
    if (view.group_id.len == 0)
        return err_set(err, ERR_MALFORMED, "group id is empty");
    if (view.group_id.len != NODE_GROUP_ID_LEN)
        return err_set(err, ERR_MALFORMED, "group id of %zu bytes, not %d", view.group_id.len, NODE_GROUP_ID_LEN);
    out->group_id = view.group_id;
    out->epoch = view.epoch;
    out->is_commit = view.content_type == MLS_CONTENT_COMMIT;
    return 0;
}
