/* What the screen needs from the client core, as a table of calls: the real one is a thin face over
 * <xmtui/client.h>, the tests script one.
 *
 * Thread: UI.  Nothing blocks but open(), which may ask for the time of a passphrase's hashing. */
#pragma once
#include "sync/xmtui/client.h"

struct ui_backend {
    const struct ui_backend_ops *ops;
};

struct ui_backend_ops {
    enum xm_home_state (*inspect)(struct ui_backend *b);
    /* Opens the home; passphrase NULL: none.  Done once; a failed one may be tried again. */
    int (*open)(struct ui_backend *b, const char *passphrase, struct xm_error *error);
    /* As xm_client_call(): the request's id (> 0) or a negative code. */
    int64_t (*call)(struct ui_backend *b, const char *method, const char *params, struct xm_error *error);
    /* As xm_reader_call(); *result is freed with free_text(). */
    int (*read)(struct ui_backend *b, const char *method, const char *params, char **result, struct xm_error *error);
    void (*free_text)(char *text);
    /* Readable while events wait; -1 before open(). */
    int (*fd)(struct ui_backend *b);
    struct xm_event *(*next)(struct ui_backend *b);
    void (*event_free)(struct xm_event *event);
    /* Blocks until everything is written; the backend is gone afterwards. */
    void (*close)(struct ui_backend *b);
};

/* The real one.  NULL when out of memory.  `options` is borrowed for the backend's life. */
struct ui_backend *backend_client(const struct xm_options *options);
