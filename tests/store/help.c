#include "tests/store/help.h"

#include "crypto/crypto.h"
#include "store/consent.h"
#include "store/cursors.h"
#include "store/identity_log.h"
#include "store/installation.h"
#include "store/intents.h"
#include "store/key_packages.h"
#include "store/mls_state.h"
#include "store/preferences.h"
#include "store/settings.h"
#include "store/tasks.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t raw_bytes[STORE_KEY_LEN] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                                 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                                 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
const struct store_key raw_key = {STORE_KEY_RAW, {raw_bytes, sizeof raw_bytes}};

int crypto_setup(void **state)
{
    (void)state;
    return crypto_init(NULL);
}

int folder_setup(void **state)
{
    struct home *home = calloc(1, sizeof *home);
    const char *tmp = getenv("TMPDIR");

    if (!home)
        return -1;
    snprintf(home->path, sizeof home->path, "%s/xm-store-XXXXXX", tmp ? tmp : "/tmp");
    *state = home;
    return mkdtemp(home->path) ? 0 : -1;
}

int home_setup(void **state)
{
    struct err err = {0};
    struct home *home;

    if (folder_setup(state) != 0)
        return -1;
    home = *state;
    if (store_create(home->path, &raw_key, NULL, &home->store, &err) != 0) {
        print_error("%s\n", err.text);
        return -1;
    }
    return 0;
}

int home_teardown(void **state)
{
    struct home *home = *state;
    DIR *dir;

    store_close(home->store);
    if ((dir = opendir(home->path))) {
        for (struct dirent *e; (e = readdir(dir));)
            unlinkat(dirfd(dir), e->d_name, 0);
        closedir(dir);
    }
    rmdir(home->path);
    free(home);
    return 0;
}

void home_reopen(struct home *home)
{
    store_close(home->store);
    home->store = NULL;
    OK(store_open(home->path, &raw_key, NULL, &home->store, err));
}

char *home_file(const struct home *home, const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", home->path, name);
    return path;
}

static struct slice id_of(unsigned n, size_t len)
{
    static uint8_t space[8][32];
    static unsigned at;
    uint8_t *out = space[at++ % 8];

    memset(out, 0xa5, len);
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(n >> (24 - 8 * i));
    return slice_of(out, len);
}

struct slice id16(unsigned n)
{
    return id_of(n, 16);
}

struct slice id32(unsigned n)
{
    return id_of(n, 32);
}

void add_group(struct store *store, unsigned id, enum store_group_type type, const char *dm_id)
{
    const struct store_group group = {
        .id = id16(id),
        .type = type,
        .membership = STORE_MEMBER_ALLOWED,
        .dm_id = dm_id,
        .peer_inbox_id = dm_id ? "bo" : NULL,
        .creator_inbox_id = "alix",
        .added_by_inbox_id = "alix",
        .created_at_ns = id * SECOND,
        .active = true,
        .trusted = type == STORE_SYNC,
    };

    OK(store_group_put(store, &group, err));
}

struct store_message text_message(unsigned id, unsigned group, int64_t sent_at_ns, const char *text)
{
    return (struct store_message){
        .id = id32(id),
        .group_id = id16(group),
        .sender_inbox_id = "bo",
        .sender_installation_id = id32(7777),
        .sent_at_ns = sent_at_ns,
        .inserted_at_ns = sent_at_ns + 1,
        .kind = STORE_MESSAGE_APPLICATION,
        .status = STORE_PUBLISHED,
        .content_type = 1,
        .shows = STORE_SHOWS_MESSAGE,
        .should_push = true,
        .body = slice_str(text),
        .originator = 10,
        .sequence_id = id,
        .idempotency_key = "1700000000000000000",
    };
}

void add_text(struct store *store, unsigned id, unsigned group, int64_t sent_at_ns, const char *text)
{
    const struct store_message m = text_message(id, group, sent_at_ns, text);
    bool added = false;

    OK(store_message_put(store, &m, &added, err));
    assert_true(added);
}

int64_t conversation_of(struct store *store, unsigned group)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct store_group g;
    int64_t n;

    OK(store_group_get(store, id16(group), &mem, &g, err));
    n = g.conversation;
    store_mem_free(&mem);
    return n;
}

void plant(struct store *s)
{
    const struct slice mark = slice_str(MARK "value");
    const struct store_group_texts texts = {mark, mark, mark, mark};
    struct store_message message = text_message(1, 1, 5 * SECOND, MARK "body");
    int64_t id, conversation;

    add_group(s, 1, STORE_GROUP, NULL);
    conversation = conversation_of(s, 1);
    OK(store_group_set_texts(s, id16(1), &texts, err));
    OK(store_draft_put(s, conversation, mark, err));
    OK(store_message_put(s, &message, NULL, err));
    OK(store_secret_put(s, STORE_SECRET_SEED, mark, err));
    OK(store_secret_put(s, STORE_SECRET_ADDRESS, mark, err));
    OK(store_key_package_put(
        s,
        &(struct store_key_package){
            .ref = id32(1), .package = id32(2), .private_part = mark, .init_key = id32(3)},
        &id, err));
    OK(store_identity_update_put(s, &(struct store_identity_update){"alix", 1, 1, 1, mark}, NULL, err));
    OK(store_association_put(s, "alix", 1, mark, err));
    OK(store_inbox_of_put(s, 1, mark, "alix", 1, err));
    OK(store_mls_put(s, id16(1), (struct store_piece){1, 2, 3}, mark, err));
    OK(store_intent_put(s, &(struct store_intent){.kind = 1, .group_id = id16(1), .data = mark}, &id, err));
    OK(store_intent_set_published(s, id, id32(1), mark, mark, 1, err));
    OK(store_hmac_key_put(s, mark, 1, NULL, err));
    OK(store_preference_put(s, 0, mark, 1, NULL, err));
    OK(store_task_put(s, &(struct store_task){.kind = 1, .hash = id32(9), .data = mark, .expires_at_ns = 9},
                      NULL, err));
    OK(store_nickname_put(s, STORE_NICKNAME_INBOX, "bo", MARK "name", err));
    OK(store_setting_put(s, "theme", mark, err));
    OK(store_installation_put(s, &(struct store_installation){"alix", "local", id32(7), 2, 3, 4}, err));
    OK(store_cursor_advance(s, id16(1), STORE_CURSOR_COMMIT, 0, 33, NULL, err));
    OK(store_consent_apply(s,
                           &(struct store_consent){STORE_CONSENT_INBOX, "bo", STORE_CONSENT_DENIED, 5, {0}},
                           &(struct store_consent_context){.now_ns = 6, .batch = 1}, NULL, err));
}

static bool is_mark(struct slice value)
{
    return slice_eq(value, slice_str(MARK "value"));
}

static int expect_update(void *ctx, const struct store_identity_update *row)
{
    assert_true(is_mark(row->payload));
    ++*(int *)ctx;
    return 0;
}

static int expect_preference(void *ctx, const struct store_preference *row)
{
    assert_true(is_mark(row->payload));
    ++*(int *)ctx;
    return 0;
}

static int expect_identifier(void *ctx, int kind, struct slice identifier)
{
    assert_int_equal(kind, 1);
    assert_true(is_mark(identifier));
    ++*(int *)ctx;
    return 0;
}

static void expect_chat(struct store *s, struct store_mem *mem)
{
    struct store_conversation line;
    struct slice value;
    struct bytes piece;
    int64_t at;

    OK(store_conversation_get(s, id16(1), mem, &line, err));
    assert_true(is_mark(line.texts.name) && is_mark(line.texts.description));
    assert_true(is_mark(line.texts.image_url) && is_mark(line.texts.app_data));
    assert_true(slice_eq(line.last.body, slice_str(MARK "body")));
    assert_int_equal(line.unread, 1);
    OK(store_draft_get(s, line.group.conversation, mem, &value, err));
    assert_true(is_mark(value));
    OK(store_mls_get(s, id16(1), (struct store_piece){1, 2, 3}, &piece, err));
    assert_true(is_mark(bytes_slice(&piece)));
    bytes_wipe(&piece);
    OK(store_cursor_of_group(s, id16(1), &at, err));
    assert_int_equal(at, 33);
}

static void expect_ourselves(struct store *s, struct store_mem *mem)
{
    struct store_installation self;
    struct store_key_package package;
    struct slice value;
    int64_t at;

    OK(store_installation_get(s, mem, &self, err));
    assert_string_equal(self.inbox_id, "alix");
    OK(store_secret_get(s, STORE_SECRET_SEED, mem, &value, err));
    assert_true(is_mark(value));
    OK(store_secret_get(s, STORE_SECRET_ADDRESS, mem, &value, err));
    assert_true(is_mark(value));
    OK(store_key_package_find(s, id32(3), mem, &package, err));
    assert_true(is_mark(package.private_part));
    OK(store_hmac_key_get(s, mem, &value, &at, err));
    assert_true(is_mark(value));
    OK(store_setting_get(s, "theme", mem, &value, err));
    assert_true(is_mark(value));
}

void expect_planted(struct store *s)
{
    struct store_mem mem = STORE_MEM_INIT;
    enum store_consent_state consent;
    struct store_intent intent;
    struct store_task task;
    struct slice value;
    const char *name;
    int rows = 0;

    expect_chat(s, &mem);
    expect_ourselves(s, &mem);
    OK(store_identity_updates_each(s, "alix", 0, 0, expect_update, &rows, err));
    OK(store_preferences_each(s, expect_preference, &rows, err));
    OK(store_identifiers_of_each(s, "alix", expect_identifier, &rows, err));
    assert_int_equal(rows, 3);
    OK(store_association_get(s, "alix", 1, &mem, &value, err));
    assert_true(is_mark(value));
    OK(store_intent_by_hash(s, id32(1), &mem, &intent, err));
    assert_true(is_mark(intent.data) && is_mark(intent.staged_commit) && is_mark(intent.post_commit));
    OK(store_task_next(s, 8, &mem, &task, err));
    assert_true(is_mark(task.data));
    OK(store_nickname_get(s, STORE_NICKNAME_INBOX, "bo", &mem, &name, err));
    assert_string_equal(name, MARK "name");
    OK(store_consent_state(s, STORE_CONSENT_INBOX, "bo", &consent, err));
    assert_int_equal(consent, STORE_CONSENT_DENIED);
    OK(store_check(s, err));
    store_mem_free(&mem);
}

const struct store_piece group_ratchet = {1, 0, 0};

unsigned expect_whole(struct store *store)
{
    struct bytes piece = {0};
    int64_t cursor, messages;
    unsigned moved = 0;

    OK(store_check(store, err));
    OK(store_cursor_get(store, id16(1), STORE_CURSOR_APPLICATION, 10, &cursor, err));
    OK(store_messages_count(store, conversation_of(store, 1), STORE_SHOWS_NOT, &messages, err));
    if (store_mls_get(store, id16(1), group_ratchet, &piece, NULL) == 0) {
        assert_int_equal(piece.len, sizeof moved);
        memcpy(&moved, piece.data, sizeof moved);
        bytes_wipe(&piece);
    }
    assert_int_equal(messages, cursor);
    assert_int_equal(moved, cursor);
    return (unsigned)cursor;
}
