#include "ui/model.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/i18n.h"
#include "ui/sanitize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void chat_clear(struct chat *c)
{
    xm_free(c->id);
    xm_free(c->title);
    xm_free(c->peer);
    xm_free(c->peer_nick);
    xm_free(c->added_by);
    xm_free(c->preview);
    *c = (struct chat){0};
}

static void installations_clear(struct model *m)
{
    for (size_t i = 0; i < m->n_installations; i++) {
        xm_free(m->installations[i].id);
        xm_free(m->installations[i].nick);
    }
    xm_free(m->installations);
    m->installations = NULL;
    m->n_installations = 0;
}

static void decision_clear(struct decision *d)
{
    xm_free(d->origin);
    xm_free(d->origin_nick);
    xm_free(d->entity);
    xm_free(d->effect);
    xm_free(d->delivery);
    xm_free(d->message);
    *d = (struct decision){0};
}

static void log_clear(struct model *m)
{
    for (size_t i = 0; i < m->n_log; i++)
        decision_clear(&m->log[i]);
    xm_free(m->log);
    m->log = NULL;
    m->n_log = 0;
}

static void chats_clear(struct model *m)
{
    for (size_t i = 0; i < m->n_chats; i++)
        chat_clear(&m->chats[i]);
    xm_free(m->chats);
    xm_free(m->shown);
    m->chats = NULL;
    m->shown = NULL;
    m->n_chats = m->cap_chats = m->n_shown = 0;
    json_object_clear(m->chat_by_id);
}

void model_init(struct model *m)
{
    *m = (struct model){.chat_by_id = json_object(), .person_by_inbox = json_object()};
}

void model_free(struct model *m)
{
    chats_clear(m);
    for (size_t i = 0; i < m->n_people; i++) {
        xm_free(m->people[i].inbox);
        xm_free(m->people[i].nick);
        xm_free(m->people[i].address);
    }
    xm_free(m->people);
    installations_clear(m);
    log_clear(m);
    for (size_t i = 0; i < m->n_notes; i++)
        xm_free(m->notes[i].text);
    json_decref(m->chat_by_id);
    json_decref(m->person_by_inbox);
    xm_free(m->inbox);
    xm_free(m->installation);
    xm_free(m->address);
    xm_free(m->env);
    xm_free(m->version);
    *m = (struct model){0};
}

/* Grows an array to hold one more; NULL when out of memory. */
static void *grow(void *at, size_t n, size_t *cap, size_t size)
{
    size_t want = *cap ? *cap * 2 : 16;

    if (n < *cap)
        return at;
    at = xm_realloc(at, want, size);
    if (at)
        *cap = want;
    return at;
}

static void set_text(char **at, char *text)
{
    xm_free(*at);
    *at = text ? text : xm_strdup("");
}

void model_set_info(struct model *m, const json_t *info)
{
    set_text(&m->inbox, js_line(info, "inboxId"));
    set_text(&m->installation, js_line(info, "installationId"));
    set_text(&m->address, js_line(info, "address"));
    set_text(&m->env, js_line(info, "env"));
    set_text(&m->version, js_line(info, "version"));
    m->registered = js_bool(info, "registered");
}

struct chat *model_chat(struct model *m, const char *id)
{
    const json_t *at = json_object_get(m->chat_by_id, id);

    return at ? &m->chats[json_integer_value(at)] : NULL;
}

struct person *model_person(struct model *m, const char *inbox)
{
    const json_t *at = json_object_get(m->person_by_inbox, inbox);

    return at ? &m->people[json_integer_value(at)] : NULL;
}

struct person *model_put_person(struct model *m, const char *inbox)
{
    struct person *p = model_person(m, inbox), *grown;

    if (p || !*inbox)
        return p;
    grown = grow(m->people, m->n_people, &m->cap_people, sizeof *m->people);
    if (!grown)
        return NULL;
    m->people = grown;
    p = &m->people[m->n_people];
    *p = (struct person){.inbox = sanitize_str(inbox, SANITIZE_LINE), .nick = xm_strdup(""), .address = xm_strdup("")};
    json_object_set_new(m->person_by_inbox, p->inbox, json_integer((json_int_t)m->n_people++));
    return p;
}

/* What the last message says, for previews. */
static char *preview_of(const json_t *message)
{
    const json_t *content = json_object_get(message, "content");
    const char *text = js_str(content, "text");

    if (!*text)
        text = js_str(message, "fallback");
    return sanitize(text, strnlen(text, 400), SANITIZE_LINE);
}

static void fill(struct chat *c, const json_t *o)
{
    const json_t *last = json_object_get(o, "lastMessage");
    int64_t created = js_int(o, "createdAtNs"), sent = js_int(last, "sentAtNs");

    set_text(&c->title, js_line(o, "name"));
    set_text(&c->peer, js_line(o, "peerInboxId"));
    set_text(&c->peer_nick, js_line(o, "peerNick"));
    set_text(&c->added_by, js_line(o, "addedByInboxId"));
    if (json_is_object(last))
        set_text(&c->preview, preview_of(last));
    c->is_group = strcmp(js_str(o, "type"), "group") == 0;
    c->is_out = c->is_group && json_is_false(json_object_get(o, "active"));
    c->is_duplicate = *js_str(o, "duplicateOf") != 0;
    c->draft = js_bool(o, "draft");
    c->stored = consent_parse(js_str(o, "consent"));
    if (created > c->activity_ns)
        c->activity_ns = created;
    if (sent > c->activity_ns)
        c->activity_ns = sent;
    c->unread = (unsigned)js_int(o, "unread");
    c->epoch = (uint64_t)js_int(o, "epoch");
}

struct chat *model_put_chat(struct model *m, const json_t *o)
{
    const char *id = js_str(o, "id");
    struct chat *c = model_chat(m, id), *grown;
    struct person *p;

    if (!*id)
        return NULL;
    if (!c) {
        grown = grow(m->chats, m->n_chats, &m->cap_chats, sizeof *m->chats);
        if (!grown)
            return NULL;
        m->chats = grown;
        c = &m->chats[m->n_chats];
        *c = (struct chat){.id = sanitize_str(id, SANITIZE_LINE), .preview = xm_strdup("")};
        json_object_set_new(m->chat_by_id, c->id, json_integer((json_int_t)m->n_chats++));
    }
    fill(c, o);
    if (*c->peer_nick && (p = model_put_person(m, c->peer)) != NULL)
        set_text(&p->nick, xm_strdup(c->peer_nick));
    return c;
}

/* The answer is the whole truth about chats, so what it no longer names goes; what the screen alone
 * knows (wishes, counts of members) is carried over. */
void model_set_chats(struct model *m, const json_t *list)
{
    struct model old = *m;
    size_t i;
    const json_t *o;

    m->chats = NULL;
    m->n_chats = m->cap_chats = 0;
    m->chat_by_id = json_object();
    json_array_foreach (list, i, o) {
        struct chat *c = model_put_chat(m, o), *was = c ? model_chat(&old, c->id) : NULL;

        if (!was)
            continue;
        c->has_wish = was->has_wish;
        c->wish = was->wish;
        c->members = was->members;
    }
    /* the list keeps its order by id */
    for (i = 0; i < m->n_shown; i++) {
        struct chat *c = model_chat(m, old.chats[m->shown[i]].id);

        m->shown[i] = c ? (size_t)(c - m->chats) : SIZE_MAX;
    }
    for (i = 0; i < old.n_chats; i++)
        chat_clear(&old.chats[i]);
    xm_free(old.chats);
    json_decref(old.chat_by_id);
}

void model_put_record(struct model *m, const json_t *record)
{
    bool of_inbox = strcmp(js_str(record, "entityType"), "inboxId") == 0;
    struct person *p = of_inbox ? model_put_person(m, js_str(record, "entity")) : NULL;
    struct chat *c = of_inbox ? NULL : model_chat(m, js_str(record, "entity"));

    if (p)
        p->consent = consent_parse(js_str(record, "state"));
    if (c)
        c->stored = consent_parse(js_str(record, "state"));
}

void model_set_records(struct model *m, const json_t *records)
{
    size_t i;
    const json_t *o;

    for (i = 0; i < m->n_people; i++)
        m->people[i].consent = CONSENT_UNKNOWN;
    json_array_foreach (records, i, o)
        if (strcmp(js_str(o, "entityType"), "inboxId") == 0) /* chats come with their own */
            model_put_record(m, o);
}

void model_set_installations(struct model *m, const json_t *list)
{
    size_t i, n = json_array_size(list);
    const json_t *o;

    installations_clear(m);
    m->installations = xm_calloc(n ? n : 1, sizeof *m->installations);
    if (!m->installations)
        return;
    json_array_foreach (list, i, o) {
        m->installations[i] = (struct installation){.id = js_line(o, "id"),
                                                    .nick = js_line(o, "nick"),
                                                    .self = js_bool(o, "self"),
                                                    .in_sync_group = !json_is_false(json_object_get(o, "inSyncGroup")),
                                                    .created_ns = js_int(o, "createdAtNs"),
                                                    .heard_ns = json_object_get(o, "lastHeardNs") ? js_int(o, "lastHeardNs") : -1};
        m->n_installations++;
    }
}

void model_set_state(struct model *m, const json_t *state)
{
    size_t i;
    const json_t *o;

    m->sync_members = 0;
    json_array_foreach (json_object_get(state, "groups"), i, o) {
        if (!js_bool(o, "primary"))
            continue;
        m->sync_epoch = (uint64_t)js_int(o, "epoch");
        m->sync_members = json_array_size(json_object_get(o, "installations"));
    }
}

/* Deciding about a person writes their record and one for each 1:1 chat with them: one decision for
 * whoever reads, so the chat's row is left out beside its person's. */
static bool is_covered(struct model *m, const struct decision *d, const json_t *rows)
{
    const struct chat *c = d->is_inbox ? NULL : model_chat(m, d->entity);
    size_t i;
    const json_t *o;

    if (!c || c->is_group)
        return false;
    json_array_foreach (rows, i, o) {
        int64_t apart = js_int(o, "timeNs") - d->time_ns;

        if (strcmp(js_str(o, "entity"), c->peer) == 0 && strcmp(js_str(o, "origin"), d->origin) == 0 && apart < NS_PER_S &&
            apart > -NS_PER_S && consent_parse(js_str(o, "newState")) == d->after && strcmp(js_str(o, "effect"), d->effect) == 0)
            return true;
    }
    return false;
}

void model_set_log(struct model *m, const json_t *rows)
{
    size_t i, n = json_array_size(rows);
    const json_t *o;

    log_clear(m);
    m->log = xm_calloc(n ? n : 1, sizeof *m->log);
    if (!m->log)
        return;
    json_array_foreach (rows, i, o) {
        struct decision *d = &m->log[m->n_log];

        *d = (struct decision){.id = js_int(o, "id"),
                                      .time_ns = js_int(o, "timeNs"),
                                      .decided_ns = js_int(o, "decidedAtNs"),
                                      .batch = js_int(o, "batch"),
                                      .origin = js_line(o, "origin"),
                                      .origin_nick = js_line(o, "originNick"),
                                      .is_inbox = strcmp(js_str(o, "entityType"), "inboxId") == 0,
                                      .entity = js_line(o, "entity"),
                                      .before = consent_parse(js_str(o, "oldState")),
                                      .after = consent_parse(js_str(o, "newState")),
                                      .effect = js_line(o, "effect"),
                                      .delivery = js_line(o, "delivery"),
                                      .message = js_line(o, "messageId")};
        if (is_covered(m, d, rows))
            decision_clear(d);
        else
            m->n_log++;
    }
}

void model_put_members(struct model *m, const char *conversation, const json_t *members)
{
    struct chat *c = model_chat(m, conversation);
    size_t i;
    const json_t *o;

    if (c)
        c->members = (int)json_array_size(members);
    json_array_foreach (members, i, o) {
        struct person *p = model_put_person(m, js_str(o, "inboxId"));
        const char *address = json_string_value(json_array_get(json_object_get(o, "addresses"), 0));

        if (!p)
            continue;
        if (address)
            set_text(&p->address, sanitize_str(address, SANITIZE_LINE));
        if (*js_str(o, "nick"))
            set_text(&p->nick, js_line(o, "nick"));
    }
}

void model_note(struct model *m, int64_t time_ns, char sign, char *text)
{
    if (!text)
        return;
    if (m->n_notes == NOTES_MAX)
        xm_free(m->notes[--m->n_notes].text);
    if (m->n_notes > 0 && time_ns <= m->notes[0].time_ns) /* two of one moment: each has a time of its own */
        time_ns = m->notes[0].time_ns + 1;
    memmove(m->notes + 1, m->notes, m->n_notes * sizeof *m->notes);
    m->notes[0] = (struct note){time_ns, sign, text};
    m->n_notes++;
}

void model_set_network(struct model *m, const json_t *network, uint64_t now_ms)
{
    const char *state = js_str(network, "state");

    if (strcmp(state, "live") == 0)
        m->net = NET_LIVE;
    else if (strcmp(state, "reconnecting") == 0 && m->net != NET_OFFLINE) /* trying again is no connection */
        m->net = NET_RECONNECTING;
    else if (strcmp(state, "offline") == 0)
        m->net = NET_OFFLINE;
    if (json_object_get(network, "lastHeardMs")) {
        int64_t ago = js_int(network, "lastHeardMs");

        m->heard_ms = ago < 0 ? 0 : (uint64_t)ago >= now_ms ? 1 : now_ms - (uint64_t)ago;
    }
    if (json_object_get(network, "outbox"))
        m->outbox = js_int(network, "outbox");
}

enum consent chat_consent(struct model *m, const struct chat *c)
{
    const struct person *p;

    if (c->has_wish)
        return c->wish;
    if (c->stored != CONSENT_UNKNOWN || c->is_group)
        return c->stored;
    p = model_person(m, c->peer);
    return p ? p->consent : CONSENT_UNKNOWN;
}

void person_name(struct model *m, const char *inbox, char *out, size_t size)
{
    const struct person *p = model_person(m, inbox);

    if (p && *p->nick)
        snprintf(out, size, "%s", p->nick);
    else if (p && *p->address)
        words_short(out, size, p->address);
    else
        words_short(out, size, inbox);
}

void chat_name(struct model *m, const struct chat *c, char *out, size_t size)
{
    char id[40];

    if (!c->is_group && *c->peer_nick) {
        snprintf(out, size, "%s", c->peer_nick);
    } else if (!c->is_group) {
        person_name(m, c->peer, out, size);
    } else if (*c->title) {
        snprintf(out, size, "%s", c->title);
    } else {
        words_short(id, sizeof id, c->id);
        snprintf(out, size, _("group %s"), id);
    }
}

void installation_name(struct model *m, const char *id, char *out, size_t size)
{
    char short_id[40];

    words_installation(short_id, sizeof short_id, id);
    if (strcmp(id, "local") == 0 || strcmp(id, m->installation) == 0) {
        words_installation(short_id, sizeof short_id, m->installation);
        snprintf(out, size, _("this %s"), short_id);
        return;
    }
    for (size_t i = 0; i < m->n_installations; i++)
        if (strcmp(m->installations[i].id, id) == 0 && *m->installations[i].nick) {
            snprintf(out, size, "%s %s", m->installations[i].nick, short_id);
            return;
        }
    snprintf(out, size, "%s", short_id);
}

void decision_entity_name(struct model *m, const struct decision *d, char *out, size_t size)
{
    const struct chat *c = d->is_inbox ? NULL : model_chat(m, d->entity);
    char name[200];

    if (d->is_inbox) {
        person_name(m, d->entity, out, size);
    } else if (c) {
        chat_name(m, c, name, sizeof name);
        snprintf(out, size, "%s%s", c->is_group ? "#" : "1:1 ", name);
    } else {
        words_short(out, size, d->entity);
    }
}

unsigned model_unread(struct model *m)
{
    unsigned n = 0;

    for (size_t i = 0; i < m->n_shown; i++)
        n += m->chats[m->shown[i]].unread;
    return n;
}

/* ---- order of the list ---- */

static bool belongs(struct model *m, const struct chat *c, const char *keep)
{
    if (c->is_duplicate)
        return false;
    if (keep && strcmp(c->id, keep) == 0)
        return true;
    return chat_consent(m, c) == CONSENT_ALLOWED && (!m->only_unread || c->unread > 0);
}

struct place {
    int64_t activity_ns;
    const char *id;
    size_t chat;
};

static int by_activity(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->activity_ns != y->activity_ns)
        return x->activity_ns < y->activity_ns ? 1 : -1;
    return strcmp(x->id, y->id);
}

static void sort_shown(const struct model *m, size_t *shown, size_t n)
{
    struct place *places = xm_calloc(n + 1, sizeof *places);

    for (size_t i = 0; places && i < n; i++)
        places[i] = (struct place){m->chats[shown[i]].activity_ns, m->chats[shown[i]].id, shown[i]};
    if (places)
        qsort(places, n, sizeof *places, by_activity);
    for (size_t i = 0; places && i < n; i++)
        shown[i] = places[i].chat;
    xm_free(places);
}

void model_order(struct model *m, const char *keep, bool frozen)
{
    size_t *shown = xm_calloc(m->n_chats + 1, sizeof *shown), n = 0;
    bool *taken = xm_calloc(m->n_chats + 1, sizeof *taken);

    if (!shown || !taken)
        goto done;
    for (size_t i = 0; frozen && i < m->n_shown; i++) {
        size_t at = m->shown[i];

        if (at >= m->n_chats || !belongs(m, &m->chats[at], keep) || taken[at])
            continue;
        shown[n++] = at;
        taken[at] = true;
    }
    for (size_t i = 0; i < m->n_chats; i++)
        if (!taken[i] && belongs(m, &m->chats[i], keep))
            shown[n++] = i;
    if (!frozen)
        sort_shown(m, shown, n);
    xm_free(m->shown);
    m->shown = shown;
    m->n_shown = n;
    shown = NULL;
done:
    xm_free(shown);
    xm_free(taken);
}
