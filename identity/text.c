/* The signature text.  Wallets show it to people, so its wording is part of the protocol. */
#include "identity/update.h"

#define NS_IN_S  INT64_C(1000000000)
#define S_IN_DAY INT64_C(86400)

/* Rounds towards the past, where C's division rounds towards zero. */
static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Days since 1970-01-01 to the proleptic Gregorian calendar.  Counts in years that begin in March, so
 * that the leap day comes last; 146097 days make 400 years. */
static void civil_date(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t shifted = days + 719468; /* since 0000-03-01 */
    int64_t era = floor_div(shifted, 146097);
    int64_t in_era = shifted - era * 146097;
    int64_t of_era = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * of_era + of_era / 4 - of_era / 100);
    int64_t march_month = (5 * in_year + 2) / 153;

    *day = (int)(in_year - (153 * march_month + 2) / 5 + 1);
    *month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    *year = of_era + era * 400 + (*month <= 2);
}

/* The timestamp as signed nanoseconds, the fraction dropped.  Its range, 1677 to 2262, always has a
 * year of four digits. */
static void put_time(struct buf *out, uint64_t timestamp_ns)
{
    int64_t seconds = floor_div((int64_t)timestamp_ns, NS_IN_S);
    int64_t days = floor_div(seconds, S_IN_DAY), year;
    int in_day = (int)(seconds - days * S_IN_DAY), month, day;

    civil_date(days, &year, &month, &day);
    buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)year, month, day, in_day / 3600, in_day / 60 % 60,
               in_day % 60);
}

static void put_line(struct buf *out, const char *what, const char *name, struct ident id)
{
    buf_printf(out, "- %s\n  (%s: ", what, name);
    ident_put_text(out, id);
    buf_put_str(out, ")");
}

static void put_member(struct buf *out, struct ident id, const char *const what[3])
{
    static const char *const name[] = {"Address", "Passkey", "ID"};

    put_line(out, what[id.kind - IDENT_ETHEREUM], name[id.kind - IDENT_ETHEREUM], id);
}

static void put_action(struct buf *out, const struct identity_action *action)
{
    static const char *const add[] = {"Link address to inbox", "Link passkey to inbox",
                                      "Grant messaging access to app"};
    static const char *const revoke[] = {"Unlink address from inbox", "Unlink passkey from inbox",
                                         "Revoke messaging access from app"};

    switch (action->kind) {
    case ACTION_CREATE:
        put_line(out, "Create inbox", "Owner", action->subject);
        break;
    case ACTION_ADD:
        put_member(out, action->subject, add);
        break;
    case ACTION_REVOKE:
        put_member(out, action->subject, revoke);
        break;
    case ACTION_CHANGE_RECOVERY: /* "Address" for a passkey too */
        put_line(out, "Change inbox recovery address", "Address", action->subject);
        break;
    }
}

void identity_text_put(struct buf *out, struct slice inbox_id, uint64_t client_timestamp_ns,
                       const struct identity_action *actions, size_t actions_n)
{
    buf_put_str(out, "XMTP : Authenticate to inbox\n\nInbox ID: ");
    buf_put_slice(out, inbox_id);
    buf_put_str(out, "\nCurrent time: ");
    put_time(out, client_timestamp_ns);
    buf_put_str(out, "\n\n");
    for (size_t i = 0; i < actions_n; i++) {
        if (i > 0)
            buf_put_str(out, "\n");
        put_action(out, &actions[i]);
    }
    buf_put_str(out, "\n\nFor more info: https://xmtp.org/signatures");
}
