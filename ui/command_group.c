#include "ui/command_group.h"

#include "base/bytes.h"
#include "base/i18n.h"
#include "ui/command_args.h"
#include "ui/sanitize.h"
#include "ui/state.h"

#include <stdio.h>
#include <string.h>

static const char *level_words(const char *level)
{
    if (strcmp(level, "superAdmin") == 0)
        return _("super admin");
    return strcmp(level, "admin") == 0 ? _("admin") : _("member");
}

static void members_shown(struct screen *s, const json_t *members, const json_t *error, const char *arg)
{
    struct buf text = BUF_INIT;
    size_t i;
    const json_t *o;

    if (error) {
        notice(s, STYLE_BAD, "%s", error_text(error));
        return;
    }
    model_put_members(&s->model, arg, members);
    json_array_foreach (members, i, o) {
        char name[200];
        const struct person *p = model_person(&s->model, js_str(o, "inboxId"));
        bool self = strcmp(js_str(o, "inboxId"), s->model.inbox) == 0;

        person_name(&s->model, js_str(o, "inboxId"), name, sizeof name);
        buf_printf(&text, "%s%s  %s  %s  %s\n", name, self ? _(" (you)") : "", p ? p->address : "",
                   level_words(js_str(o, "level")),
                   self ? "" : consent_words(consent_parse(js_str(o, "consent"))));
    }
    buf_put_u8(&text, 0);
    if (buf_ok(&text))
        popup_open_list(s, _("members"), (const char *)text.data);
    buf_free(&text);
}

void run_members(struct screen *s, const struct args *a)
{
    struct chat *c = need_chat(s);

    (void)a;
    if (c)
        screen_fetch(s, "conversation.members", json_pack("{s:s}", "id", c->id), members_shown, c->id);
}

static void group_changed(struct screen *s, const json_t *result, const json_t *error, const char *arg)
{
    struct chat *c = model_chat(&s->model, js_str(result, "id"));
    uint64_t before = c ? c->epoch : 0;

    if (error) {
        notice(s, STYLE_BAD, "%s", error_text(error));
        return;
    }
    c = model_put_chat(&s->model, result);
    if (c)
        c->members = 0;
    s->reload_list = true;
    talk_refresh(s);
    if (c && before && c->epoch == before) /* no commit: they were members already, say */
        notice(s, STYLE_DIM, "%s", _("It was so already; nothing changed."));
    else
        notice(s, STYLE_GOOD, "%s", arg);
}

void run_add(struct screen *s, const struct args *a)
{
    struct chat *c = need_group(s);

    if (c)
        screen_call(s, "conversation.addMembers",
                    json_pack("{s:s, s:o}", "id", c->id, "peers", args_people(s, a, 0)), group_changed, _("added"));
}

void run_kick(struct screen *s, const struct args *a)
{
    struct chat *c = need_group(s);

    if (c)
        screen_call(s, "conversation.removeMembers",
                    json_pack("{s:s, s:o}", "id", c->id, "peers", args_people(s, a, 0)), group_changed, _("removed"));
}

static void update(struct screen *s, const char *field, const char *value)
{
    struct chat *c = need_group(s);

    if (c)
        screen_call(s, "conversation.update", json_pack("{s:s, s:s}", "id", c->id, field, value),
                    group_changed, _("changed"));
}

void run_name(struct screen *s, const struct args *a)
{
    update(s, "name", args_whole(a));
}

static void topic_came(struct screen *s, const json_t *result, const json_t *error, const char *arg)
{
    const char *topic = js_str(result, "description");

    (void)arg;
    if (error)
        notice(s, STYLE_BAD, "%s", error_text(error));
    else if (*topic)
        notice(s, STYLE_NORMAL, _("topic: %s"), topic);
    else
        notice(s, STYLE_DIM, "%s", _("This group has no topic; /topic TEXT gives it one."));
}

void run_topic(struct screen *s, const struct args *a)
{
    struct chat *c;

    if (a->n > 0) {
        update(s, "description", args_whole(a));
        return;
    }
    c = need_group(s);
    if (c)
        screen_call(s, "conversation.get", json_pack("{s:s}", "id", c->id), topic_came, NULL);
}

void run_leave(struct screen *s, const struct args *a)
{
    struct chat *c = need_group(s);
    char question[300], name[200];

    (void)a;
    if (!c)
        return;
    chat_name(&s->model, c, name, sizeof name);
    ask_name(s, name, sizeof name);
    snprintf(question, sizeof question, _("Leave %s? Type yes"), name);
    popup_open_confirm(s, question, _("yes"), "conversation.leave", json_pack("{s:s}", "id", c->id));
}
