/* Slash commands: a table of names, what they want, what they do. */
#include "base/alloc.h"
#include "base/err.h"
#include "base/i18n.h"
#include "ui/command_args.h"
#include "ui/command_group.h"
#include "ui/links.h"
#include "ui/proof.h"
#include "ui/sanitize.h"
#include "ui/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct command {
    const char *name, *usage, *help; /* usage and help: N_() */
    int min;                         /* arguments it needs */
    void (*run)(struct screen *s, const struct args *a);
};

/* ---- starting and going ---- */

static void chat_made(struct screen *s, const json_t *result, const json_t *error, const char *arg)
{
    struct chat *c;
    char *id;

    if (error) {
        notice(s, STYLE_BAD, "%s", error_text(error));
        return;
    }
    c = model_put_chat(&s->model, result);
    if (!c)
        return;
    id = xm_strdup(c->id);
    c->members = 0;
    s->reload_list = s->reload_log = true;
    focus_pane(s, PANE_INPUT);
    chat_open(s, id, false);
    notice(s, STYLE_GOOD, "%s", c->is_group ? _("The group is made and allowed; its members are invited.")
                                            : _("The chat is open; starting it allows the other one."));
    if (arg && *arg)
        send_text(s, id, arg, NULL);
    xm_free(id);
}

static void run_dm(struct screen *s, const struct args *a)
{
    notice(s, STYLE_DIM, "%s", _("starting the chat ..."));
    screen_call(s, "conversations.newDm", json_pack("{s:s}", "peer", who_person(s, a->words[0])), chat_made,
                a->after);
}

static void run_group(struct screen *s, const struct args *a)
{
    notice(s, STYLE_DIM, "%s", _("making the group ..."));
    screen_call(s, "conversations.newGroup", json_pack("{s:o, s:s}", "peers", args_people(s, a, 1), "name", a->words[0]),
                chat_made, "");
}

/* The chat that is meant, a person's being the 1:1 one; or NULL. */
static const struct chat *chat_meant(struct screen *s, const char *typed)
{
    const char *id = who(s, typed);

    for (size_t i = 0; i < s->model.n_chats; i++) {
        const struct chat *c = &s->model.chats[i];

        if (!c->is_duplicate && (strcmp(c->id, id) == 0 || (!c->is_group && strcmp(c->peer, id) == 0)))
            return c;
    }
    return NULL;
}

static void run_go(struct screen *s, const struct args *a)
{
    const char *text = args_whole(a);
    const struct chat *c;

    if (a->n == 0) {
        popup_open_go(s);
        return;
    }
    if ((c = chat_meant(s, text)) != NULL) {
        chat_open(s, c->id, false);
        return;
    }
    popup_open_go(s);
    input_set(&s->ask, text);
}

static void run_next(struct screen *s, const struct args *a)
{
    (void)a;
    chat_next_active(s);
}

/* ---- consent ---- */

static void open_tab(struct screen *s, enum consent_tab tab)
{
    s->tab = tab;
    s->subject_at = 0;
    focus_pane(s, PANE_CONSENT);
}

static void run_requests(struct screen *s, const struct args *a)
{
    (void)a;
    open_tab(s, TAB_UNKNOWN);
}

static void run_allowed(struct screen *s, const struct args *a)
{
    (void)a;
    open_tab(s, TAB_ALLOWED);
}

static void run_denied(struct screen *s, const struct args *a)
{
    (void)a;
    open_tab(s, TAB_DENIED);
}

static void decide_args(struct screen *s, const struct args *a, enum consent state)
{
    const char *targets[MAX_WORDS];
    struct chat *c;

    for (int i = 0; i < a->n; i++)
        targets[i] = who(s, a->words[i]);
    if (a->n > 0) {
        decide(s, state, targets, (size_t)a->n);
        return;
    }
    c = need_chat(s);
    if (!c)
        return;
    targets[0] = c->id;
    decide(s, state, targets, 1);
}

static void run_allow(struct screen *s, const struct args *a)
{
    decide_args(s, a, CONSENT_ALLOWED);
}

static void run_block(struct screen *s, const struct args *a)
{
    decide_args(s, a, CONSENT_DENIED);
}

static void run_reset(struct screen *s, const struct args *a)
{
    decide_args(s, a, CONSENT_UNKNOWN);
}

static void run_undo(struct screen *s, const struct args *a)
{
    undo_entity(s, a->n > 0 ? who(s, a->words[0]) : NULL);
}

/* ---- sync ---- */

#define NOT_AVAILABLE_YET (-32011) /* doc/rpc.md */

/* What the answer of a /sync says to people. */
static void sync_words(const char *word, const json_t *result, char *out, size_t size)
{
    unsigned long messages = (unsigned long)js_int(result, "messages"), updates = (unsigned long)js_int(result, "updates");

    if (strcmp(word, "all") == 0)
        snprintf(out, size, ngettext("synced: %lu new message", "synced: %lu new messages", messages), messages);
    else if (strcmp(word, "prefs") == 0)
        snprintf(out, size, ngettext("synced: %lu decision of your other installations",
                                     "synced: %lu decisions of your other installations", updates), updates);
    else
        snprintf(out, size, _("/sync %s is done."), word);
}

static void sync_done(struct screen *s, const json_t *result, const json_t *error, const char *arg)
{
    char text[200];

    s->reload_list = s->reload_log = s->reload_installations = s->reload_network = true;
    talk_refresh(s);
    if (error && js_int(error, "code") == NOT_AVAILABLE_YET) {
        notice(s, STYLE_WARN, _("/sync %s is not available yet."), arg);
        return;
    }
    if (error) {
        notice(s, STYLE_BAD, "%s", error_text(error));
        return;
    }
    sync_words(arg, result, text, sizeof text);
    notice(s, STYLE_GOOD, "%s", text);
}

static void run_sync(struct screen *s, const struct args *a)
{
    static const struct {
        const char *word, *method;
    } kinds[] = {{"all", "conversations.syncAll"}, {"prefs", "preferences.sync"},
                 {"check", "preferences.check"},   {"request", "archive.request"}};
    const char *word = a->n > 0 ? a->words[0] : "all";

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].word, word) == 0) {
            notice(s, STYLE_DIM, "%s", _("syncing ..."));
            screen_call(s, kinds[i].method, json_object(), sync_done, word);
            return;
        }
    notice(s, STYLE_WARN, "%s", _("/sync [all, prefs]"));
}

static void run_log(struct screen *s, const struct args *a)
{
    (void)a;
    focus_pane(s, PANE_LOG);
}

static void run_installations(struct screen *s, const struct args *a)
{
    (void)a;
    focus_pane(s, PANE_INSTALLATIONS);
}

static void run_revoke(struct screen *s, const struct args *a)
{
    size_t len = strlen(a->words[0]);
    const struct installation *found = NULL;
    char question[300], name[100], short_id[16];

    for (size_t i = 0; i < s->model.n_installations; i++) {
        const struct installation *in = &s->model.installations[i];

        if (strncmp(in->id, a->words[0], len) != 0 && !same_name(in->nick, a->words[0]))
            continue;
        if (found) {
            notice(s, STYLE_WARN, "%s", _("That begins more than one installation's id."));
            return;
        }
        found = in;
    }
    if (!found || found->self) {
        notice(s, STYLE_WARN, "%s", found ? _("That is this installation.") : _("No installation of yours has that id."));
        return;
    }
    installation_name(&s->model, found->id, name, sizeof name);
    words_installation(short_id, sizeof short_id, found->id);
    ask_name(s, name, sizeof name);
    snprintf(question, sizeof question, _("Revoke %s? Type %s"), name, short_id);
    popup_open_confirm(s, question, short_id, "client.revokeInstallations", json_pack("{s:[s]}", "ids", found->id));
}

/* ---- messages ---- */

static void run_reply(struct screen *s, const struct args *a)
{
    const struct message *m = talk_target(s);
    struct chat *c = need_chat(s);
    char *id;

    if (!c)
        return;
    if (!m) {
        notice(s, STYLE_WARN, "%s", _("There is no message to answer."));
        return;
    }
    id = xm_strdup(m->id);
    send_text(s, c->id, a->rest, id);
    xm_free(id);
}

static void reacted(struct screen *s, const json_t *result, const json_t *error, const char *arg)
{
    (void)result;
    (void)arg;
    if (error)
        notice(s, STYLE_BAD, "%s", error_text(error));
    talk_refresh(s);
}

static void run_react(struct screen *s, const struct args *a)
{
    const struct message *m = talk_target(s);
    struct chat *c = need_chat(s);
    bool removed = a->words[0][0] == '-' && a->words[0][1] != 0;

    if (!c)
        return;
    if (!m) {
        notice(s, STYLE_WARN, "%s", _("There is no message to react to."));
        return;
    }
    screen_call(s, "conversation.send",
                json_pack("{s:s, s:{s:s, s:s, s:s, s:s}}", "id", c->id, "content", "type", "reaction", "reference", m->id,
                          "emoji", removed ? a->words[0] + 1 : a->words[0], "action", removed ? "removed" : "added"),
                reacted, NULL);
}

static void run_search(struct screen *s, const struct args *a)
{
    search_open(s, true, a->rest);
}

static void run_url(struct screen *s, const struct args *a)
{
    if (a->n > 0)
        links_copy(s, (size_t)strtoul(a->words[0], NULL, 10));
    else
        links_list(s);
}

static void run_copy(struct screen *s, const struct args *a)
{
    (void)a;
    message_copy(s);
}

/* ---- names and settings ---- */

static void nick_set(struct screen *s, const json_t *result, const json_t *error, const char *arg)
{
    (void)result;
    (void)arg;
    if (error)
        notice(s, STYLE_BAD, "%s", error_text(error));
    s->reload_list = s->reload_log = s->reload_installations = true;
}

static void run_nick(struct screen *s, const struct args *a)
{
    const char *target = who_person(s, a->words[0]);
    const char *name = a->n == 2 ? a->words[1] : a->after;
    struct person *p = model_person(&s->model, target);

    for (size_t i = 0; i < s->model.n_installations; i++) {
        const struct installation *in = &s->model.installations[i];

        if (strlen(a->words[0]) >= 4 && (strncmp(in->id, a->words[0], strlen(a->words[0])) == 0 || same_name(in->nick, a->words[0])))
            target = in->id;
    }
    if (p) {
        xm_free(p->nick);
        p->nick = sanitize_str(name, SANITIZE_LINE);
    }
    screen_call(s, "nick.set", json_pack("{s:s, s:s}", "target", target, "name", name), nick_set, NULL);
}

static void run_set(struct screen *s, const struct args *a)
{
    struct buf text = BUF_INIT;
    char line[80];

    if (a->n >= 2) {
        if (config_set(&s->config, a->words[0], a->words[1]))
            notice(s, STYLE_GOOD, _("%s is %s now; /save keeps it."), a->words[0], a->words[1]);
        else
            notice(s, STYLE_WARN, _("No setting %s with a value %s; /set lists them."), a->words[0], a->words[1]);
        s->utf8 = text_locale_is_utf8() && s->config.lines;
        s->repaint = true;
        return;
    }
    for (size_t i = 0; config_line(&s->config, i, line, sizeof line); i++)
        buf_printf(&text, "%s\n", line);
    buf_put_u8(&text, 0);
    if (buf_ok(&text))
        popup_open_list(s, _("settings"), (const char *)text.data);
    buf_free(&text);
}

static void run_save(struct screen *s, const struct args *a)
{
    char path[1100];
    struct err err = {0};

    (void)a;
    if (!s->options.home)
        return;
    snprintf(path, sizeof path, "%s/config.ini", s->options.home);
    if (config_save(&s->config, path, &err) == 0)
        notice(s, STYLE_GOOD, _("Settings saved in %s."), path);
    else
        notice(s, STYLE_BAD, "%s", err.text);
}

static void run_me(struct screen *s, const struct args *a)
{
    char text[400];

    (void)a;
    snprintf(text, sizeof text, _("address       %s\ninbox         %s\ninstallation  %s\n"), s->model.address, s->model.inbox,
             s->model.installation);
    popup_open_list(s, _("you"), text);
}

static void run_fingerprint(struct screen *s, const struct args *a)
{
    const struct chat *c = chat_current(s);
    const char *whose = a->n > 0 ? who_person(s, a->words[0]) : c && !c->is_group ? c->peer : NULL;

    if (a->n > 0 && strcmp(a->words[0], "me") == 0)
        whose = NULL;
    if (whose && !model_person(&s->model, whose)) {
        notice(s, STYLE_WARN, "%s", _("Nobody known here is called that."));
        return;
    }
    proof_fingerprint(s, whose);
}

static void run_qr(struct screen *s, const struct args *a)
{
    (void)a;
    proof_qr(s);
}

static void run_help(struct screen *s, const struct args *a)
{
    char *text;

    if (a->n == 0) {
        popup_open_help(s);
        return;
    }
    text = command_help(a->words[0][0] == '/' ? a->words[0] + 1 : a->words[0]);
    popup_open_list(s, _("help"), text ? text : "");
    xm_free(text);
}

static void run_quit(struct screen *s, const struct args *a)
{
    (void)a;
    screen_end(s);
}

static const struct command commands[] = {
    {"dm", N_("WHO [TEXT]"), N_("start a 1:1 chat; this allows the other one"), 1, run_dm},
    {"group", N_("NAME WHO.."), N_("make a group"), 2, run_group},
    {"go", N_("[TEXT]"), N_("to a chat by part of its name"), 0, run_go},
    {"next", "", N_("to the next chat with something unread"), 0, run_next},
    {"requests", "", N_("who wrote to you and is not decided"), 0, run_requests},
    {"allowed", "", N_("whom you allow"), 0, run_allowed},
    {"denied", "", N_("whom you block"), 0, run_denied},
    {"allow", N_("[WHO..]"), N_("allow, here and on your other installations"), 0, run_allow},
    {"block", N_("[WHO..]"), N_("block, here and on your other installations"), 0, run_block},
    {"reset", N_("[WHO..]"), N_("back to unknown"), 0, run_reset},
    {"undo", N_("[WHO]"), N_("take the last decision back"), 0, run_undo},
    {"sync", N_("[all, prefs]"), N_("fetch now what is new; prefs: decisions alone"), 0, run_sync},
    {"log", "", N_("the sync log"), 0, run_log},
    {"installations", "", N_("your installations"), 0, run_installations},
    {"revoke", N_("ID"), N_("shut an installation of yours out"), 1, run_revoke},
    {"members", "", N_("who is in this chat"), 0, run_members},
    {"add", N_("WHO.."), N_("add to this group"), 1, run_add},
    {"kick", N_("WHO.."), N_("remove from this group"), 1, run_kick},
    {"name", N_("TEXT"), N_("rename this group"), 1, run_name},
    {"topic", N_("[TEXT]"), N_("what this group is about; say it anew"), 0, run_topic},
    {"leave", "", N_("leave this group"), 0, run_leave},
    {"reply", N_("TEXT"), N_("answer the selected message, else the last one"), 1, run_reply},
    {"react", N_("EMOJI"), N_("react to it; -EMOJI takes it back"), 1, run_react},
    {"url", N_("[NUMBER]"), N_("links of the selected message, else of all; copy one"), 0, run_url},
    {"copy", "", N_("the selected message, else the last, to the clipboard"), 0, run_copy},
    {"search", N_("[TEXT]"), N_("in what was said, in all chats; Alt-/ in this one"), 0, run_search},
    {"nick", N_("WHO [NAME]"), N_("your name for somebody or an installation; stays here"), 1, run_nick},
    {"fingerprint", N_("[WHO, me]"), N_("installation keys to compare"), 0, run_fingerprint},
    {"qr", "", N_("your address as a code to scan"), 0, run_qr},
    {"me", "", N_("your address and ids"), 0, run_me},
    {"set", N_("[NAME on, off]"), N_("settings of the screen"), 0, run_set},
    {"save", "", N_("keep the settings"), 0, run_save},
    {"help", N_("[COMMAND]"), N_("this"), 0, run_help},
    {"quit", "", N_("leave; what is typed is kept"), 0, run_quit},
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

/* Names that other commands of this program's plan have, so that the answer is honest. */
static const char *const later[] = {"receipts", "mute", "notify", "bind", "alias", "export", "attach", NULL};

static const struct command *find(const char *name)
{
    static const struct {
        const char *shorter, *name;
    } aliases[] = {{"q", "quit"}, {"h", "help"}, {"j", "go"}, {"unblock", "allow"}, {"accept", "allow"}, {"decline", "block"},
                   {"invite", "add"}, {"part", "leave"}, {"names", "members"}, {"msg", "dm"}, {"query", "dm"}};

    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (strcmp(aliases[i].shorter, name) == 0)
            name = aliases[i].name;
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static bool comes_later(const char *name)
{
    for (int i = 0; later[i]; i++)
        if (strcmp(later[i], name) == 0)
            return true;
    return false;
}

static void unknown_command(struct screen *s, const char *name)
{
    if (comes_later(name))
        notice(s, STYLE_WARN, _("/%s is not available yet."), name);
    else if (!*name)
        notice(s, STYLE_WARN, "%s", _("A command follows the slash: /help lists them."));
    else
        notice(s, STYLE_WARN, _("There is no /%s. /help lists the commands; //text sends a line that begins with a slash."), name);
}

void command_run(struct screen *s, const char *line)
{
    const char *from = line + strspn(line, "/");
    size_t len = strcspn(from, " \n");
    char name[40], *rest = xm_strdup(from + len + strspn(from + len, " \n")), *copy = xm_strdup(rest ? rest : "");
    struct args a = {0};
    const struct command *c;

    if (!rest || !copy)
        goto done;
    for (size_t n = strlen(rest); n > 0 && (rest[n - 1] == ' ' || rest[n - 1] == '\n'); n--)
        rest[n - 1] = 0;
    snprintf(name, sizeof name, "%.*s", (int)(len < 39 ? len : 39), from);
    a.rest = rest;
    args_split(&a, copy);
    c = find(name);
    if (!c)
        unknown_command(s, name);
    else if (a.n < c->min)
        notice(s, STYLE_WARN, "/%s %s", c->name, _(c->usage));
    else
        c->run(s, &a);
done:
    xm_free(rest);
    xm_free(copy);
}

char *command_help(const char *name)
{
    struct buf out = BUF_INIT;
    const struct command *only = name ? find(name) : NULL;

    for (size_t i = 0; i < N_COMMANDS; i++) {
        const struct command *c = &commands[i];
        char usage[80];

        if (name && c != only)
            continue;
        snprintf(usage, sizeof usage, "/%s %s", c->name, *c->usage ? _(c->usage) : "");
        buf_printf(&out, "%-22s %s\n", usage, _(c->help));
    }
    if (name && !only)
        buf_printf(&out, comes_later(name) ? _("/%s is not available yet.") : _("There is no /%s."), name);
    buf_put_u8(&out, 0);
    return buf_ok(&out) ? (char *)out.data : NULL;
}

const char *command_name(size_t i)
{
    return i < N_COMMANDS ? commands[i].name : NULL;
}
