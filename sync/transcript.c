/* GroupUpdated, field by field. */
#include "sync/transcript.h"

#include "base/err.h"
#include "store/groups.h"
#include "store/messages.h"
#include "store/removals.h"
#include "sync/commit_validate.h"
#include "sync/content.h"
#include "sync/core.h"
#include "sync/group.h"
#include "sync/pb.h"
#include "sync/send.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void put_inbox(struct buf *b, uint32_t field, const char *inbox_id)
{
    struct buf part = BUF_INIT;

    pb_put_string(&part, 1, inbox_id);
    pb_put_part(b, field, &part);
    buf_free(&part);
}

static void put_inboxes(struct buf *b, uint32_t field, const struct inbox_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        put_inbox(b, field, list->ids[i]);
}

static void put_change(struct buf *b, const struct field_change *c)
{
    struct buf part = BUF_INIT;

    pb_put_string(&part, 1, c->field);
    if (c->old_value)
        pb_put_text(&part, 2, c->old_value);
    if (c->new_value)
        pb_put_text(&part, 3, c->new_value);
    pb_put_part(b, 4, &part);
    buf_free(&part);
}

static void put_encoded(struct buf *out, struct buf *group_updated)
{
    struct buf type = BUF_INIT;

    pb_put_string(&type, 1, "xmtp.org");
    pb_put_string(&type, 2, "group_updated");
    wire_put_u64(&type, 3, 1);
    pb_put_part(out, 1, &type);
    pb_put_part(out, 4, group_updated);
    buf_free(&type);
}

/* One row, and, where it is to be seen, the event that it is there. */
static int put_row(struct core *core, const uint8_t group_id[16], enum store_message_shows shows, const char *sender,
                   const uint8_t sender_installation[32], const char *key, struct slice content, int64_t sent_at_ns,
                   uint32_t originator, uint64_t sequence_id, struct err *err)
{
    struct core_event event = {.kind = CORE_MESSAGE};
    uint8_t id[32];
    bool added;
    int r;

    message_id(group_id, slice_str(key), content, id);
    r = store_message_put(core->store,
                          &(struct store_message){.id = slice_of(id, 32),
                                                  .group_id = slice_of(group_id, 16),
                                                  .sender_inbox_id = sender,
                                                  .sender_installation_id = slice_of(sender_installation, 32),
                                                  .sent_at_ns = sent_at_ns,
                                                  .inserted_at_ns = core_now_ns(core),
                                                  .kind = STORE_MESSAGE_MEMBERSHIP,
                                                  .status = STORE_PUBLISHED,
                                                  .content_type = CONTENT_GROUP_UPDATED,
                                                  .shows = shows,
                                                  .own = strcmp(sender, core->self.inbox_id) == 0,
                                                  .body = content,
                                                  .originator = originator,
                                                  .sequence_id = (int64_t)sequence_id,
                                                  .idempotency_key = key},
                          &added, err);
    if (r != 0 || !added || shows == STORE_SHOWS_NOT)
        return r;
    memcpy(event.group_id, group_id, 16);
    memcpy(event.message_id, id, 32);
    return core_note(core, &event, err);
}

/* ---- leave requests ---- */

static int list_leaver(void *ctx, struct slice group_id, const char *inbox_id)
{
    (void)group_id;
    return inbox_list_add(ctx, inbox_id);
}

static int clear_leavers(struct core *core, struct slice group, const struct inbox_list *removed, struct err *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < removed->n; i++)
        r = store_leave_delete(core->store, group, removed->ids[i], err);
    return r;
}

/* ---- duplicates of a 1:1 chat ---- */

static int count_group(void *ctx, const struct store_group *row)
{
    (void)row;
    ++*(size_t *)ctx;
    return 0;
}

/* "X was added" once a pair is enough: the other chats with the same person keep quiet about it. */
static int is_duplicate_dm(struct core *core, const struct group *g, bool *yes, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group row;
    size_t n = 0;
    int r;

    *yes = false;
    if (g->type != CONVERSATION_DM)
        return 0;
    if ((r = store_group_get(core->store, slice_of(g->id, 16), &mem, &row, err)) == 0)
        r = store_groups_of_conversation(core->store, row.conversation, count_group, &n, err);
    *yes = n > 1;
    store_mem_free(&mem);
    return r;
}

int transcript_commit(struct core *core, struct group *g, const struct commit_outcome *o, uint64_t created_ns,
                      uint32_t originator, uint64_t sequence_id, struct err *err)
{
    struct slice group = slice_of(g->id, 16);
    struct inbox_list leavers = {0};
    struct buf body = BUF_INIT, content = BUF_INIT;
    char key[24];
    bool duplicate;
    int r;

    if (g->type == CONVERSATION_SYNC || g->type == CONVERSATION_ONESHOT || !commit_outcome_is_visible(o))
        return 0;
    if ((r = is_duplicate_dm(core, g, &duplicate, err)) != 0 || (duplicate && o->n_fields == 0))
        return r;
    if ((r = store_leaves_each(core->store, group, list_leaver, &leavers, err)) != 0)
        goto done;
    pb_put_string(&body, 1, o->actor_inbox_id);
    put_inboxes(&body, 2, &o->added);
    for (size_t i = 0; i < o->removed.n; i++)
        put_inbox(&body, inbox_list_has(&leavers, o->removed.ids[i]) ? 5 : 3, o->removed.ids[i]);
    for (size_t i = 0; i < o->n_fields; i++)
        put_change(&body, &o->fields[i]);
    put_inboxes(&body, 6, &o->admins_added);
    put_inboxes(&body, 7, &o->admins_removed);
    put_inboxes(&body, 8, &o->super_admins_added);
    put_inboxes(&body, 9, &o->super_admins_removed);
    put_encoded(&content, &body);
    snprintf(key, sizeof key, "%" PRIu64, created_ns);
    r = buf_ok(&content)
            ? put_row(core, g->id, STORE_SHOWS_NOTICE, o->actor_inbox_id, o->actor_installation, key,
                      buf_slice(&content), (int64_t)created_ns, originator, sequence_id, err)
            : err_set(err, ERR_NOMEM, "out of memory");
    if (r == 0)
        r = clear_leavers(core, group, &o->removed, err);
done:
    inbox_list_free(&leavers);
    buf_free(&body);
    buf_free(&content);
    return r;
}

/* The fraction of a second has 3, 6 or 9 digits, or is left out: as chrono prints a time for libxmtp. */
static void put_joined_key(uint64_t created_ns, char out[64])
{
    time_t seconds = (time_t)(created_ns / 1000000000);
    unsigned ns = (unsigned)(created_ns % 1000000000);
    struct tm tm;
    size_t n;

    gmtime_r(&seconds, &tm);
    n = strftime(out, 64, "%Y-%m-%d %H:%M:%S", &tm);
    if (ns % 1000 != 0)
        n += (size_t)snprintf(out + n, 64 - n, ".%09u", ns);
    else if (ns % 1000000 != 0)
        n += (size_t)snprintf(out + n, 64 - n, ".%06u", ns / 1000);
    else if (ns != 0)
        n += (size_t)snprintf(out + n, 64 - n, ".%03u", ns / 1000000);
    snprintf(out + n, 64 - n, " UTC_welcome_added");
}

int transcript_joined(struct core *core, const struct group *g, const char *adder_inbox,
                      const uint8_t adder_installation[32], uint64_t created_ns, struct err *err)
{
    struct buf body = BUF_INIT, content = BUF_INIT;
    bool duplicate;
    char key[64];
    int r;

    if ((r = is_duplicate_dm(core, g, &duplicate, err)) != 0)
        return r;
    pb_put_string(&body, 1, adder_inbox);
    put_inbox(&body, 2, core->self.inbox_id);
    put_encoded(&content, &body);
    put_joined_key(created_ns, key);
    /* Not seen, it still makes this one the pair's latest, as it does for everybody else. */
    r = buf_ok(&content) ? put_row(core, g->id, duplicate ? STORE_SHOWS_NOT : STORE_SHOWS_NOTICE, adder_inbox,
                                   adder_installation, key, buf_slice(&content), (int64_t)created_ns, 0, 0, err)
                         : err_set(err, ERR_NOMEM, "out of memory");
    buf_free(&body);
    buf_free(&content);
    return r;
}
