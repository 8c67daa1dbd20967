/* Requests to the core and what comes back: who waits for which answer, and what a notification
 * means for the state. */
#include "base/alloc.h"
#include "base/i18n.h"
#include "ui/sanitize.h"
#include "ui/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *error_text(const json_t *error)
{
    const char *text = js_str(error, "message");

    return *text ? text : _("it failed, without a reason given");
}

void screen_done_notice(struct screen *s, const json_t *result, const json_t *error, const char *arg)
{
    (void)result;
    (void)arg;
    if (error)
        notice(s, STYLE_BAD, "%s", error_text(error));
}

static void refused(struct screen *s, const struct xm_error *why, screen_done *done, const char *arg)
{
    json_t *error = json_pack("{s:s}", "message", why->text);

    done(s, NULL, error, arg);
    json_decref(error);
}

void screen_call_text(struct screen *s, const char *method, const char *params, screen_done *done, const char *arg)
{
    struct xm_error why = {0};
    struct waiting *grown;
    int64_t id;

    if (s->n_waiting == s->cap_waiting) {
        grown = xm_realloc(s->waiting, s->cap_waiting ? s->cap_waiting * 2 : 16, sizeof *grown);
        if (!grown)
            return;
        s->waiting = grown;
        s->cap_waiting = s->cap_waiting ? s->cap_waiting * 2 : 16;
    }
    id = s->backend->ops->call(s->backend, method, params, &why);
    if (id <= 0) {
        refused(s, &why, done, arg);
        return;
    }
    s->waiting[s->n_waiting++] = (struct waiting){id, done, arg ? xm_strdup(arg) : NULL};
}

void screen_call(struct screen *s, const char *method, json_t *params, screen_done *done, const char *arg)
{
    char *text = params ? json_dumps(params, JSON_COMPACT) : NULL;

    json_decref(params);
    screen_call_text(s, method, text, done, arg);
    free(text);
}

json_t *screen_read(struct screen *s, const char *method, json_t *params)
{
    char *text = params ? json_dumps(params, JSON_COMPACT) : NULL, *result = NULL;
    struct xm_error why = {0};
    json_t *out = NULL;
    int r = s->backend->ops->read(s->backend, method, text, &result, &why);

    json_decref(params);
    free(text);
    if (r == XM_OK) {
        out = json_loads(result, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        s->backend->ops->free_text(result);
    } else if (r != XM_NOT_FOUND) {
        notice(s, STYLE_BAD, "%s", why.text);
    }
    return out;
}

void screen_fetch(struct screen *s, const char *method, json_t *params, screen_done *done, const char *arg)
{
    char *text = params ? json_dumps(params, JSON_COMPACT) : NULL, *result = NULL;
    struct xm_error why = {0};
    json_t *out;

    json_decref(params);
    if (s->backend->ops->read(s->backend, method, text, &result, &why) == XM_OK) {
        out = json_loads(result, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        s->backend->ops->free_text(result);
        done(s, out, NULL, arg);
        json_decref(out);
    } else {
        screen_call_text(s, method, text, done, arg);
    }
    free(text);
}

void screen_reply(struct screen *s, int64_t id, const json_t *result, const json_t *error)
{
    for (size_t i = 0; i < s->n_waiting; i++) {
        struct waiting w = s->waiting[i];

        if (w.id != id)
            continue;
        s->waiting[i] = s->waiting[--s->n_waiting];
        w.done(s, result, error, w.arg);
        xm_free(w.arg);
        return;
    }
}

void screen_waiting_free(struct screen *s)
{
    for (size_t i = 0; i < s->n_waiting; i++)
        xm_free(s->waiting[i].arg);
    xm_free(s->waiting);
}

/* What the store says of one chat by now: the whole list takes the longer the more chats there are.  A 1:1 chat that
 * is not known may be the other one of a pair, which the list alone tells. */
static bool read_chat(struct screen *s, const char *id)
{
    json_t *o = screen_read(s, "conversation.get", json_pack("{s:s}", "id", id));
    bool known = o && (model_chat(&s->model, id) || strcmp(js_str(o, "type"), "group") == 0);

    if (known)
        model_put_chat(&s->model, o);
    json_decref(o);
    return known;
}

/* A message moves its chat up and counts as unread unless it is ours or is being read. */
static void message_came(struct screen *s, const json_t *data)
{
    const char *id = js_str(data, "conversationId");
    struct chat *c = model_chat(&s->model, id);
    bool own = s->model.inbox && strcmp(js_str(data, "senderInboxId"), s->model.inbox) == 0;
    const char *text = js_str(json_object_get(data, "content"), "text");
    bool counts = !own && *text;

    if (!c) { /* its conversation is told of separately; or it is the other chat of a pair, perhaps the open one's */
        s->reload_list = !read_chat(s, id) || s->reload_list;
        talk_refresh(s);
        return;
    }
    if (js_int(data, "sentAtNs") > c->activity_ns)
        c->activity_ns = js_int(data, "sentAtNs");
    if (*text) {
        xm_free(c->preview);
        c->preview = sanitize(text, strnlen(text, 400), SANITIZE_LINE);
    }
    if (counts)
        c->unread++;
    talk_add(s, data);
    if (strstr(js_str(data, "contentType"), "roup") != NULL) { /* a name or the members changed */
        s->reload_list = !read_chat(s, id) || s->reload_list;
        c->members = 0;
        names_resolve(s, c);
    }
}

static bool open_is_denied(struct screen *s)
{
    const struct chat *c = chat_current(s);

    return c && chat_consent(&s->model, c) == CONSENT_DENIED;
}

void record_put(struct screen *s, const json_t *record)
{
    bool was = open_is_denied(s);

    model_put_record(&s->model, record);
    s->open_denied = s->open_denied || (!was && open_is_denied(s));
}

void network_set(struct screen *s, const json_t *network)
{
    struct model *m = &s->model;
    bool was_live = m->net == NET_LIVE;

    model_set_network(m, network, s->now_ms);
    if (was_live && m->net != NET_LIVE) {
        m->was_lost = true;
        model_note(m, s->now_ns, '!', xm_strdup(_("stream lost")));
    } else if (m->was_lost && m->net == NET_LIVE) {
        m->was_lost = false;
        model_note(m, s->now_ns, '=', xm_strdup(_("stream back")));
    }
}

/* Was it the node that was heard?  What is said and decided here is told of as well. */
static bool from_node(const char *kind, const json_t *data)
{
    if (strcmp(kind, "network") == 0)
        return strcmp(js_str(data, "state"), "live") == 0;
    if (strcmp(kind, "message") == 0 || strcmp(kind, "status") == 0)
        return strcmp(js_str(data, "status"), "published") == 0;
    return strcmp(kind, "consent") != 0 || strcmp(js_str(data, "origin"), "local") != 0;
}

void screen_notified(struct screen *s, const json_t *params)
{
    const char *kind = js_str(params, "kind");
    const json_t *data = json_object_get(params, "data");

    s->dirty = true;
    if (!s->in_main)
        return;
    if (from_node(kind, data))
        s->model.heard_ms = s->now_ms ? s->now_ms : 1;
    if (strcmp(kind, "message") == 0) {
        message_came(s, data);
    } else if (strcmp(kind, "status") == 0) {
        talk_status(s, js_str(data, "messageId"), js_str(data, "status"));
        s->reload_network = true;
    } else if (strcmp(kind, "conversation") == 0) {
        struct chat *c = model_put_chat(&s->model, data);

        if (c)
            names_resolve(s, c);
    } else if (strcmp(kind, "consent") == 0) {
        record_put(s, data); /* each that changed is told of, so all chats need not be read for it */
        s->reload_log = s->reload_installations = true; /* who decided has been heard */
    } else if (strcmp(kind, "preferences") == 0) {
        s->reload_installations = s->reload_log = true;
    } else if (strcmp(kind, "network") == 0) {
        network_set(s, data);
        s->reload_network = true;
    } else if (strcmp(kind, "lagged") == 0) { /* events were dropped: the store knows */
        s->reload_list = s->reload_log = s->reload_installations = true;
        talk_refresh(s);
    }
}
