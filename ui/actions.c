/* What the main screen does: loading, opening chats, deciding. */
#include "base/alloc.h"
#include "base/i18n.h"
#include "ui/sanitize.h"
#include "ui/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LOG_ROWS 200        /* decisions kept on the screen */
#define RECHECK_MS 250      /* first look whether what we send has gone out; doubles */

void notice(struct screen *s, enum style style, const char *fmt, ...)
{
    char text[600];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    xm_free(s->notice);
    s->notice = sanitize_str(text, SANITIZE_LINE);
    s->notice_style = style;
    s->blocked[0] = 0;
    s->dirty = true;
}

void notice_clear(struct screen *s)
{
    if (s->notice)
        s->dirty = true;
    xm_free(s->notice);
    s->notice = NULL;
}

/* ---- loading ---- */

static json_t *all_chats(void)
{
    return json_pack("{s:[s,s,s], s:b}", "consentStates", "allowed", "unknown", "denied", "sync", 0);
}

static void load_list(struct screen *s)
{
    json_t *list = screen_read(s, "conversations.list", all_chats());
    json_t *records = screen_read(s, "preferences.list", NULL);

    if (records)
        model_set_records(&s->model, records);
    if (list)
        model_set_chats(&s->model, list);
    json_decref(list);
    json_decref(records);
}

/* Something of ours is on its way out: a decision, a message, a commit. */
static bool is_sending(const struct screen *s)
{
    for (size_t i = 0; i < s->model.n_log; i++)
        if (strcmp(s->model.log[i].delivery, "queued") == 0)
            return true;
    return s->model.outbox > 0 && s->model.net == NET_LIVE;
}

/* Nobody tells when it went out, so it is looked at again, ever later. */
static void look_again(struct screen *s)
{
    bool sending = is_sending(s);

    s->recheck_ms = sending && s->rechecks < 8 ? s->now_ms + ((uint64_t)RECHECK_MS << s->rechecks) : 0;
    s->rechecks = sending ? s->rechecks + 1 : 0;
}

static void load_log(struct screen *s)
{
    json_t *rows = screen_read(s, "preferences.log", json_pack("{s:i}", "limit", LOG_ROWS));

    if (rows)
        model_set_log(&s->model, rows);
    json_decref(rows);
    look_again(s);
}

/* The ids of one's installations in a row, each after a space. */
static char *ids_of(const struct model *m)
{
    struct buf out = BUF_INIT;

    for (size_t i = 0; i < m->n_installations; i++)
        buf_printf(&out, " %s", m->installations[i].id);
    buf_put_u8(&out, 0);
    if (!buf_ok(&out)) {
        buf_free(&out);
        return NULL;
    }
    return (char *)out.data;
}

/* Those in `ids` that are not in `others`, into the sync log. */
static void note_those(struct screen *s, const char *ids, const char *others, char sign, const char *words)
{
    char id[80], name[120], text[200];

    while (*ids) {
        size_t len = strcspn(ids + 1, " ") + 1;

        snprintf(id, sizeof id, "%.*s", (int)len, ids); /* with its space, so that no other one ends like it */
        if (!strstr(others, id)) {
            installation_name(&s->model, id + 1, name, sizeof name);
            snprintf(text, sizeof text, words, name);
            model_note(&s->model, s->now_ns, sign, sanitize_str(text, SANITIZE_LINE));
        }
        ids += len;
    }
}

static void note_changes(struct screen *s, const char *known, const char *now)
{
    note_those(s, now, known, '+', _("%s joined"));
    note_those(s, known, now, '!', _("%s is gone"));
}

static void installations_came(struct screen *s, const json_t *result, const json_t *error, const char *arg)
{
    char *known = ids_of(&s->model), *now;
    bool had = s->model.n_installations > 0;

    (void)error;
    (void)arg;
    if (result)
        model_set_installations(&s->model, result);
    now = ids_of(&s->model);
    if (had && result && known && now)
        note_changes(s, known, now);
    xm_free(known);
    xm_free(now);
}

static void state_came(struct screen *s, const json_t *result, const json_t *error, const char *arg)
{
    (void)error;
    (void)arg;
    if (result)
        model_set_state(&s->model, result);
}

static void members_came(struct screen *s, const json_t *result, const json_t *error, const char *arg)
{
    (void)error; /* a chat that cannot be asked keeps the names it has */
    if (!result)
        return;
    model_put_members(&s->model, arg, result);
    if (s->talk.chat && strcmp(s->talk.chat, arg) == 0)
        talk_refresh(s); /* words about who was added have names now */
}

void names_resolve(struct screen *s, struct chat *c)
{
    char id[200];

    if (c->members != 0)
        return;
    snprintf(id, sizeof id, "%s", c->id);
    c->members = -1; /* asked: an answer of nothing is not asked again */
    screen_fetch(s, "conversation.members", json_pack("{s:s}", "id", id), members_came, id);
}

/* Only rows that can be seen are asked for. */
static void resolve_visible(struct screen *s)
{
    size_t first = s->list_at > (size_t)s->rows ? s->list_at - (size_t)s->rows : 0;

    for (size_t i = first; i < s->model.n_shown && i < first + 2 * (size_t)s->rows; i++)
        names_resolve(s, &s->model.chats[s->model.shown[i]]);
    for (size_t i = 0; i < s->n_subjects && i < 2 * (size_t)s->rows; i++)
        if (!s->subjects[i].is_person)
            names_resolve(s, &s->model.chats[s->subjects[i].chat]);
}

static void network_answer(struct screen *s, const json_t *result, const json_t *error, const char *arg)
{
    (void)error;
    (void)arg;
    if (!result)
        return;
    network_set(s, result);
    if ((s->recheck_ms != 0) != is_sending(s))
        look_again(s);
}

/* The open chat was decided away: it leaves the screen.  `here`: by a key of this screen, of which the
 * log does not tell yet; else the log says who. */
static void leave_denied(struct screen *s, bool was_denied, bool here)
{
    struct chat *c = chat_current(s);
    char name[200], origin[120], id[80];

    if (!c || was_denied || chat_consent(&s->model, c) != CONSENT_DENIED)
        return;
    chat_name(&s->model, c, name, sizeof name);
    origin[0] = 0;
    if (here)
        installation_name(&s->model, "local", origin, sizeof origin);
    for (size_t i = 0; i < s->model.n_log && !*origin; i++)
        if (strcmp(s->model.log[i].entity, c->is_group ? c->id : c->peer) == 0 || strcmp(s->model.log[i].entity, c->id) == 0)
            installation_name(&s->model, s->model.log[i].origin, origin, sizeof origin);
    snprintf(id, sizeof id, "%s", c->id);
    draft_save(s);
    text_forget(s);
    talk_close(s);
    input_clear(&s->input);
    if (*origin)
        notice(s, STYLE_BAD, _("%s was blocked by %s. Alt-c d shows it, u there undoes it."), name, origin);
    else
        notice(s, STYLE_BAD, _("%s is blocked. Alt-c d shows it, u there undoes it."), name);
    snprintf(s->blocked, sizeof s->blocked, "%s", id);
}

/* Said to be blocked, and allowed again by another installation before a key took the words away. */
static void drop_stale_notice(struct screen *s)
{
    const struct chat *c = s->notice && *s->blocked ? model_chat(&s->model, s->blocked) : NULL;

    if (c && chat_consent(&s->model, c) != CONSENT_DENIED)
        notice_clear(s);
}

/* Of the chats of one pair the list has the one in use, which may be another one now: the open chat is that. */
static void follow_pair(struct screen *s, const char *peer)
{
    for (size_t i = 0; *peer && !chat_current(s) && i < s->model.n_chats; i++) {
        const struct chat *c = &s->model.chats[i];

        if (!c->is_group && !c->is_duplicate && strcmp(c->peer, peer) == 0)
            talk_follow(s, c->id);
    }
}

static void load_list_anew(struct screen *s)
{
    struct chat *open = chat_current(s);
    char *peer = xm_strdup(open && !open->is_group ? open->peer : "");

    load_list(s);
    follow_pair(s, peer ? peer : "");
    xm_free(peer);
}

/* The list's keys begin at the open chat, wherever that has moved to. */
static void list_to_open(struct screen *s)
{
    for (size_t i = 0; s->talk.chat && i < s->model.n_shown; i++)
        if (strcmp(s->model.chats[s->model.shown[i]].id, s->talk.chat) == 0)
            s->list_at = i;
}

/* The list anew; what is selected in it stays selected, though others above it come or go. */
static void list_order(struct screen *s)
{
    bool chosen = s->focus == PANE_CHATS && s->list_at < s->model.n_shown;
    size_t chat = chosen ? s->model.shown[s->list_at] : 0;

    model_order(&s->model, s->talk.chat, s->focus == PANE_CHATS);
    if (s->focus != PANE_CHATS)
        list_to_open(s);
    for (size_t i = 0; chosen && i < s->model.n_shown; i++)
        if (s->model.shown[i] == chat)
            s->list_at = i;
    if (s->model.n_shown && s->list_at >= s->model.n_shown) /* fewer than there were */
        s->list_at = s->model.n_shown - 1;
}

void main_reload(struct screen *s)
{
    struct chat *open = chat_current(s);
    bool was_denied = open && chat_consent(&s->model, open) == CONSENT_DENIED;
    bool list = s->reload_list;

    if (!s->in_main)
        return;
    if (s->reload_installations) {
        screen_fetch(s, "client.installations", NULL, installations_came, NULL);
        screen_call(s, "preferences.state", NULL, state_came, NULL); /* the group itself is asked: no reader can */
    }
    if (list)
        load_list_anew(s);
    if (s->reload_log) /* after the list: it tells people's rows from their chats' */
        load_log(s);
    s->reload_list = s->reload_log = s->reload_installations = false;
    if (list || s->open_denied)
        leave_denied(s, was_denied && !s->open_denied, false);
    s->open_denied = false;
    drop_stale_notice(s);
    if (s->reload_network && (s->network_asked_ms == 0 || s->now_ms - s->network_asked_ms >= 500)) {
        s->network_asked_ms = s->now_ms ? s->now_ms : 1;
        screen_call(s, "client.network", NULL, network_answer, NULL);
    }
    s->reload_network = false;
    list_order(s);
    subjects_rebuild(s);
    resolve_visible(s);
    mark_read(s);
}

static void synced(struct screen *s, const json_t *result, const json_t *error, const char *arg)
{
    (void)arg;
    (void)result;
    s->reload_list = s->reload_log = s->reload_installations = s->reload_network = true;
    if (error && strcmp(js_str(json_object_get(error, "data"), "code"), "offline") != 0)
        notice(s, STYLE_BAD, "%s", error_text(error));
    talk_refresh(s);
}

static void nicks_came(struct screen *s, const json_t *result, const json_t *error, const char *arg)
{
    size_t i;
    const json_t *o;

    (void)error;
    (void)arg;
    json_array_foreach (result, i, o) {
        struct person *p = model_person(&s->model, js_str(o, "target"));

        if (p) {
            xm_free(p->nick);
            p->nick = js_line(o, "name");
        }
    }
}

void main_begin(struct screen *s)
{
    s->in_main = true;
    s->focus = PANE_INPUT;
    s->reload_list = s->reload_log = s->reload_installations = s->reload_network = true;
    main_reload(s);
    if (s->model.n_shown > 0)
        chat_open(s, s->model.chats[s->model.shown[0]].id, false);
    s->dirty = true;
    screen_call(s, "nick.list", NULL, nicks_came, NULL);
    if (s->options.offline)
        return;
    screen_call(s, "stream.start", json_object(), screen_done_notice, NULL);
    screen_call(s, "conversations.syncAll", json_object(), synced, NULL);
}

/* ---- panes and chats ---- */

void focus_pane(struct screen *s, enum pane pane)
{
    const struct ui_view *from = pane_view(s->focus);

    if (s->focus == pane)
        return;
    if (from && from->close)
        from->close(s);
    s->focus = pane;
    if (pane == PANE_TALK)
        talk_select_shown(s);
    else
        s->talk.selected = -1;
    s->dirty = true;
}

struct chat *chat_current(struct screen *s)
{
    return s->talk.chat ? model_chat(&s->model, s->talk.chat) : NULL;
}

void chat_open(struct screen *s, const char *id, bool peek)
{
    char *keep = xm_strdup(id); /* it may be inside what talk_close() frees */
    struct chat *c = model_chat(&s->model, keep);

    if (!c) {
        xm_free(keep);
        return;
    }
    draft_save(s);
    text_forget(s);
    reply_clear(s);
    names_resolve(s, c);
    talk_open(s, keep, peek);
    draft_load(s, keep);
    model_order(&s->model, keep, s->focus == PANE_CHATS);
    list_to_open(s);
    s->dirty = true;
    xm_free(keep);
}

void chat_switch(struct screen *s, int by)
{
    size_t n = s->model.n_shown, at = s->list_at;

    if (n == 0)
        return;
    if (s->talk.chat)
        at = by > 0 ? (at + 1) % n : (at + n - 1) % n;
    chat_open(s, s->model.chats[s->model.shown[at]].id, false);
}

bool chat_next_active(struct screen *s)
{
    size_t n = s->model.n_shown;

    for (size_t k = 1; k <= n; k++) {
        struct chat *c = &s->model.chats[s->model.shown[(s->list_at + k) % n]];

        if (c->unread == 0 || (s->talk.chat && strcmp(c->id, s->talk.chat) == 0))
            continue;
        chat_open(s, c->id, false);
        return true;
    }
    notice(s, STYLE_DIM, "%s", _("Nothing unread."));
    return false;
}

static void read_answer(struct screen *s, const json_t *result, const json_t *error, const char *arg)
{
    struct chat *c = model_chat(&s->model, arg);

    s->read_in_flight = false;
    if (c && result)
        c->unread = (unsigned)js_int(result, "unread");
    else if (c && error)
        c->unread = 0; /* or it would be asked for ever */
}

/* Read is what stood on the screen of a terminal that has the focus, down to the last line, in an
 * allowed chat that is not only peeked at. */
void mark_read(struct screen *s)
{
    struct chat *c = chat_current(s);
    char ns[32];

    if (!c || c->unread == 0 || s->read_in_flight || !s->has_focus || s->talk.peek || !talk_at_end(s) || s->popup)
        return;
    if (chat_consent(&s->model, c) != CONSENT_ALLOWED || s->talk.n == 0 || s->layout.panes[PANE_TALK].rows == 0)
        return;
    s->read_in_flight = true;
    snprintf(ns, sizeof ns, "%lld", (long long)s->talk.messages[s->talk.n - 1].sent_ns);
    screen_call(s, "conversation.markRead", json_pack("{s:s, s:s}", "id", c->id, "upToNs", ns), read_answer, c->id);
}

/* ---- decisions ---- */

static void drop_wishes(struct screen *s)
{
    for (size_t i = 0; i < s->model.n_chats; i++)
        s->model.chats[i].has_wish = false;
}

static void decided(struct screen *s, const json_t *result, const json_t *error, const char *arg)
{
    const json_t *records = json_object_get(result, "records"), *o;
    size_t i;

    (void)arg;
    drop_wishes(s);
    json_array_foreach (records, i, o)
        record_put(s, o);
    s->rechecks = 0;
    s->reload_log = true;
    s->reload_list = s->reload_list || !records; /* the answer has what was written; a refusal has not */
    if (error)
        notice(s, STYLE_BAD, "%s", error_text(error));
}

void decide(struct screen *s, enum consent state, const char *const *targets, size_t n)
{
    static const char *const methods[] = {"preferences.reset", "preferences.allow", "preferences.block"};
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) {
        struct chat *c = model_chat(&s->model, targets[i]);

        json_array_append_new(list, json_string(targets[i]));
        for (size_t k = 0; k < s->model.n_chats; k++) {
            struct chat *other = &s->model.chats[k];

            if (other == c || (!other->is_group && (strcmp(other->peer, targets[i]) == 0 ||
                                                    (c && !c->is_group && strcmp(other->peer, c->peer) == 0)))) {
                other->has_wish = true;
                other->wish = state;
            }
        }
    }
    if (chat_current(s) && state == CONSENT_DENIED)
        leave_denied(s, false, true);
    if (chat_current(s) && chat_current(s)->has_wish && state == CONSENT_ALLOWED)
        s->talk.peek = false; /* no stranger any more */
    s->reload_log = true;
    s->dirty = true;
    screen_call(s, methods[state], json_pack("{s:o}", "targets", list), decided, NULL);
}

void undo_row(struct screen *s, const struct decision *d)
{
    char name[200];

    decision_entity_name(&s->model, d, name, sizeof name);
    notice(s, STYLE_WARN, _("undoing: %s back to %s"), name, consent_words(d->before));
    screen_call(s, "preferences.undo", json_pack("{s:I}", "id", (json_int_t)d->id), decided, NULL);
}

void undo_entity(struct screen *s, const char *entity)
{
    const struct chat *c = entity ? model_chat(&s->model, entity) : NULL;

    for (size_t i = 0; i < s->model.n_log; i++) {
        const struct decision *d = &s->model.log[i];

        if (strcmp(d->effect, "changed") != 0)
            continue;
        if (entity && strcmp(d->entity, entity) != 0 && !(c && !c->is_group && strcmp(d->entity, c->peer) == 0))
            continue;
        undo_row(s, d);
        return;
    }
    notice(s, STYLE_DIM, "%s", _("Nothing to undo."));
}
