#include "ui/message.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/i18n.h"
#include "ui/model.h"
#include "ui/sanitize.h"

#include <stdio.h>
#include <string.h>

void message_clear(struct message *msg)
{
    xm_free(msg->id);
    xm_free(msg->sender);
    xm_free(msg->nick);
    xm_free(msg->body);
    xm_free(msg->reply_to);
    xm_free(msg->quote);
    xm_free(msg->reactions);
    xm_free(msg->type);
    *msg = (struct message){0};
}

void message_type(const json_t *o, char *out, size_t size)
{
    const char *type = js_str(o, "contentType"), *slash = strchr(type, '/');
    const char *from = slash ? slash + 1 : type;

    snprintf(out, size, "%.*s", (int)strcspn(from, ":"), from);
}

/* At most TALK_BODY_MAX bytes are shown, so that one message cannot make the screen slow. */
static char *clean_body(const json_t *text)
{
    const char *from = json_string_value(text);
    size_t len = json_string_length(text), show = len;
    struct buf out = BUF_INIT;
    char *clean;

    if (!from)
        return xm_strdup("");
    if (len > TALK_BODY_MAX)
        for (show = TALK_BODY_MAX; show > 0 && ((uint8_t)from[show] & 0xC0) == 0x80; show--)
            ;
    clean = sanitize(from, show, SANITIZE_BODY);
    if (show == len || !clean)
        return clean ? clean : xm_strdup("");
    buf_put_str(&out, clean);
    buf_printf(&out, _("\n[%zu more bytes not shown]"), len - show);
    buf_put_u8(&out, 0);
    xm_free(clean);
    return buf_ok(&out) ? (char *)out.data : xm_strdup("");
}

/* An inbox in a list: the id itself, or an object with it. */
static const char *inbox_of(const json_t *o)
{
    return json_is_string(o) ? json_string_value(o) : js_str(o, "inboxId");
}

static void name_or_you(struct model *m, const char *inbox, char *out, size_t size)
{
    if (strcmp(inbox, m->inbox ? m->inbox : "") == 0)
        snprintf(out, size, "%s", _("you"));
    else
        person_name(m, inbox, out, size);
}

static void put_names(struct buf *out, struct model *m, const json_t *list)
{
    size_t i;
    const json_t *o;

    json_array_foreach (list, i, o) {
        char name[200];

        name_or_you(m, inbox_of(o), name, sizeof name);
        if (i > 0)
            buf_put_str(out, ", ");
        if (i == 8) { /* a group may gain hundreds at once */
            buf_printf(out, _("%zu more"), json_array_size(list) - i);
            return;
        }
        buf_put_str(out, name);
    }
}

static void put_change(struct buf *out, const char *who, const json_t *change)
{
    const char *field = js_str(change, "field");
    char *before = js_line(change, "old"), *after = js_line(change, "new"), *name = sanitize_str(field, SANITIZE_LINE);

    if (out->len > 0)
        buf_put_u8(out, '\n');
    if (strstr(field, "name") && before && *before)
        buf_printf(out, _("%s renamed the group: %s -> %s"), who, before, after);
    else if (strstr(field, "name"))
        buf_printf(out, _("%s named the group: %s"), who, after);
    else if (strstr(field, "description"))
        buf_printf(out, _("%s changed the topic: %s"), who, after);
    else
        buf_printf(out, _("%s changed %s: %s"), who, name, after);
    xm_free(before);
    xm_free(after);
    xm_free(name);
}

/* "dana added bo": one line for each list of inboxes that is not empty. */
static void put_lists(struct buf *out, struct model *m, const char *who, const json_t *content)
{
    static const struct {
        const char *list, *words;
    } kinds[] = {{"addedInboxes", N_("%s added ")},
                 {"removedInboxes", N_("%s removed ")},
                 {"addedAdmins", N_("%s made admin: ")},
                 {"removedAdmins", N_("%s no longer lets be admin: ")},
                 {"addedSuperAdmins", N_("%s made super admin: ")},
                 {"removedSuperAdmins", N_("%s no longer lets be super admin: ")}};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const json_t *list = json_object_get(content, kinds[i].list);

        if (json_array_size(list) == 0)
            continue;
        if (out->len > 0)
            buf_put_u8(out, '\n');
        buf_printf(out, _(kinds[i].words), who);
        put_names(out, m, list);
    }
}

/* Nobody takes himself out: a super admin's program does, and then tells of it. */
static char *leave_words(struct model *m, const char *sender)
{
    struct buf out = BUF_INIT;
    char who[200];

    name_or_you(m, sender, who, sizeof who);
    buf_printf(&out, _("%s asked to leave"), who);
    buf_put_u8(&out, 0);
    return buf_ok(&out) ? (char *)out.data : xm_strdup("");
}

/* What a group's change says, in words. */
static char *update_words(struct model *m, const char *sender, const json_t *content)
{
    const json_t *left = json_object_get(content, "leftInboxes"), *changes = json_object_get(content, "metadataChanges");
    struct buf out = BUF_INIT;
    char who[200];
    size_t i;
    const json_t *o;

    name_or_you(m, sender, who, sizeof who);
    put_lists(&out, m, who, content);
    if (json_array_size(left) > 0) {
        if (out.len)
            buf_put_u8(&out, '\n');
        put_names(&out, m, left);
        buf_put_str(&out, _(" left"));
    }
    json_array_foreach (changes, i, o)
        put_change(&out, who, o);
    if (out.len == 0)
        buf_printf(&out, _("%s changed the group"), who);
    buf_put_u8(&out, 0);
    if (!buf_ok(&out)) {
        buf_free(&out);
        return xm_strdup("");
    }
    return (char *)out.data;
}

/* Reactions come as [{emoji, count}], or one by one with who and whether added or removed. */
char *message_reactions(const json_t *o)
{
    const json_t *list = json_object_get(o, "reactions"), *r;
    json_t *counts = json_object(), *n;
    struct buf out = BUF_INIT;
    const char *emoji;
    size_t i;

    json_array_foreach (list, i, r) {
        const json_t *content = json_object_get(r, "content") ? json_object_get(r, "content") : r;
        char *clean = js_line(content, "emoji");
        json_int_t by = json_object_get(content, "count") ? js_int(content, "count") : 1;

        if (strcmp(js_str(content, "action"), "removed") == 0)
            by = -by;
        if (clean && *clean)
            json_object_set_new(counts, clean, json_integer(json_integer_value(json_object_get(counts, clean)) + by));
        xm_free(clean);
    }
    json_object_foreach (counts, emoji, n) {
        if (json_integer_value(n) > 0)
            buf_printf(&out, "%s[%s %d]", out.len ? " " : "", emoji, (int)json_integer_value(n));
    }
    json_decref(counts);
    buf_put_u8(&out, 0);
    if (!buf_ok(&out)) {
        buf_free(&out);
        return xm_strdup("");
    }
    return (char *)out.data;
}

enum message_status message_status(const char *name)
{
    if (strcmp(name, "unpublished") == 0)
        return MESSAGE_UNPUBLISHED;
    return strcmp(name, "failed") == 0 ? MESSAGE_FAILED : MESSAGE_PUBLISHED;
}

static char *body_of(struct model *m, const json_t *o, const char *type, bool *system)
{
    const json_t *content = json_object_get(o, "content"), *text = json_object_get(content, "text");
    char clean[64];

    if (strcmp(type, "groupUpdated") == 0 || strcmp(type, "group_updated") == 0 ||
        strcmp(js_str(o, "kind"), "membershipChange") == 0) {
        *system = true;
        return update_words(m, js_str(o, "senderInboxId"), content);
    }
    if (strcmp(type, "leave_request") == 0) {
        *system = true;
        return leave_words(m, js_str(o, "senderInboxId"));
    }
    if (strcmp(js_str(o, "deletedBy"), "sender") == 0)
        return xm_strdup(_("[deleted by the sender]"));
    if (*js_str(o, "deletedBy"))
        return xm_strdup(_("[deleted by an admin]"));
    if (json_is_string(text))
        return clean_body(text);
    text = json_object_get(content, "fallback");
    if (!json_is_string(text))
        text = json_object_get(o, "fallback");
    if (json_is_string(text) && json_string_length(text) > 0)
        return clean_body(text);
    sanitize_into(clean, sizeof clean, type, SANITIZE_LINE);
    {
        struct buf out = BUF_INIT;

        buf_printf(&out, _("[%s: this program cannot show it]"), *clean ? clean : _("unknown content"));
        buf_put_u8(&out, 0);
        return buf_ok(&out) ? (char *)out.data : xm_strdup("");
    }
}

/* The message answered to: an id, an object with one, or only in the content. */
static const char *reference_of(const json_t *o)
{
    const json_t *reply = json_object_get(o, "replyTo");

    if (json_is_string(reply))
        return json_string_value(reply);
    if (json_is_object(reply))
        return js_str(reply, "id");
    return js_str(json_object_get(o, "content"), "reference");
}

/* What says something about another message has no line of its own. */
bool message_is_about_another(const char *type)
{
    return strcmp(type, "reaction") == 0 || strcmp(type, "deleteMessage") == 0 || strcmp(type, "delete") == 0;
}

bool message_fill(struct message *out, struct model *m, const json_t *o)
{
    const struct chat *chat;
    char type[64];

    message_type(o, type, sizeof type);
    if (message_is_about_another(type) || strcmp(type, "readReceipt") == 0 || !*js_str(o, "id"))
        return false;
    out->id = sanitize_str(js_str(o, "id"), SANITIZE_LINE);
    out->sender = sanitize_str(js_str(o, "senderInboxId"), SANITIZE_LINE);
    out->nick = js_line(o, "senderNick");
    out->type = sanitize_str(type, SANITIZE_LINE);
    out->body = body_of(m, o, type, &out->system);
    out->reply_to = sanitize_str(strcmp(type, "reply") == 0 ? reference_of(o) : "", SANITIZE_LINE);
    out->quote = js_line(o, "replyToText");
    out->reactions = message_reactions(o);
    out->sent_ns = js_int(o, "sentAtNs");
    out->status = message_status(js_str(o, "status"));
    chat = model_chat(m, js_str(o, "conversationId"));
    if (out->system && chat && !chat->is_group) { /* that both are in it is no news in a 1:1 chat */
        message_clear(out);
        return false;
    }
    out->own = m->inbox && strcmp(js_str(o, "senderInboxId"), m->inbox) == 0;
    return true;
}
