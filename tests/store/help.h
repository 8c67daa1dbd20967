/* What the tests of store/ share: a home that goes away, groups and messages with plain ids. */
#pragma once
#include "tests/test.h"

#include "store/groups.h"
#include "store/messages.h"
#include "store/mls_state.h"
#include "store/store.h"

#define SECOND INT64_C(1000000000)

struct home {
    char path[128];
    struct store *store;
};

extern const struct store_key raw_key; /* bytes 00 01 02 ... 1f */

/* Fails the test with the text of the error. */
#define OK(call)                                                                                             \
    do {                                                                                                     \
        struct err why_ = {0};                                                                               \
        struct err *err = &why_;                                                                             \
        if ((call) != 0)                                                                                     \
            fail_msg("%s: %s", #call, why_.text);                                                            \
    } while (0)
/* The call fails with this code. */
#define FAILS(expected, call)                                                                                \
    do {                                                                                                     \
        struct err why_ = {0};                                                                               \
        struct err *err = &why_;                                                                             \
        assert_int_equal((call), (expected));                                                                \
        assert_int_equal(why_.code, (expected));                                                             \
    } while (0)

/* cmocka fixtures: an empty folder; a folder with a new database. */
int folder_setup(void **state);
int home_setup(void **state);
int home_teardown(void **state);
int crypto_setup(void **state); /* of the group of tests */

void home_reopen(struct home *home);
char *home_file(const struct home *home, const char *name); /* in a static buffer */

struct slice id16(unsigned n); /* 16 bytes that say n; valid for the next seven calls */
struct slice id32(unsigned n);

/* A group of this type; dm_id NULL but for DMs. */
void add_group(struct store *store, unsigned id, enum store_group_type type, const char *dm_id);
/* A text from somebody else, published, with sequence id = `id`. */
struct store_message text_message(unsigned id, unsigned group, int64_t sent_at_ns, const char *text);
void add_text(struct store *store, unsigned id, unsigned group, int64_t sent_at_ns, const char *text);
int64_t conversation_of(struct store *store, unsigned group);

/* What receiving an envelope moves in group 1: the piece holds the number of the envelope that moved it last.
 * Ratchet, messages and cursor agree; the number of envelopes done. */
extern const struct store_piece group_ratchet;
unsigned expect_whole(struct store *store);

/* One row for each sealed column, all with MARK in them; and that they are all there. */
#define MARK "plaintext-that-must-not-show-"
void plant(struct store *store);
void expect_planted(struct store *store);
