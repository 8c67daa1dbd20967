/* The table of one-shot commands, and the few whose arguments are not simply params. */
#include "cli/command.h"
#include "cli/open.h"
#include "cli/options.h"
#include "cli/print.h"

#include "base/i18n.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a message can hold, and one more to be told that it is too long. */
#define TEXT_READ_MAX (1024 * 1024 + 1)

json_t *cli_text_argument(const char *word)
{
    static char buffer[TEXT_READ_MAX];
    size_t n = strlen(word);
    json_t *text;

    if (strcmp(word, "-") == 0) {
        n = fread(buffer, 1, sizeof buffer, stdin);
        while (n && n < sizeof buffer && buffer[n - 1] == '\n')
            n--;
        word = buffer;
    }
    if (n == 0) {
        fprintf(stderr, "xmtui: %s\n", _("the text is empty"));
        return NULL;
    }
    text = json_stringn(word, n);
    return text ? text : json_null(); /* no UTF-8: refused as no text */
}

static json_t *send_typed(const char *id, json_t *content)
{
    return json_pack("{s:s,s:o}", "id", id, "content", content);
}

/* `text` NULL: what is wrong with it has been told. */
static json_t *send_text(const char *id, const char *type, json_t *text)
{
    return text ? send_typed(id, json_pack("{s:s,s:o}", "type", type, "text", text)) : json_null();
}

static json_t *build_text(const struct command *c, const struct cli_options *o, const char *const *a, size_t n)
{
    (void)c;
    (void)o;
    return n == 2 ? send_text(a[0], "text", cli_text_argument(a[1])) : NULL;
}

static json_t *build_markdown(const struct command *c, const struct cli_options *o, const char *const *a, size_t n)
{
    (void)c;
    (void)o;
    return n == 2 ? send_text(a[0], "markdown", cli_text_argument(a[1])) : NULL;
}

static json_t *build_reply(const struct command *c, const struct cli_options *o, const char *const *a, size_t n)
{
    json_t *text = n == 3 ? cli_text_argument(a[2]) : NULL;

    (void)c;
    (void)o;
    if (!text)
        return n == 3 ? json_null() : NULL;
    return send_typed(a[0], json_pack("{s:s,s:s,s:o}", "type", "reply", "reference", a[1], "text", text));
}

static json_t *build_reaction(const struct command *c, const struct cli_options *o, const char *const *a, size_t n)
{
    (void)c;
    return n == 3 ? send_typed(a[0], json_pack("{s:s,s:s,s:s,s:s}", "type", "reaction", "reference", a[1], "emoji",
                                               a[2], "action", cli_flag(o, "remove") ? "removed" : "added"))
                  : NULL;
}

static json_t *build_delete(const struct command *c, const struct cli_options *o, const char *const *a, size_t n)
{
    (void)c;
    (void)o;
    return n == 2 ? send_typed(a[0], json_pack("{s:s,s:s}", "type", "delete", "reference", a[1])) : NULL;
}

static json_t *build_receipt(const struct command *c, const struct cli_options *o, const char *const *a, size_t n)
{
    (void)c;
    (void)o;
    return n == 1 ? send_typed(a[0], json_pack("{s:s}", "type", "readReceipt")) : NULL;
}

static json_t *build_update(const struct command *c, const struct cli_options *o, const char *const *a, size_t n)
{
    static const char *const names[][2] = {
        {"update-name", "name"}, {"update-description", "description"}, {"update-image-url", "imageUrl"}, {"update-app-data", "appData"}};

    (void)o;
    for (size_t i = 0; n == 2 && i < sizeof names / sizeof names[0]; i++)
        if (strstr(c->words, names[i][0]))
            return json_pack("{s:s,s:s}", "id", a[0], names[i][1], a[1]);
    return NULL;
}

/* "add-member" -> "addMember": words of a command are written with lines between, names of the methods without. */
static const char *to_camel(const char *word, char *out, size_t room)
{
    size_t n = 0;

    for (; *word && n + 1 < room; word++) {
        bool turn = word[0] == '-' && word[1];

        word += turn;
        out[n++] = turn ? (char)toupper((unsigned char)*word) : *word;
    }
    out[n] = 0;
    return out;
}

static json_t *build_permission(const struct command *c, const struct cli_options *o, const char *const *a, size_t n)
{
    char what[64], who[64];

    (void)c;
    (void)o;
    return n == 3 ? json_pack("{s:s,s:{s:s}}", "id", a[0], "set", to_camel(a[1], what, sizeof what),
                              to_camel(a[2], who, sizeof who))
                  : NULL;
}

/* The longest time: what counts in nanoseconds. */
#define SECONDS_MAX (INT64_MAX / 1000000000)

static json_t *build_disappearing(const struct command *c, const struct cli_options *o, const char *const *a, size_t n)
{
    long long seconds;
    char in[32], *end;

    (void)c;
    (void)o;
    if (n != 2)
        return NULL;
    if (strcmp(a[1], "off") == 0)
        return json_pack("{s:s,s:n}", "id", a[0], "disappearing");
    seconds = strtoll(a[1], &end, 10);
    if (*end || seconds <= 0 || seconds > SECONDS_MAX)
        return NULL;
    snprintf(in, sizeof in, "%lld", seconds * 1000000000);
    return json_pack("{s:s,s:{s:s}}", "id", a[0], "disappearing", "inNs", in);
}

/* NULL for a word that names neither. */
static const char *long_entity(const char *type)
{
    static const char *const names[][2] = {{"inbox", "inboxId"},
                                           {"inboxId", "inboxId"},
                                           {"inbox_id", "inboxId"},
                                           {"conversation", "conversationId"},
                                           {"conversationId", "conversationId"},
                                           {"conversation_id", "conversationId"},
                                           {"group", "conversationId"}};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i][0], type) == 0)
            return names[i][1];
    return NULL;
}

static json_t *build_set_consent(const struct command *c, const struct cli_options *o, const char *const *a, size_t n)
{
    const char *type = n == 3 ? long_entity(a[0]) : NULL;

    (void)c;
    (void)o;
    return type ? json_pack("{s:[{s:s,s:s,s:s}]}", "records", "entityType", type, "entity", a[1], "state", a[2]) : NULL;
}

static json_t *build_get_consent(const struct command *c, const struct cli_options *o, const char *const *a, size_t n)
{
    const char *type = n == 2 ? long_entity(a[0]) : NULL;

    (void)c;
    (void)o;
    return type ? json_pack("{s:s,s:s}", "entityType", type, "entity", a[1]) : NULL;
}

static json_t *build_all_others(const struct command *c, const struct cli_options *o, const char *const *a, size_t n)
{
    (void)c;
    (void)o;
    (void)a;
    return n == 0 ? json_pack("{s:b}", "allOthers", 1) : NULL;
}

/* The account is named, or known by the key of its wallet, which then signs for itself. */
static json_t *build_add_account(const struct command *c, const struct cli_options *o, const char *const *a, size_t n)
{
    bool by_key = o->wallet_key_file || o->wallet_key_given;
    json_t *key = NULL, *params = json_object();

    (void)c;
    if (n + by_key == 0 || n > 1) {
        json_decref(params);
        return NULL;
    }
    if (by_key) {
        key = o->wallet_key_file ? cli_key_from_file(o->wallet_key_file) : json_string(o->wallet_key);
        if (!key) {
            json_decref(params);
            return json_null();
        }
        json_object_set_new(params, "walletKey", key);
    }
    if (n)
        json_object_set_new(params, "address", json_string(a[0]));
    return params;
}

#define LIST_FLAGS "consent=consentStates:l type=type limit=limit:i"
#define PAGE_FLAGS "limit=limit:i before=beforeNs:i after=afterNs:i"

const struct command commands[] = {
    {"list", "", N_("your conversations, newest first"), "conversations.list", NULL, "", LIST_FLAGS, print_conversations},
    {"send", "CONVERSATION TEXT", N_("send a text"), "conversation.send", build_text, NULL, "", print_sent},
    {"messages", "CONVERSATION", N_("read a conversation"), "conversation.messages", NULL, "id", PAGE_FLAGS, print_messages},
    {"allow", "TARGET...", N_("allow a person or a group"), "preferences.allow", NULL, "targets*", "", print_records},
    {"block", "TARGET...", N_("block a person or a group, on all your installations"), "preferences.block", NULL, "targets*", "", print_records},
    {"reset", "TARGET...", N_("take a decision back: unknown again"), "preferences.reset", NULL, "targets*", "", print_records},
    {"sync", "", N_("fetch everything new"), "conversations.syncAll", NULL, "", "consent=consentStates:l", print_fields},
    {"installations", "", N_("your installations"), "client.inboxState", NULL, "", "", print_installations},
    {"nick", "TARGET [NAME]", N_("a name of your own for somebody, kept on this installation"), "nick.set", NULL, "target name?", "", print_nothing},

    {"client info", "", N_("who this installation is"), "client.info", NULL, "", "", print_fields},
    {"client inbox-state", "[INBOX]", N_("accounts and installations of an inbox"), "client.inboxState", NULL, "inboxId?", "", print_fields},
    {"client can-message", "PEER...", N_("who of these can be reached"), "client.canMessage", NULL, "peers*", "", print_fields},
    {"client revoke-installations", "ID...", N_("revoke installations of yours"), "client.revokeInstallations", NULL, "ids*", "", print_fields},
    {"client revoke-all-other-installations", "", N_("revoke all but this one"), "client.revokeInstallations", build_all_others, NULL, "", print_fields},

    {"client add-account", "ADDRESS | --wallet-key-file F", N_("one more account of yours; without its key, sign the text and paste the signature"), "client.addAccount", build_add_account, NULL, "", print_fields},
    {"client remove-account", "ADDRESS", N_("an account of yours no more"), "client.removeAccount", NULL, "address", "", print_fields},
    {"client change-recovery-identifier", "ADDRESS", N_("the account that may revoke; the former one signs"), "client.changeRecoveryIdentifier", NULL, "address", "", print_fields},
    {"client export-key", "FILE", N_("write the wallet key into a new file that only you can read"), "client.exportKey", NULL, "file", "", print_fields},
    {"client sign", "TEXT", N_("sign a text with this installation's key"), "client.sign", NULL, "text", "", print_fields},
    {"client verify-signature", "TEXT SIGNATURE", N_("whether this installation, or the one named, signed it"), "client.verifySignature", NULL, "text signature", "installation=installationId", print_validity},

    {"conversations list", "", N_("your conversations, newest first"), "conversations.list", NULL, "", LIST_FLAGS, print_conversations},
    {"conversations get", "ID", N_("one conversation"), "conversation.get", NULL, "id", "", print_conversation},
    {"conversations create-dm", "PEER", N_("a 1:1 chat; the existing one if there is one"), "conversations.newDm", NULL, "peer", "", print_conversation},
    {"conversations create-group", "PEER...", N_("a group"), "conversations.newGroup", NULL, "peers*", "name=name description=description permissions=permissions image-url=imageUrl", print_conversation},
    {"conversations sync", "", N_("fetch new conversations"), "conversations.sync", NULL, "", "", print_fields},
    {"conversations sync-all", "", N_("fetch everything new"), "conversations.syncAll", NULL, "", "consent=consentStates:l", print_fields},
    {"conversations hmac-keys", "", N_("keys for a push service"), "conversations.hmacKeys", NULL, "", "", print_fields},

    {"conversation messages", "ID", N_("read a conversation"), "conversation.messages", NULL, "id", PAGE_FLAGS, print_messages},
    {"conversation send-text", "ID TEXT", N_("send a text"), "conversation.send", build_text, NULL, "", print_sent},
    {"conversation send-markdown", "ID TEXT", N_("send formatted text"), "conversation.send", build_markdown, NULL, "", print_sent},
    {"conversation send-reply", "ID MSG TEXT", N_("answer a message"), "conversation.send", build_reply, NULL, "", print_sent},
    {"conversation send-reaction", "ID MSG EMOJI", N_("react to a message (--remove takes it back)"), "conversation.send", build_reaction, NULL, "remove=", print_sent},
    {"conversation send-read-receipt", "ID", N_("tell the others that you have read"), "conversation.send", build_receipt, NULL, "", print_sent},
    {"conversation delete-message", "ID MSG", N_("take a message of yours back"), "conversation.send", build_delete, NULL, "", print_sent},
    {"conversation publish-messages", "ID", N_("send what is queued"), "conversation.publish", NULL, "id", "", print_fields},
    {"conversation members", "ID", N_("who is in it"), "conversation.members", NULL, "id", "", print_members},
    {"conversation add-members", "ID PEER...", N_("add people"), "conversation.addMembers", NULL, "id peers*", "", print_conversation},
    {"conversation remove-members", "ID PEER...", N_("remove people"), "conversation.removeMembers", NULL, "id peers*", "", print_conversation},
    {"conversation add-admin", "ID PEER", N_("make somebody an admin"), "conversation.addAdmin", NULL, "id peer", "", print_conversation},
    {"conversation remove-admin", "ID PEER", N_("an admin no more"), "conversation.removeAdmin", NULL, "id peer", "", print_conversation},
    {"conversation add-super-admin", "ID PEER", N_("make somebody a super admin"), "conversation.addSuperAdmin", NULL, "id peer", "", print_conversation},
    {"conversation remove-super-admin", "ID PEER", N_("a super admin no more"), "conversation.removeSuperAdmin", NULL, "id peer", "", print_conversation},
    {"conversation update-name", "ID VALUE", N_("rename a group"), "conversation.update", build_update, NULL, "", print_conversation},
    {"conversation update-description", "ID VALUE", N_("describe a group"), "conversation.update", build_update, NULL, "", print_conversation},
    {"conversation update-image-url", "ID VALUE", N_("a group's picture"), "conversation.update", build_update, NULL, "", print_conversation},
    {"conversation update-app-data", "ID VALUE", N_("a group's data of an app"), "conversation.update", build_update, NULL, "", print_conversation},
    {"conversation update-disappearing", "ID SECONDS|off", N_("messages vanish after a time"), "conversation.update", build_disappearing, NULL, "", print_conversation},
    {"conversation permissions", "ID", N_("who may do what in a group"), "conversation.permissions", NULL, "id", "", print_permissions},
    {"conversation update-permission", "ID WHAT WHO", N_("WHAT: add-member, name, ..; WHO: allow, deny, admin, super-admin"), "conversation.permissions", build_permission, NULL, "", print_permissions},
    {"conversation consent-state", "ID", N_("what you decided about it"), "conversation.consentState", NULL, "id", "", print_fields},
    {"conversation update-consent", "ID STATE", N_("unknown, allowed or denied"), "conversation.updateConsent", NULL, "id state", "", print_fields},
    {"conversation request-removal", "ID", N_("leave a group"), "conversation.leave", NULL, "id", "", print_nothing},
    {"conversation sync", "ID", N_("fetch what is new in it"), "conversation.sync", NULL, "id", "", print_fields},
    {"conversation debug-info", "ID", N_("epoch, authenticator, cursor"), "conversation.debug", NULL, "id", "", print_fields},

    {"preferences sync", "", N_("fetch what your other installations decided"), "preferences.sync", NULL, "", "", print_fields},
    {"preferences get-consent", "inbox|conversation ENTITY", N_("what you decided about it"), "preferences.getConsent", build_get_consent, NULL, "", print_fields},
    {"preferences set-consent", "inbox|conversation ENTITY STATE", N_("exactly this one record"), "preferences.setConsent", build_set_consent, NULL, "", print_fields},
    {"preferences list", "", N_("all decisions"), "preferences.list", NULL, "", "", print_records},
    {"preferences state", "", N_("the preferences groups"), "preferences.state", NULL, "", "", print_fields},
    {"preferences log", "", N_("who decided what and when"), "preferences.log", NULL, "", "limit=limit:i before=beforeId:i", print_log},
    {"preferences undo", "LOGID", N_("back to the state before"), "preferences.undo", NULL, "id", "", print_records},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};
