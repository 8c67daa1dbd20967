/* Errors: a code to decide with, a sentence to show.
 *
 * Functions return 0 or a negative enum err_code.  The code that knows the cause calls err_set();
 * a caller adds context once, with err_wrap().  Texts name lengths, ids and states, never key
 * material or message bodies.  Thread: any; a struct err belongs to its caller. */
#pragma once

enum err_code {
    ERR_NOMEM = -1,     /* out of memory */
    ERR_MALFORMED = -2, /* bytes or text that do not parse */
    ERR_AUTH = -3,      /* a signature, tag or key is wrong */
    ERR_STATE = -4,     /* the call does not fit the state of the object */
    ERR_IO = -5,        /* disk or system call */
    ERR_OFFLINE = -6,   /* no network, or the node does not answer */
    ERR_CANCELED = -7,  /* shutdown or cancelled by the caller */
    ERR_TOOBIG = -8,    /* over a limit */
    ERR_CORRUPT = -9,   /* our own stored data does not decode */
    ERR_NOTFOUND = -10, /* no such thing */
    ERR_EXISTS = -11,   /* there already */
    ERR_DENIED = -12,   /* not permitted by a policy */
    ERR_INVALID = -13,  /* an argument from the user makes no sense */
    ERR_CONFLICT = -14, /* somebody else was first; try again from the new state */
    ERR_LOCKED = -15,   /* another process holds it */
    ERR_KEY = -16,      /* wrong database key or passphrase */
    ERR_PAUSED = -17,   /* the group wants a newer version */
    ERR_FORKED = -18,   /* our group state differs from the others' */
    ERR_REMOTE = -19,   /* the node refused: a gRPC status that retrying does not help */
    ERR_UNSUPPORTED = -20 /* known to us, not done by us */
};

struct err {
    enum err_code code;
    char text[200];
};

/* Writes code and sentence into `err` (which may be NULL) and returns `code`. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of the text of `err` (which may be NULL), unless that begins so already, and returns
 * `code`. */
int err_wrap(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The code's short English name for logs ("malformed"); "ok" for 0. */
const char *err_name(int code);
