/* What a home gives away to somebody who reads its files, and a running program to whoever looks at it from
 * outside: a chat is made with the real programs, then every file is searched for every secret and every text. */
#include "tests/cli/run.h"
#include "tests/programs.h"
#include "tests/test.h"

#include "base/hex.h"
#include "crypto/crypto.h"
#include "store/installation.h"
#include "store/mls_state.h"
#include "store/preferences.h"
#include "store/rows.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define WALLET_KEY "b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291"
#define DB_KEY     "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef"

/* What was written, in the chat and about it; each a word that nothing else has. */
#define TEXT_OUT    "marmalade-at-noon"
#define TEXT_BACK   "parsnip-at-dusk"
#define GROUP_NAME  "Quince-Society"
#define GROUP_ABOUT "preserves-and-gossip"
#define GROUP_DATA  "app-data-of-quinces"
#define GROUP_IMAGE "https://example.org/quince.png"
#define DRAFT       "unsent-rhubarb"
#define NICKNAME    "Old-Bosko"
#define LABEL       "kitchen-laptop"

static char alix_inbox[65];
static struct running alix; /* xmtui rpc on a home that stays open, so that WAL and -shm are there to be read */

/* ---- the chat ---- */

/* A request of the open session; its result, which the caller frees. */
static json_t *ask(const char *method, json_t *params)
{
    static int id;
    json_t *request = json_pack("{s:s,s:i,s:s,s:o}", "jsonrpc", "2.0", "id", ++id, "method", method, "params", params);
    char *text = json_dumps(request, JSON_COMPACT), *line;
    json_t *answer, *result;

    run_write(&alix, text);
    run_write(&alix, "\n");
    line = run_line(&alix);
    answer = json_loads(line, 0, NULL);
    result = json_object_get(answer, "result");
    if (!result)
        fail_msg("%s: %s", text, line);
    json_incref(result);
    json_decref(answer);
    json_decref(request);
    free(text);
    free(line);
    return result;
}

static void tell(const char *method, json_t *params)
{
    json_decref(ask(method, params));
}

static void write_key_file(void)
{
    char path[200];
    FILE *f;

    snprintf(path, sizeof path, "%s/wallet.key", programs_folder());
    f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fchmod(fileno(f), 0600), 0);
    fputs(WALLET_KEY "\n", f);
    fclose(f);
}

static void talk(const char *bo)
{
    json_t *dm, *group;
    char command[300];
    const char *id;

    dm = ask("conversations.newDm", json_pack("{s:s}", "peer", bo));
    id = member(dm, "id");
    tell("conversation.send", json_pack("{s:s,s:s}", "id", id, "text", TEXT_OUT));
    snprintf(command, sizeof command, "@bo --log-level debug dm %s " TEXT_BACK " --json", alix_inbox);
    json_decref(run_json(command));
    tell("conversation.sync", json_pack("{s:s}", "id", id));
    tell("conversation.draft", json_pack("{s:s,s:s}", "id", id, "text", DRAFT));
    tell("nick.set", json_pack("{s:s,s:s}", "target", bo, "name", NICKNAME));
    group = ask("conversations.newGroup", json_pack("{s:[s],s:s,s:s}", "peers", bo, "name", GROUP_NAME, "description",
                                                    GROUP_ABOUT));
    id = member(group, "id");
    tell("conversation.update", json_pack("{s:s,s:s,s:s}", "id", id, "appData", GROUP_DATA, "imageUrl", GROUP_IMAGE));
    tell("conversation.send", json_pack("{s:s,s:s}", "id", id, "text", TEXT_OUT));
    tell("preferences.block", json_pack("{s:[s]}", "targets", bo));
    tell("preferences.publish", json_object());
    json_decref(dm);
    json_decref(group);
}

static int begin(void **state)
{
    json_t *us, *bo;
    char command[300];

    (void)state;
    if (crypto_init(NULL) != 0 || programs_begin() != 0)
        return -1;
    write_key_file();
    snprintf(command, sizeof command,
             "@alix --log-level debug --wallet-key-file %s/wallet.key init --label " LABEL " --json", programs_folder());
    us = run_json(command);
    snprintf(alix_inbox, sizeof alix_inbox, "%s", member(us, "inboxId"));
    json_decref(us);
    bo = run_json("@bo --log-level debug init --new --json");
    run_start("@alix --log-level debug rpc", &alix);
    talk(member(bo, "inboxId"));
    json_decref(bo);
    json_decref(run_json("@phone --log-level debug init --same-as @alix --json"));
    json_decref(run_json("@phone --log-level debug sync --json"));
    json_decref(run_json("@bo --log-level debug sync --json"));
    return 0;
}

static int finish(void **state)
{
    int ended = run_end(&alix), r;

    (void)state;
    r = programs_finish();
    return ended == 0 ? r : -1;
}

/* ---- what must not be found ---- */

struct needle {
    char name[40];
    uint8_t bytes[80];
    size_t len;
};

struct needles {
    struct needle at[600];
    size_t n;
};

static void add(struct needles *list, const char *name, const void *bytes, size_t len)
{
    struct needle *needle = &list->at[list->n++];

    assert_true(list->n <= sizeof list->at / sizeof list->at[0] && len <= sizeof needle->bytes && len >= 8);
    snprintf(needle->name, sizeof needle->name, "%s", name);
    memcpy(needle->bytes, bytes, len);
    needle->len = len;
}

static void add_text(struct needles *list, const char *text)
{
    add(list, text, text, strlen(text));
}

/* A key as it is and as people write it. */
static void add_key(struct needles *list, const char *name, const uint8_t *key)
{
    static const uint8_t zero[32];
    char hex[65];

    if (memcmp(key, zero, 32) == 0)
        return; /* nothing there: a secret that is spent */
    hex_encode(key, 32, hex);
    add(list, name, key, 32);
    add(list, name, hex, 64);
}

static void add_texts(struct needles *list)
{
    static const char *const texts[] = {TEXT_OUT,   TEXT_BACK,   GROUP_NAME, GROUP_ABOUT, GROUP_DATA,
                                        GROUP_IMAGE, DRAFT,      NICKNAME,   LABEL};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        add_text(list, texts[i]);
}

static struct store *open_home(const char *name)
{
    uint8_t bytes[STORE_KEY_LEN];
    const struct store_key key = {STORE_KEY_RAW, {bytes, sizeof bytes}};
    struct store *store = NULL;
    struct err err = {0};
    char home[200];

    snprintf(home, sizeof home, "%s/%s", programs_folder(), name);
    if (store_key_file_read(home, bytes, &err) != 0 || store_open_read_only(home, &key, NULL, &store, &err) != 0)
        fail_msg("%s: %s", name, err.text);
    return store;
}

/* The secrets of the epochs as mls_secrets_put() writes them, 32 bytes each, and the key of our leaf. */
static int add_mls_secrets(void *ctx, const struct store_group *group)
{
    enum { MLS_PIECE_SECRETS = 2, SECRETS = 9, AUTHENTICATOR = 6 };
    struct needles *list = ((void **)ctx)[0];
    struct store *store = ((void **)ctx)[1];
    struct bytes piece;

    assert_int_equal(
        store_mls_get(store, group->id, (struct store_piece){MLS_PIECE_SECRETS, 0, 0}, &piece, NULL), 0);
    assert_true(piece.len >= SECRETS * 32);
    for (size_t i = 0; i < SECRETS; i++)
        if (i != AUTHENTICATOR) /* made to be shown: members compare it, and the log of commits keeps it */
            add_key(list, "a secret of an epoch", piece.data + 32 * i);
    bytes_wipe(&piece);
    return 0;
}

static void add_secret(struct needles *list, struct store *store, const char *name)
{
    struct store_mem mem = STORE_MEM_INIT;
    struct slice value;

    assert_int_equal(store_secret_get(store, name, &mem, &value, NULL), 0);
    if (value.len == 32)
        add_key(list, name, value.data);
    else
        add(list, name, value.data, value.len);
    store_mem_free(&mem);
}

static void add_secrets_of(struct needles *list, const char *home)
{
    struct store *store = open_home(home);
    struct store_mem mem = STORE_MEM_INIT;
    struct slice key;
    int64_t at;
    size_t before;
    void *ctx[] = {list, store};

    add_key(list, "the data key", store->sealer.key);
    add_secret(list, store, STORE_SECRET_SEED);
    add_secret(list, store, STORE_SECRET_WALLET_KEY);
    add_secret(list, store, STORE_SECRET_ADDRESS);
    assert_int_equal(store_hmac_key_get(store, &mem, &key, &at, NULL), 0);
    add_key(list, "the HMAC root key", key.data);
    before = list->n;
    assert_int_equal(store_groups_each(store, ~0u, add_mls_secrets, ctx, NULL), 0);
    assert_true(list->n >= before + 16); /* of one group at least */
    store_mem_free(&mem);
    store_close(store);
}

/* ---- searching ---- */

static void search_bytes(const char *where, const uint8_t *data, size_t len, const struct needles *list)
{
    for (size_t i = 0; i < list->n; i++)
        if (memmem(data, len, list->at[i].bytes, list->at[i].len))
            fail_msg("%s holds %s", where, list->at[i].name);
}

static uint8_t *read_all(const char *path, size_t *len)
{
    size_t room = 1 << 16, n;
    uint8_t *data = malloc(room);
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    *len = 0;
    while ((n = fread(data + *len, 1, room - *len, f)) > 0) {
        *len += n;
        if (*len == room)
            data = realloc(data, room *= 2);
    }
    fclose(f);
    return data;
}

static bool file_has(const char *path, const char *text)
{
    size_t len;
    uint8_t *data = read_all(path, &len);
    bool has = memmem(data, len, text, strlen(text)) != NULL;

    free(data);
    return has;
}

/* Every file below `path`, db.key apart, which SECURITY.md speaks of; how many. */
static unsigned search_folder(const char *path, const struct needles *list)
{
    DIR *dir = opendir(path);
    unsigned files = 0;

    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        char inner[600];
        struct stat st;
        uint8_t *data;
        size_t len;

        snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        if (e->d_name[0] == '.' || strcmp(e->d_name, "db.key") == 0 || stat(inner, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode)) {
            files += search_folder(inner, list);
            continue;
        }
        data = read_all(inner, &len);
        search_bytes(inner, data, len, list);
        free(data);
        files++;
    }
    closedir(dir);
    return files;
}

static void path_of(char out[200], const char *name)
{
    snprintf(out, 200, "%s/%s", programs_folder(), name);
}

/* ---- tests ---- */

static void no_file_of_a_home_holds_a_text_or_a_key(void **state)
{
    static const char *const homes[] = {"alix", "bo", "phone"};
    struct needles *list = calloc(1, sizeof *list);
    char path[200];

    (void)state;
    add_texts(list);
    for (size_t i = 0; i < 3; i++)
        add_secrets_of(list, homes[i]);
    for (size_t i = 0; i < 3; i++) {
        path_of(path, homes[i]);
        assert_true(search_folder(path, list) >= 3);
    }
    /* The search does find what is open, in every file that could hold more. */
    for (size_t i = 0; i < 2; i++) {
        path_of(path, i ? "alix/xmtui.db" : "alix/xmtui.db-wal");
        assert_true(file_has(path, alix_inbox));
    }
    path_of(path, "alix/log/xmtui.log");
    assert_true(file_has(path, " info net: "));
    free(list);
}

static void the_node_holds_no_text_and_no_key(void **state)
{
    struct needles *list = calloc(1, sizeof *list);
    static const char *const files[] = {"node.db", "node.db-wal"};

    (void)state;
    add_texts(list);
    add_secrets_of(list, "alix");
    for (size_t i = 0; i < list->n; i++) /* whose address an inbox has is what a node is asked for */
        if (strcmp(list->at[i].name, STORE_SECRET_ADDRESS) == 0)
            memset(list->at[i].bytes, 0xff, list->at[i].len);
    for (size_t i = 0; i < 2; i++) {
        char path[200];
        uint8_t *data;
        size_t len;

        path_of(path, files[i]);
        data = read_all(path, &len);
        assert_true(len > 0);
        search_bytes(path, data, len, list);
        free(data);
    }
    free(list);
}

static void search_proc(const struct running *r, const char *name, const struct needles *list)
{
    char path[64];
    uint8_t *data;
    size_t len;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)r->pid, name);
    data = read_all(path, &len);
    assert_true(len > 0);
    search_bytes(path, data, len, list);
    free(data);
}

static const char info_request[] = "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"client.info\"}\n";

static void keys_given_as_options_or_variables_are_gone_from_the_process_list(void **state)
{
    static const char *const with_keys[] = {"XMTP_WALLET_KEY=" WALLET_KEY, "XMTP_DB_ENCRYPTION_KEY=" DB_KEY, NULL};
    struct needles *list = calloc(1, sizeof *list);
    struct running r;

    (void)state;
    add_text(list, WALLET_KEY);
    add_text(list, DB_KEY);
    run_start_in(with_keys, "@carol rpc --offline", &r);
    run_write(&r, info_request);
    free(run_line(&r)); /* it is up: the options were read */
    search_proc(&r, "environ", list);
    search_proc(&r, "cmdline", list);
    assert_int_equal(run_end(&r), 0);
    run_start("@carol --wallet-key " WALLET_KEY " --db-key=" DB_KEY " rpc --offline", &r);
    run_write(&r, info_request);
    free(run_line(&r));
    search_proc(&r, "cmdline", list);
    assert_int_equal(run_end(&r), 0);
    free(list);
}

/* ---- memory ---- */

/* Sanitizers map terabytes that hold nothing. */
#define REGION_MAX ((size_t)512 << 20)

/* One region of another process; returns whether it has `control`. */
static bool search_region(FILE *mem, size_t from, size_t len, const char *where, const struct needles *list,
                          const char *control)
{
    uint8_t *data = malloc(len);
    bool has;

    assert_non_null(data);
    if (fseeko(mem, (off_t)from, SEEK_SET) != 0)
        len = 0;
    len = len ? fread(data, 1, len, mem) : 0; /* guard pages cannot be read */
    search_bytes(where, data, len, list);
    has = memmem(data, len, control, strlen(control)) != NULL;
    free(data);
    return has;
}

/* All that a process can write to.  `control` is something that it must have, or nothing was searched. */
static void search_memory(const struct running *r, const struct needles *list, const char *control)
{
    char path[64], line[600];
    FILE *maps, *mem;
    bool found = false;

    snprintf(path, sizeof path, "/proc/%d/maps", (int)r->pid);
    maps = fopen(path, "r");
    snprintf(path, sizeof path, "/proc/%d/mem", (int)r->pid);
    mem = fopen(path, "r");
    assert_true(maps && mem);
    setvbuf(mem, NULL, _IONBF, 0);
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        char mode[8];

        line[strcspn(line, "\n")] = 0;
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) == 3 && mode[0] == 'r' && mode[1] == 'w' &&
            to - from < REGION_MAX)
            found |= search_region(mem, from, to - from, line, list, control);
    }
    fclose(maps);
    fclose(mem);
    assert_true(found);
}

/* A sanitizer keeps a copy of the environment that it began with, for its options. */
#if defined(__SANITIZE_ADDRESS__)
#define KEYS_IN_ENVIRONMENT
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KEYS_IN_ENVIRONMENT
#endif
#endif
#ifndef KEYS_IN_ENVIRONMENT
#define KEYS_IN_ENVIRONMENT "XMTP_DB_ENCRYPTION_KEY=" DB_KEY, "XMTP_WALLET_KEY=" WALLET_KEY,
#endif

static void keys_are_gone_from_memory_once_they_are_used(void **state)
{
    static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"client.init\",\"params\":"
                                  "{\"mode\":\"walletKey\",\"walletKey\":\"" WALLET_KEY "\"}}\n";
    char node[100], home[200], *line;
    const char *env[] = {node, KEYS_IN_ENVIRONMENT NULL};
    struct needles *list = calloc(1, sizeof *list);
    uint8_t key[32];
    struct running r;

    (void)state;
    snprintf(node, sizeof node, "XMTUI_NODE=%s", programs_node_url());
    assert_true(hex_decode(WALLET_KEY, 64, key, 32));
    add_key(list, "the wallet key", key);
    assert_true(hex_decode(DB_KEY, 64, key, 32));
    add_key(list, "the database key", key);
    run_start_in(env, "@dora rpc", &r);
    run_write(&r, request);
    line = run_line(&r);
    if (!strstr(line, "\"registered\":true"))
        fail_msg("%s", line);
    free(line);
    run_write(&r, info_request);
    free(run_line(&r)); /* what served the first is through with it */
    path_of(home, "dora");
    search_memory(&r, list, home);
    assert_int_equal(run_end(&r), 0);
    free(list);
}

static void a_crash_leaves_no_core_file(void **state)
{
    struct rlimit before, most;
    char path[64];
    struct running r;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_CORE, &before), 0);
    most = before;
    most.rlim_cur = most.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_CORE, &most), 0);
    run_start("@erin rpc --offline", &r);
    assert_int_equal(setrlimit(RLIMIT_CORE, &before), 0);
    run_write(&r, info_request);
    free(run_line(&r));
    snprintf(path, sizeof path, "/proc/%d/limits", (int)r.pid);
    assert_true(file_has(path, "Max core file size        0 "));
    assert_int_equal(run_end(&r), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_file_of_a_home_holds_a_text_or_a_key),
        cmocka_unit_test(the_node_holds_no_text_and_no_key),
        cmocka_unit_test(keys_given_as_options_or_variables_are_gone_from_the_process_list),
        cmocka_unit_test(keys_are_gone_from_memory_once_they_are_used),
        cmocka_unit_test(a_crash_leaves_no_core_file),
    };

    return cmocka_run_group_tests(tests, begin, finish);
}
