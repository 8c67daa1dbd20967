#include "sync/deletion_note.h"

#include "base/err.h"
#include "store/messages.h"
#include "store/removals.h"
#include "sync/core.h"
#include "sync/deletion.h"
#include "sync/group.h"

int deletion_mark(struct core *core, const struct store_message *row, struct err *err)
{
    const char *by = NULL;
    int r = row->shows == STORE_SHOWS_MESSAGE ? deletion_find(core->store, row, &by, err) : 0;

    return r == 0 && by ? store_message_set_shows(core->store, row->id, STORE_SHOWS_DELETED, err) : r;
}

static int mark_target(struct core *core, struct slice id, struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_message row;
    int r = store_message_get(core->store, id, &mem, &row, err);

    if (r == 0)
        r = deletion_mark(core, &row, err);
    store_mem_free(&mem);
    /* It may come later, or not open: no reason to stop here. */
    return r == ERR_NOTFOUND || r == ERR_CORRUPT ? 0 : r;
}

int deletion_note(struct core *core, struct group *g, const struct store_message *deletion, struct err *err)
{
    struct store_deletion row = {.id = deletion->id,
                                 .group_id = deletion->group_id,
                                 .target = deletion->reference,
                                 .by_inbox_id = deletion->sender_inbox_id,
                                 .deleted_at_ns = deletion->sent_at_ns};
    int r;

    if (deletion->reference.len != 32)
        return 0;
    if (group_read_extensions(core, g, NULL) == 0)
        row.by_super_admin = inbox_list_has(&g->ext.mutable_.super_admins, deletion->sender_inbox_id);
    r = store_deletion_put(core->store, &row, err);
    return r == 0 ? mark_target(core, row.target, err) : r;
}
