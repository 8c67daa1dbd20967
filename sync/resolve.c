#include "sync/resolve.h"

#include "base/err.h"
#include "base/hex.h"
#include "base/i18n.h"
#include "net/node_api.h"
#include "store/groups.h"
#include "store/identity_log.h"
#include "store/installation.h"
#include "store/settings.h"
#include "sync/core.h"
#include "sync/inboxes.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Prefixes shorter than this fit too much to be meant. */
#define PREFIX_MIN 4

static bool is_hex(const char *text)
{
    return *text && strspn(text, "0123456789abcdefABCDEF") == strlen(text);
}

static void lower(const char *from, char *to, size_t room)
{
    size_t i = 0;

    for (; from[i] && i + 1 < room; i++)
        to[i] = (char)tolower((unsigned char)from[i]);
    to[i] = 0;
}

static bool is_address(const char *text)
{
    return strlen(text) == 42 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && is_hex(text + 2);
}

/* ---- matching what we know ---- */

struct search {
    struct store *store;
    char prefix[65];         /* of an id */
    char begin[43], end[43]; /* of an address: 0x9c93, or shortened as the screens do, 0x9c93..c2a7 */
    bool is_theirs;          /* the inbox in hand has such an address */
    const char *nick; /* compared whole, without regard to case */
    unsigned found;
    struct target target;
};

static void take_inbox(struct search *s, const char *inbox_id)
{
    if (s->target.is_inbox && s->found && strcmp(s->target.inbox_id, inbox_id) == 0)
        return;
    s->found++;
    s->target = (struct target){.is_inbox = true};
    snprintf(s->target.inbox_id, sizeof s->target.inbox_id, "%s", inbox_id);
}

static void take_group(struct search *s, const struct store_group *group)
{
    if (!s->target.is_inbox && s->found && memcmp(s->target.group_id, group->id.data, GROUP_ID_LEN) == 0)
        return;
    s->found++;
    s->target = (struct target){0};
    memcpy(s->target.group_id, group->id.data, GROUP_ID_LEN);
    if (group->peer_inbox_id)
        snprintf(s->target.inbox_id, sizeof s->target.inbox_id, "%s", group->peer_inbox_id);
}

static bool begins(const char *id, const char *prefix)
{
    return *prefix && strncmp(id, prefix, strlen(prefix)) == 0;
}

static int match_address(void *ctx, int kind, struct slice identifier)
{
    struct search *s = ctx;
    size_t begin = strlen(s->begin), end = strlen(s->end);

    if (kind == NODE_IDENTIFIER_ETHEREUM && identifier.len >= begin + end &&
        memcmp(identifier.data, s->begin, begin) == 0 &&
        memcmp(identifier.data + identifier.len - end, s->end, end) == 0)
        s->is_theirs = true;
    return 0;
}

static int match_group(void *ctx, const struct store_group *group)
{
    struct search *s = ctx;
    char id[2 * GROUP_ID_LEN + 1];
    int r = 0;

    if (*s->begin && group->peer_inbox_id) {
        s->is_theirs = false;
        r = store_identifiers_of_each(s->store, group->peer_inbox_id, match_address, s, NULL);
        if (r == 0 && s->is_theirs)
            take_inbox(s, group->peer_inbox_id);
    }
    if (r != 0)
        return r;

    hex_encode(group->id.data, GROUP_ID_LEN, id);
    if (begins(id, s->prefix))
        take_group(s, group);
    if (group->peer_inbox_id && begins(group->peer_inbox_id, s->prefix))
        take_inbox(s, group->peer_inbox_id);
    return 0;
}

static int match_nick(void *ctx, enum store_nickname_of of, const char *entity, const char *name)
{
    struct search *s = ctx;

    if (of == STORE_NICKNAME_INBOX && strcasecmp(name, s->nick) == 0)
        take_inbox(s, entity);
    return 0;
}

/* A beginning of an address, with an end of it or without. */
static bool part_of_address(const char *text, struct search *s)
{
    const char *dots = strstr(text, "..");
    size_t begin = dots ? (size_t)(dots - text) : strlen(text);

    if (begin < 2 + PREFIX_MIN || strlen(text) > 42 || text[0] != '0' || (text[1] != 'x' && text[1] != 'X'))
        return false;
    if (strspn(text + 2, "0123456789abcdefABCDEF") != begin - 2 || (dots && dots[2] && !is_hex(dots + 2)))
        return false;
    lower(text, s->begin, begin + 1);
    lower(dots ? dots + 2 : "", s->end, sizeof s->end);
    return true;
}

static int search_known(struct store *store, const char *text, struct search *s, struct err *err)
{
    unsigned types = STORE_TYPE_BIT(STORE_GROUP) | STORE_TYPE_BIT(STORE_DM);
    int r;

    *s = (struct search){.store = store, .nick = text};
    if ((r = store_nicknames_each(store, match_nick, s, err)) != 0 || s->found)
        return r;
    if (is_hex(text) && strlen(text) >= PREFIX_MIN && strlen(text) <= 64)
        lower(text, s->prefix, sizeof s->prefix);
    else if (!part_of_address(text, s))
        return 0;
    return store_groups_each(store, types, match_group, s, err);
}

static int known(struct store *store, const char *text, struct target *out, struct err *err)
{
    struct search s;
    int r = search_known(store, text, &s, err);

    if (r != 0)
        return r;
    if (s.found > 1)
        return err_set(err, ERR_INVALID, _("\"%.40s\" fits %u people or conversations: give more of it"), text,
                       s.found);
    if (!s.found)
        return err_set(err, ERR_NOTFOUND, _("nobody and no conversation known as \"%.70s\""), text);
    *out = s.target;
    return 0;
}

/* The 1:1 chat in use with this inbox (dm_id: groups.md 2.1). */
static int dm_with(struct store *store, const char *inbox_id, uint8_t id[16], struct err *err)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_installation self;
    struct store_group group;
    char dm_id[3 + 64 + 1 + 64 + 1];
    int r = store_installation_get(store, &mem, &self, err);

    if (r == 0) {
        bool self_first = strcmp(self.inbox_id, inbox_id) < 0;

        snprintf(dm_id, sizeof dm_id, "dm:%.64s:%.64s", self_first ? self.inbox_id : inbox_id,
                 self_first ? inbox_id : self.inbox_id);
        r = store_group_by_dm_id(store, dm_id, &mem, &group, err);
    }
    if (r == 0)
        memcpy(id, group.id.data, GROUP_ID_LEN);
    store_mem_free(&mem);
    return r == ERR_NOTFOUND ? err_set(err, r, _("no chat with %.12s... yet"), inbox_id) : r;
}

/* ---- calls ---- */

int resolve_target(struct core *core, const char *text, struct target *out, struct err *err)
{
    struct target t = {.is_inbox = true};
    int r;

    if (is_address(text)) {
        r = inbox_resolve_address(core, text, t.inbox_id, err);
    } else if (strlen(text) == 64 && is_hex(text)) {
        lower(text, t.inbox_id, sizeof t.inbox_id);
        r = 0;
    } else {
        return known(core->store, text, out, err);
    }
    if (r == 0)
        *out = t;
    return r;
}

int resolve_conversation(struct store *store, const char *text, uint8_t id[16], struct err *err)
{
    struct target target;
    uint8_t raw[GROUP_ID_LEN];
    int r;

    if (hex_decode(text, strlen(text), raw, sizeof raw)) {
        r = store_group_find(store, slice_of(raw, sizeof raw), NULL);
        if (r == ERR_NOTFOUND)
            return err_set(err, ERR_NOTFOUND, _("no conversation %s"), text);
        if (r == 0)
            memcpy(id, raw, sizeof raw);
        return r;
    }
    if ((r = known(store, text, &target, err)) != 0)
        return r;
    if (target.is_inbox)
        return dm_with(store, target.inbox_id, id, err);
    memcpy(id, target.group_id, sizeof raw);
    return 0;
}

int resolve_peer(struct core *core, const json_t *peer, char inbox_id[65], struct err *err)
{
    const char *text = json_string_value(peer);
    struct target target;
    int r;

    if (!text)
        text = json_string_value(json_object_get(peer, "inboxId"));
    if (!text)
        text = json_string_value(json_object_get(peer, "address"));
    if (!text)
        return err_set(err, ERR_INVALID, _("a peer is {\"address\"} or {\"inboxId\"} or such a text"));
    if ((r = resolve_target(core, text, &target, err)) != 0)
        return r;
    if (!target.inbox_id[0])
        return err_set(err, ERR_INVALID, _("\"%.70s\" is a group, not a person"), text);
    memcpy(inbox_id, target.inbox_id, sizeof target.inbox_id);
    return 0;
}
