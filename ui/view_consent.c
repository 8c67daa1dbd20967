/* Consent: who is unknown, allowed, denied; one key decides, one takes it back. */
#include "base/alloc.h"
#include "base/i18n.h"
#include "ui/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void clear(struct screen *s)
{
    for (size_t i = 0; i < s->n_subjects; i++)
        xm_free(s->subjects[i].entity);
    xm_free(s->subjects);
    s->subjects = NULL;
    s->n_subjects = 0;
}

static enum consent_tab tab_of(enum consent c)
{
    return c == CONSENT_ALLOWED ? TAB_ALLOWED : c == CONSENT_DENIED ? TAB_DENIED : TAB_UNKNOWN;
}

/* Of each person: is there a chat with them?  NULL where memory is short; xm_free(). */
static bool *who_has_chat(struct model *m)
{
    bool *has = xm_calloc(m->n_people + 1, sizeof *has);

    for (size_t i = 0; has && i < m->n_chats; i++) {
        const struct chat *c = &m->chats[i];
        const struct person *p = c->is_group || c->is_duplicate ? NULL : model_person(m, c->peer);

        if (p)
            has[p - m->people] = true;
    }
    return has;
}

/* Moves the marked ones to the front, few as they are among all; returns how many. */
static size_t marked_first(struct subject *list, size_t n)
{
    size_t marked = 0;

    for (size_t i = 0; i < n; i++)
        if (list[i].marked) {
            struct subject moved = list[i];

            list[i] = list[marked];
            list[marked++] = moved;
        }
    return marked;
}

static bool is_in(const struct subject *list, size_t n, const char *entity)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].entity, entity) == 0)
            return true;
    return false;
}

struct place {
    struct subject subject;
    int64_t activity_ns;
    size_t was;
};

/* People without a chat stay behind; what is equal stays as it was. */
static int by_activity(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->subject.is_person != y->subject.is_person)
        return x->subject.is_person ? 1 : -1;
    if (x->activity_ns != y->activity_ns)
        return x->activity_ns < y->activity_ns ? 1 : -1;
    return x->was < y->was ? -1 : 1;
}

static void sort_by_activity(struct screen *s)
{
    struct place *places = xm_calloc(s->n_subjects + 1, sizeof *places);

    for (size_t i = 0; places && i < s->n_subjects; i++) {
        struct subject u = s->subjects[i];

        places[i] = (struct place){u, u.is_person ? 0 : s->model.chats[u.chat].activity_ns, i};
    }
    if (places)
        qsort(places, s->n_subjects, sizeof *places, by_activity);
    for (size_t i = 0; places && i < s->n_subjects; i++)
        s->subjects[i] = places[i].subject;
    xm_free(places);
}

/* What the open tab lists; the row that was selected stays selected. */
void subjects_rebuild(struct screen *s)
{
    struct model *m = &s->model;
    struct subject *old = s->subjects, *list = xm_calloc(m->n_chats + m->n_people + 1, sizeof *list);
    bool *has_chat = who_has_chat(m);
    size_t n_old = s->n_subjects, n = 0, marked;
    /* while nobody looks, the newest is the one that keys will act on first */
    const char *selected = s->focus == PANE_CONSENT && s->subject_at < n_old ? old[s->subject_at].entity : NULL;

    if (!list || !has_chat) {
        xm_free(list);
        xm_free(has_chat);
        return;
    }
    marked = marked_first(old, n_old);
    memset(s->tab_counts, 0, sizeof s->tab_counts);
    for (size_t i = 0; i < m->n_chats; i++) {
        enum consent_tab tab = tab_of(chat_consent(m, &m->chats[i]));

        if (m->chats[i].is_duplicate)
            continue;
        s->tab_counts[tab]++;
        if (tab == s->tab)
            list[n++] = (struct subject){xm_strdup(m->chats[i].id), false, i, is_in(old, marked, m->chats[i].id)};
    }
    for (size_t i = 0; i < m->n_people; i++) {
        const struct person *p = &m->people[i];

        if (p->consent == CONSENT_UNKNOWN || (m->inbox && strcmp(p->inbox, m->inbox) == 0) || has_chat[i])
            continue;
        s->tab_counts[tab_of(p->consent)]++;
        if (tab_of(p->consent) == s->tab)
            list[n++] = (struct subject){xm_strdup(p->inbox), true, 0, is_in(old, marked, p->inbox)};
    }
    xm_free(has_chat);
    s->subjects = list;
    s->n_subjects = n;
    sort_by_activity(s);
    if (s->focus != PANE_CONSENT)
        s->subject_at = 0;
    for (size_t i = 0; selected && i < n; i++)
        if (strcmp(list[i].entity, selected) == 0) {
            s->subject_at = i;
            break;
        }
    if (s->subject_at >= n)
        s->subject_at = n ? n - 1 : 0;
    for (size_t i = 0; i < n_old; i++)
        xm_free(old[i].entity);
    xm_free(old);
}

/* ---- drawing ---- */

static void name_of(struct screen *s, const struct subject *u, char *out, size_t size)
{
    char name[200];
    const struct chat *c = u->is_person ? NULL : &s->model.chats[u->chat];

    if (c)
        chat_name(&s->model, c, name, sizeof name);
    else
        person_name(&s->model, u->entity, name, sizeof name);
    snprintf(out, size, "%s%s", c && c->is_group ? "# " : "", name);
}

#define WIDE 34       /* columns that the three tabs take in one row */
#define TWO_ROWS_FROM 6 /* rows of the pane; a narrow one gives two to the tabs, a low one shortens their words */

static int tab_rows(struct rect r)
{
    return r.cols < WIDE && r.rows >= TWO_ROWS_FROM ? 2 : 1;
}

static void draw_tabs(struct screen *s, struct canvas *c, struct rect r)
{
    static const char *const wide[] = {N_("Unknown"), N_("Allowed"), N_("Denied")};
    static const char *const half[] = {N_("Unknown"), N_("Ok"), N_("Denied")};
    static const char *const narrow[] = {N_("New"), N_("Ok"), N_("No")};
    const char *const *words = r.cols >= WIDE ? wide : tab_rows(r) == 2 ? half : narrow;
    int row = r.row + 1, col = r.col;

    for (int i = 0; i < TAB_COUNT; i++) {
        bool here = (enum consent_tab)i == s->tab;
        char text[60];

        if (i == TAB_DENIED && tab_rows(r) == 2) {
            row++;
            col = r.col;
        }
        snprintf(text, sizeof text, here ? "[%s %u]" : " %s %u ", _(words[i]), s->tab_counts[i]);
        col += canvas_text(c, row, col, r.col + r.cols - col, here ? STYLE_BOLD : STYLE_NORMAL, text);
    }
}

/* Facts beside a request: what it says, who added me. */
static int draw_facts(struct screen *s, struct canvas *c, struct rect r, int row, const struct subject *u)
{
    const struct chat *chat = u->is_person ? NULL : &s->model.chats[u->chat];
    char text[700], name[200];
    const struct person *adder;

    if (!chat || row >= r.row + r.rows)
        return row;
    if (chat->is_group && *chat->added_by) {
        person_name(&s->model, chat->added_by, name, sizeof name);
        adder = model_person(&s->model, chat->added_by);
        snprintf(text, sizeof text, _("added by %s (%s)"), name, consent_words(adder ? adder->consent : CONSENT_UNKNOWN));
        canvas_text(c, row++, r.col + 4, r.cols - 4, STYLE_DIM, text);
    }
    if (*chat->preview && row < r.row + r.rows) {
        snprintf(text, sizeof text, "\"%s\"", chat->preview);
        canvas_text(c, row++, r.col + 4, r.cols - 4, STYLE_DIM, text);
    }
    return row;
}

static int draw_row(struct screen *s, struct canvas *c, struct rect r, int row, size_t i, bool focused)
{
    const struct subject *u = &s->subjects[i];
    const struct chat *chat = u->is_person ? NULL : &s->model.chats[u->chat];
    static const char marks[] = {'?', ' ', 'x'};
    bool selected = focused && i == s->subject_at;
    char name[220], when[16] = "";

    name_of(s, u, name, sizeof name);
    if (selected)
        canvas_fill(c, row, r.col, r.cols, STYLE_SELECTED, ' ');
    canvas_printf(c, row, r.col, r.cols, selected ? STYLE_SELECTED : STYLE_NORMAL, "%c%c%c %s", i == s->subject_at ? '>' : ' ',
                  u->marked ? '*' : ' ', marks[s->tab], name);
    if (chat && chat->has_wish)
        canvas_text_right(c, row, r.col + r.cols - 4, 4, STYLE_WARN, " ...");
    else if (chat && r.cols >= 30) {
        words_clock(when, sizeof when, chat->activity_ns);
        canvas_printf(c, row, r.col + r.cols - 12, 12, selected ? STYLE_SELECTED : STYLE_DIM, " %5s %5s",
                      chat->is_group ? _("group") : "1:1", when);
    }
    if (selected)
        canvas_cursor(c, row, r.col);
    row++;
    if (r.cols >= 30 && s->tab == TAB_UNKNOWN)
        row = draw_facts(s, c, r, row, u);
    return row;
}

static void draw(struct screen *s, struct canvas *c, struct rect r, bool focused)
{
    int row = r.row + 1 + tab_rows(r), end = r.row + r.rows - (r.rows >= 9 ? 2 : 0);
    size_t visible = (size_t)(end - row > 0 ? end - row : 0), first;

    head_draw(s, c, r, _("CONSENT"), "[Alt-c]", focused);
    if (r.rows < 2)
        return;
    draw_tabs(s, c, r);
    if (r.cols >= 30 && s->tab == TAB_UNKNOWN) /* rows with facts are up to three high */
        visible = visible > 3 ? visible - 2 : 1;
    first = s->subject_at >= visible ? s->subject_at - visible + 1 : 0;
    for (size_t i = first; i < s->n_subjects && row < end; i++)
        row = draw_row(s, c, (struct rect){r.row, r.col, end - r.row, r.cols}, row, i, focused);
    if (r.rows >= 9) {
        canvas_text(c, r.row + r.rows - 2, r.col + 1, r.cols - 1, STYLE_DIM,
                    r.cols >= 30 ? _("a allow  b block  p peek  u undo") : _("a allow  b block"));
        canvas_text(c, r.row + r.rows - 1, r.col + 1, r.cols - 1, STYLE_DIM,
                    r.cols >= 30 ? _("A allow+open  m mark  r o d tabs") : _("u undo   p peek"));
    }
}

/* ---- keys ---- */

static void open_tab(struct screen *s, enum consent_tab tab)
{
    s->tab = tab;
    s->subject_at = 0;
    clear(s);
    subjects_rebuild(s);
}

/* The marked ones, else the selected one. */
static void decide_here(struct screen *s, enum consent state)
{
    const char *targets[64];
    size_t n = 0;

    for (size_t i = 0; i < s->n_subjects && n < 64; i++)
        if (s->subjects[i].marked)
            targets[n++] = s->subjects[i].entity;
    if (n == 0 && s->subject_at < s->n_subjects)
        targets[n++] = s->subjects[s->subject_at].entity;
    if (n > 0)
        decide(s, state, targets, n);
    for (size_t i = 0; i < s->n_subjects; i++)
        s->subjects[i].marked = false;
}

static void open_here(struct screen *s, bool peek)
{
    const struct subject *u = &s->subjects[s->subject_at];
    char *id;

    if (u->is_person) {
        notice(s, STYLE_DIM, "%s", _("There is no chat with them; /dm starts one."));
        return;
    }
    id = xm_strdup(u->entity);
    chat_open(s, id, peek);
    if (peek)
        notice(s, STYLE_DIM, "%s", _("peeking: nothing is sent and nothing marked as read"));
    xm_free(id);
}

static bool row_key(struct screen *s, struct key key)
{
    struct subject *u = s->subject_at < s->n_subjects ? &s->subjects[s->subject_at] : NULL;

    if (key.kind == KEY_ENTER_ && u) {
        open_here(s, s->tab != TAB_ALLOWED);
        return true;
    }
    if (key.kind != KEY_CHAR || !u)
        return false;
    switch (key.ch) {
    case 'a':
        decide_here(s, CONSENT_ALLOWED);
        return true;
    case 'A':
        decide_here(s, CONSENT_ALLOWED);
        open_here(s, false);
        focus_pane(s, PANE_INPUT);
        return true;
    case 'b':
        decide_here(s, CONSENT_DENIED);
        return true;
    case 'u':
        undo_entity(s, u->entity);
        return true;
    case 'p':
        open_here(s, true);
        return true;
    case 'm':
        u->marked = !u->marked;
        s->subject_at += s->subject_at + 1 < s->n_subjects;
        return true;
    default:
        return false;
    }
}

static bool key(struct screen *s, struct key key)
{
    if (row_key(s, key) || list_key(key, &s->subject_at, s->n_subjects))
        return true;
    if (key.kind == KEY_RIGHT_)
        open_tab(s, (s->tab + 1) % TAB_COUNT);
    else if (key.kind == KEY_LEFT_)
        open_tab(s, (s->tab + TAB_COUNT - 1) % TAB_COUNT);
    else if (key.kind == KEY_CHAR && key.ch == 'r')
        open_tab(s, TAB_UNKNOWN);
    else if (key.kind == KEY_CHAR && key.ch == 'o')
        open_tab(s, TAB_ALLOWED);
    else if (key.kind == KEY_CHAR && key.ch == 'd')
        open_tab(s, TAB_DENIED);
    else if (key.kind == KEY_CHAR && key.ch == 'u')
        undo_entity(s, NULL);
    else
        return false;
    return true;
}

const struct ui_view view_consent = {N_("consent"), draw, key, NULL, NULL,
                                     N_("a allow  b block  u undo  p peek  m mark  Left/Right tabs  Esc back")};
