/* The guided set-up of a home with no identity yet, and the door of one with a passphrase.
 *
 * Steps ask one thing each; Esc goes back.  What is typed as a key or passphrase is drawn as stars
 * and wiped when it is done with.  Thread: UI. */
#pragma once
#include "ui/canvas.h"
#include "ui/input.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct screen;

enum first_step {
    FIRST_NONE,        /* past it */
    FIRST_UNLOCK,      /* passphrase of an existing home */
    FIRST_NEEDS_KEY,   /* the home wants --db-key: nothing can be asked */
    FIRST_OPENING,     /* opening, after the next drawing */
    FIRST_CHOOSE,      /* who are you? */
    FIRST_KEY,         /* typed wallet key */
    FIRST_FILE,        /* file of a wallet key */
    FIRST_ADDRESS,     /* of a wallet elsewhere */
    FIRST_HOME,        /* folder of another installation */
    FIRST_PROTECT,     /* a passphrase, or none */
    FIRST_REPEAT,      /* once more */
    FIRST_REGISTERING, /* the core works */
    FIRST_SIGN,        /* a text to sign elsewhere, the signature pasted */
    FIRST_FAILED       /* what went wrong; again or back */
};

enum first_way { WAY_NEW, WAY_KEY, WAY_FILE, WAY_EXTERNAL, WAY_SAME_AS, WAY_COUNT };

struct first {
    enum first_step step;
    enum first_way way;
    struct input in;
    struct buf key;        /* wallet key, hex, secret */
    struct buf passphrase; /* secret, with NUL; empty: none */
    char *place;           /* address or folder, as typed */
    char *to_sign, *request_id;
    char *error;           /* clean */
    bool opened;           /* the home is open: its protection is settled */
    bool opening_new;      /* FIRST_OPENING leads to registering */
};

void first_start(struct screen *s);
void first_free(struct screen *s);
bool first_key(struct screen *s, struct key key);
void first_paste(struct screen *s, const char *text, size_t len);
/* The slow part of FIRST_OPENING. */
void first_work(struct screen *s);
void first_draw(struct screen *s, struct canvas *c);
/* Whether a home is being made, not one opened that is there. */
bool first_is_set_up(const struct first *f);
