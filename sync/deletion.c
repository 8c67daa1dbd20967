#include "sync/deletion.h"

#include "store/messages.h"
#include "store/removals.h"
#include "sync/content.h"

#include <string.h>

struct claims {
    const struct store_message *row;
    const char *by; /* "sender", "admin" or NULL */
};

static int weigh_claim(void *ctx, const struct store_deletion *claim)
{
    struct claims *c = ctx;

    if (!slice_eq(claim->group_id, c->row->group_id) || !claim->by_inbox_id)
        return 0;
    if (c->row->sender_inbox_id && strcmp(claim->by_inbox_id, c->row->sender_inbox_id) == 0)
        c->by = "sender";
    else if (claim->by_super_admin && !c->by)
        c->by = "admin";
    return 0;
}

static bool may_be_deleted(const struct store_message *row)
{
    switch (row->content_type) {
    case CONTENT_TEXT:
    case CONTENT_MARKDOWN:
    case CONTENT_REPLY:
    case CONTENT_ATTACHMENT:
    case CONTENT_REMOTE_ATTACHMENT:
    case CONTENT_MULTI_REMOTE_ATTACHMENT:
    case CONTENT_TRANSACTION_REFERENCE:
    case CONTENT_WALLET_SEND_CALLS:
        return row->kind == STORE_MESSAGE_APPLICATION;
    default:
        return false;
    }
}

int deletion_find(struct store *store, const struct store_message *row, const char **by, struct err *err)
{
    struct claims claims = {.row = row};
    int r = may_be_deleted(row) ? store_deletions_of(store, row->id, weigh_claim, &claims, err) : 0;

    *by = claims.by;
    return r;
}
