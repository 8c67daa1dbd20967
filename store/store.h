/* The database of one installation: opening, keys, transactions.
 *
 * store/ is the only place with SQL.  Each table family has its own header; all take the struct
 * store of this one.
 *
 * What somebody could read is sealed with XChaCha20-Poly1305 under a random data key (store/seal.h):
 * keys, MLS state, message bodies, names and metadata, drafts, own nicknames, wallet addresses.  Ids,
 * times, states, counts and sizes are open.  The data key is kept wrapped by a key or a passphrase.
 *
 * One process writes: store_open() takes a lock.  Any number of readers, of this process or others,
 * see the last committed state and never wait.
 *
 * Every verb returns 0 or a negative enum err_code, and besides its own errors may return ERR_IO (disk,
 * full included), ERR_CORRUPT (a sealed column does not open, its row is named), ERR_NOMEM.  After
 * an error inside a transaction the caller rolls back; nothing of it remains.
 *
 * Words: `group` is one MLS group; `conversation` what a person sees: a group, or all the DM groups of
 * one pair.  Group ids are raw bytes, inbox ids text, installation ids 32 raw bytes, times
 * nanoseconds since 1970; an optional time is 0 when absent.
 *
 * Callbacks of the ..._each() verbs get borrowed rows and may call other verbs, but must not wait (suspend
 * their fiber) and must not delete or add rows of the table they are shown: a statement is open meanwhile.
 * Their non-zero return ends the walk and is handed on.
 *
 * Thread: one struct store belongs to one thread.  The background loop has the writer, the screen and
 * each search a reader. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "store/db.h"
#include "store/mem.h"

#include <stdbool.h>
#include <stdint.h>

struct clock;
struct rand;
struct store;

#define STORE_FILE      "xmtui.db"
#define STORE_LOCK_FILE "xmtui.lock"
#define STORE_KEY_FILE  "db.key"
#define STORE_KEY_LEN   32
/* Passphrases are hashed; a longer one than this is a mistake (a file pasted). */
#define STORE_PASSPHRASE_MAX 1024

enum store_key_kind { STORE_KEY_RAW = 1, STORE_KEY_PASSPHRASE = 2 };

/* What opens the database; borrowed during the call only. */
struct store_key {
    enum store_key_kind kind;
    struct slice secret; /* RAW: STORE_KEY_LEN bytes.  PASSPHRASE: its UTF-8 */
};

/* All may be left zero. */
struct store_options {
    const struct clock *clock; /* clock_system */
    const struct rand *rand;   /* rand_system */
    uint64_t argon_passes;     /* cost of a passphrase; libsodium's MODERATE.  Stored when wrapping */
    size_t argon_bytes;
    int64_t max_pages; /* tests: a full disk */
};

/* Makes `home` (0700) and a new database in it, and holds it open for writing.
 * ERR_EXISTS (there is a database), ERR_LOCKED, ERR_INVALID (key of the wrong size). */
int store_create(const char *home, const struct store_key *key, const struct store_options *options,
                 struct store **out, struct err *err);

/* Opens for writing; closes folder and file to other users (ERR_DENIED: not ours to close); migrates an older
 * database after copying it to xmtui.db.before-N (N: the version it is migrated to), and removes a copy when the
 * database opens a week after that or later.  ERR_NOTFOUND (no database), ERR_LOCKED (text names the pid), ERR_KEY
 * (wrong key or passphrase, or the other kind), ERR_UNSUPPORTED (made by a newer program). */
int store_open(const char *home, const struct store_key *key, const struct store_options *options,
               struct store **out, struct err *err);

/* Another connection that only reads, under the same data key.  It may be used by another thread and may
 * outlive `store`.  Call from the thread of `store`. */
int store_open_reader(struct store *store, struct store **out, struct err *err);

/* Reads a home that another process may be writing.  Errors as store_open(), without ERR_LOCKED; an older
 * database is refused with ERR_UNSUPPORTED, since migrating is writing. */
int store_open_read_only(const char *home, const struct store_key *key, const struct store_options *options,
                         struct store **out, struct err *err);

/* Wipes the key.  NULL is fine. */
void store_close(struct store *store);

struct store_info {
    bool exists;
    enum store_key_kind key_kind;
    int64_t version;
};

/* What is there, without a key: tells a caller whether to ask for a passphrase. */
int store_peek(const char *home, struct store_info *out, struct err *err);

/* Wraps the data key anew; the old key or passphrase does not open this file from then on, though a copy from before
 * a migration still.  Not in a transaction. */
int store_rewrap(struct store *store, const struct store_key *new_key, struct err *err);

/* Transactions, see db.h.  Everything of one received envelope belongs in one. */
int store_begin(struct store *store, enum db_durability durability, struct err *err);
int store_commit(struct store *store, struct err *err);
void store_rollback(struct store *store);
bool store_in_transaction(const struct store *store);

/* Reads every row and opens every sealed column; ERR_CORRUPT names the first that fails. */
int store_check(struct store *store, struct err *err);

/* Makes the folder (0700) and those above it; one that is there is closed to other users.  ERR_DENIED: it is
 * open to them and not ours to close.  store_create() and store_key_file_create() do it by themselves. */
int store_home_make(const char *home, struct err *err);

/* The key file of a home without a passphrase: 32 random bytes as hex, mode 0600.
 * read: ERR_NOTFOUND, ERR_MALFORMED, ERR_DENIED (others may read it).  create: ERR_EXISTS. */
int store_key_file_read(const char *home, uint8_t out[STORE_KEY_LEN], struct err *err);
int store_key_file_create(const char *home, const struct rand *rand, uint8_t out[STORE_KEY_LEN],
                          struct err *err);

struct db *store_db(struct store *store); /* tests and store/ itself */
