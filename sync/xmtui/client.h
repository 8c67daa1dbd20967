/* xmtui client core: an XMTP client for C programs.
 *
 * One client is one installation: a home folder with its database and keys.  xm_client_open()
 * starts a background thread with everything that waits (network, MLS, database writes); the
 * caller's thread sends requests down and takes replies and events up.  (A program without a
 * screen may do without the thread.)  Requests and results are
 * JSON texts, the same as in the JSON-RPC of `xmtui rpc` (interface: doc/rpc.md), so that a key, a
 * shell command, a program and a second screen all speak one language.
 *
 * Thread: a client belongs to one thread, the one that opened it, except where said.  An xm_reader
 * belongs to the thread that opened it.  Nothing here blocks unless its comment says so.
 * Strings are UTF-8.  Ids are lower-case hex. */
#ifndef XMTUI_CLIENT_H
#define XMTUI_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define XM_API __attribute__((visibility("default")))
#else
#define XM_API
#endif

struct xm_client;
struct xm_reader;

/* Negative results of the calls below. */
enum xm_code {
    XM_OK = 0,
    XM_FAILED = -1,    /* anything not named here; the text says what */
    XM_USAGE = -2,     /* an argument makes no sense */
    XM_NOT_FOUND = -3, /* no such conversation, peer, message */
    XM_OFFLINE = -4,   /* no network */
    XM_LOCKED = -5,    /* another process writes this home; the text has its pid */
    XM_BAD_KEY = -6,   /* wrong database key or passphrase, or one is needed */
    XM_REFUSED = -7    /* a permission or validation said no */
};

/* What went wrong, in a sentence that says what, why and what to do. */
struct xm_error {
    enum xm_code code;
    char text[240];
};

/* How a home is protected, before it is opened. */
enum xm_home_state {
    XM_HOME_NEW,            /* nothing there yet */
    XM_HOME_KEY_FILE,       /* opens with its db.key file, nothing to ask */
    XM_HOME_NEEDS_KEY,      /* made with a key given by the caller (db_key) */
    XM_HOME_NEEDS_PASSPHRASE
};

struct xm_options {
    const char *home;        /* folder; made 0700 when missing */
    const char *env;         /* "local", "dev", "production"; NULL is "local" */
    const char *node_url;    /* overrides the address that env stands for; NULL: none */
    const uint8_t *db_key;   /* 32 bytes, or NULL */
    const char *passphrase;  /* or NULL; with neither, db.key is used and made where missing */
    const char *node_program; /* xmtui-node to start for "local"; NULL: beside this program, else PATH */
    bool no_node;            /* never start a node */
    bool offline;            /* touch the store only */
    bool quiet;              /* fetch nothing on its own: only requests and running streams read the network */
    bool no_thread;          /* the loop runs in the caller's thread: see xm_client_poll() */
    bool only_existing;      /* make no home: XM_NOT_FOUND where there is no database, and nothing is left there */
};

XM_API enum xm_home_state xm_home_inspect(const char *home);

/* Opens the home and, but for `no_thread`, starts the background thread.  Blocks for the database key and migrations
 * only, never for the network.  XM_LOCKED, XM_BAD_KEY, XM_NOT_FOUND, XM_FAILED. */
XM_API int xm_client_open(const struct xm_options *options, struct xm_client **out, struct xm_error *error);

/* Finishes what is being written, stops the thread, closes the database.  Blocks until done.
 * Requests still running are answered with `canceled` first.  NULL is fine. */
XM_API void xm_client_close(struct xm_client *client);

/* ---- requests ---- */

/* Sends one request; `params` is a JSON object or NULL.  Returns its id (> 0), or XM_FAILED when
 * the queue is full (1,024 requests wait: the background thread cannot follow) or XM_USAGE when
 * params is no JSON object. */
XM_API int64_t xm_client_call(struct xm_client *client, const char *method, const char *params,
                              struct xm_error *error);

enum xm_event_kind {
    XM_EVENT_RESULT,      /* id; json is the result */
    XM_EVENT_ERROR,       /* id; json is the JSON-RPC error object {code, message, data:{code, retryable}} */
    XM_EVENT_NOTIFICATION /* json is {"subscription","kind","data"} of a stream.event */
};

struct xm_event {
    enum xm_event_kind kind;
    int64_t id; /* of the request; 0 for a notification */
    char *json;
};

/* A descriptor that is readable while events wait; for poll().  -1 with `no_thread`. */
XM_API int xm_client_fd(struct xm_client *client);

/* poll() with the client's events among the descriptors: waits until, with `events`, xm_client_next() has one, a
 * descriptor is ready (revents as from poll(); a negative fd is passed over), timeout_ms are over (< 0: never) or a
 * signal has come; now and then it returns for nothing.  Returns how many descriptors are ready, which may be none, or
 * -1 with errno; at most XM_POLL_MAX of them.
 *
 * With `no_thread` all the client's work is done in here, in xm_client_wait(), in those calls below that block, and
 * in xm_client_close(); a caller that does something else for long keeps the network waiting.  A signal then does not
 * end the wait.  An answer comes some 0.1 ms sooner than over two threads. */
#define XM_POLL_MAX 8
struct pollfd;
XM_API int xm_client_poll(struct xm_client *client, bool events, struct pollfd *fds, size_t n, int timeout_ms);

/* The next event, the caller's to end with xm_event_free(), or NULL when none waits. */
XM_API struct xm_event *xm_client_next(struct xm_client *client);
XM_API void xm_event_free(struct xm_event *event);
/* The next event, waiting for it up to timeout_ms (< 0: for ever).  NULL when none came in that time, or a
 * signal did. */
XM_API struct xm_event *xm_client_wait(struct xm_client *client, int timeout_ms);
/* What an XM_EVENT_ERROR says; returns its code. */
XM_API int xm_event_error(const struct xm_event *event, struct xm_error *error);

/* Sends a request and blocks until its answer, keeping other events for xm_client_next().
 * On success *result is a JSON text, freed with xm_free_text() (result may be NULL).
 * timeout_ms < 0 waits for ever. */
XM_API int xm_client_request(struct xm_client *client, const char *method, const char *params, int timeout_ms,
                             char **result, struct xm_error *error);
XM_API void xm_free_text(char *text);

/* The names an XMTP programmer looks for; each blocks, as xm_client_request(). */
XM_API int xm_conversations_list(struct xm_client *client, const char *params, char **result, struct xm_error *error);
XM_API int xm_conversations_sync(struct xm_client *client, char **result, struct xm_error *error);
XM_API int xm_conversations_sync_all(struct xm_client *client, const char *params, char **result,
                                     struct xm_error *error);
XM_API int xm_preferences_sync(struct xm_client *client, char **result, struct xm_error *error);
XM_API int xm_consent_set(struct xm_client *client, const char *records, char **result, struct xm_error *error);
/* Events then come by xm_client_next(). */
XM_API int xm_stream_all(struct xm_client *client, char **result, struct xm_error *error);

/* ---- reading without waiting ---- */

/* A read-only connection of its own on the same database, with the same key: what it answers never
 * waits for the network or for a large commit.  It knows the reading methods only:
 * conversations.list, conversation.get, conversation.messages,
 * preferences.list, preferences.getConsent, preferences.log, preferences.state, client.info,
 * client.installations, drafts.get. */
XM_API int xm_reader_open(struct xm_client *client, struct xm_reader **out, struct xm_error *error);
XM_API int xm_reader_call(struct xm_reader *reader, const char *method, const char *params, char **result,
                          struct xm_error *error);
XM_API void xm_reader_close(struct xm_reader *reader);

/* The version of this library, as in `xmtui --version`. */
XM_API const char *xm_version(void);

#ifdef __cplusplus
}
#endif
#endif
