/* What is written: sending it, keeping it as a draft, setting it aside for a command. */
#include "base/alloc.h"
#include "base/i18n.h"
#include "ui/state.h"

#include <stdio.h>
#include <string.h>

#define DRAFT_PAUSE_MS 1000 /* a pause in typing after which the draft is saved */

/* ---- sending ---- */

void reply_clear(struct screen *s)
{
    xm_free(s->reply_to);
    xm_free(s->reply_words);
    xm_free(s->accepts);
    s->reply_to = s->reply_words = s->accepts = NULL;
}

static void sent(struct screen *s, const json_t *result, const json_t *error, const char *arg)
{
    if (error) {
        talk_own_sent(s, arg, "", MESSAGE_FAILED);
        notice(s, STYLE_BAD, _("not sent: %s"), error_text(error));
        return;
    }
    talk_own_sent(s, arg, js_str(result, "messageId"),
                  strcmp(js_str(result, "status"), "published") == 0 ? MESSAGE_PUBLISHED : MESSAGE_UNPUBLISHED);
    s->reload_network = true;
    if (strcmp(js_str(result, "status"), "published") != 0)
        notice(s, STYLE_WARN, "%s", _("No network: kept in the outbox, sent when it is back."));
}

void send_text(struct screen *s, const char *chat, const char *text, const char *reply_to)
{
    json_t *params = json_pack("{s:s}", "id", chat);
    struct chat *c = model_chat(&s->model, chat);
    char local[40];

    if (reply_to && *reply_to)
        json_object_set_new(params, "content",
                            json_pack("{s:s, s:s, s:s}", "type", "reply", "reference", reply_to, "text", text));
    else
        json_object_set_new(params, "text", json_string(text));
    snprintf(local, sizeof local, "local %llu", (unsigned long long)++s->local_ids);
    if (s->talk.chat && strcmp(s->talk.chat, chat) == 0)
        talk_add_own(s, local, text, reply_to ? reply_to : "");
    if (c) {
        c->activity_ns = s->now_ns;
        c->draft = false;
    }
    screen_call(s, "conversation.send", params, sent, local);
}

/* A reply to somebody unknown or denied allows them on the wire, so it is said before it is done. */
static bool may_send(struct screen *s, struct chat *c)
{
    char name[200];

    if (chat_consent(&s->model, c) == CONSENT_ALLOWED)
        return true;
    if (s->accepts && strcmp(s->accepts, c->id) == 0) {
        const char *target = c->id;

        xm_free(s->accepts);
        s->accepts = NULL;
        s->talk.peek = false;
        decide(s, CONSENT_ALLOWED, &target, 1);
        return true;
    }
    xm_free(s->accepts);
    s->accepts = xm_strdup(c->id);
    chat_name(&s->model, c, name, sizeof name);
    notice(s, STYLE_WARN, _("sending will accept %s, Enter again"), name);
    return false;
}

void send_input(struct screen *s)
{
    const char *text = input_text(&s->input);
    struct chat *c = chat_current(s);

    if (text[strspn(text, " \t\n")] == 0)
        return;
    if (text[0] == '/' && text[1] != '/') {
        char *line = xm_strdup(text);

        input_done(&s->input);
        if (s->aside)
            s->draft_due_ms = 0; /* the draft is not this empty line */
        command_run(s, line);
        xm_free(line);
        text_back(s);
        if (s->focus == PANE_INPUT)
            s->talk.selected = -1; /* it was chosen for this command */
        return;
    }
    if (!c) {
        notice(s, STYLE_WARN, "%s", _("No chat is open: /dm ADDRESS starts one, Alt-g finds one."));
        return;
    }
    if (!may_send(s, c))
        return;
    input_trim(&s->input); /* what is pasted ends in a line end, more often than not */
    text = input_text(&s->input);
    send_text(s, c->id, text[0] == '/' ? text + 1 : text, s->reply_to);
    reply_clear(s);
    input_done(&s->input);
    s->draft_due_ms = 0;
    if (s->draft_saved)
        screen_call(s, "conversation.draft", json_pack("{s:s, s:s}", "id", s->talk.chat, "text", ""), screen_done_notice, NULL);
    s->draft_saved = false;
    s->counted = 0;
    text_back(s);
}

/* ---- drafts ---- */

void text_aside(struct screen *s)
{
    const char *text = input_text(&s->input);

    if (!*text || *text == '/')
        return;
    draft_save(s);
    xm_free(s->aside);
    s->aside = xm_strdup(text);
    input_clear(&s->input);
}

void text_back(struct screen *s)
{
    if (!s->aside || s->input.text.len > 0)
        return;
    input_set(&s->input, s->aside);
    xm_free(s->aside);
    s->aside = NULL;
    draft_touch(s);
}

void draft_touch(struct screen *s)
{
    s->draft_due_ms = s->now_ms + DRAFT_PAUSE_MS;
}

void draft_save(struct screen *s)
{
    struct chat *c = chat_current(s);
    const char *text = input_text(&s->input);

    if (!s->draft_due_ms)
        return;
    s->draft_due_ms = 0;
    s->counted = text_count(text, s->input.text.len);
    s->dirty = true;
    if (!c || text[0] == '/') /* a command is no draft */
        return;
    c->draft = *text != 0;
    s->draft_saved = *text != 0;
    screen_call(s, "conversation.draft", json_pack("{s:s, s:s}", "id", c->id, "text", text), screen_done_notice, NULL);
}

void draft_load(struct screen *s, const char *id)
{
    json_t *draft = screen_read(s, "drafts.get", json_pack("{s:s}", "id", id));

    input_clear(&s->input);
    if (draft && *js_str(draft, "text"))
        input_set(&s->input, js_str(draft, "text"));
    json_decref(draft);
    s->draft_saved = s->input.text.len > 0;
    s->counted = text_count(input_text(&s->input), s->input.text.len);
}

void text_forget(struct screen *s) /* it is a saved draft of its chat */
{
    xm_free(s->aside);
    s->aside = NULL;
}
