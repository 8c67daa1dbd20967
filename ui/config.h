/* The few settings of the screen: [ui] of config.ini.  Only /set and /save write it, atomically, and
 * comments and settings of others stay.  Thread: UI. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct err;

struct config {
    bool clock;     /* a clock in the status bar that wakes once a minute */
    bool colour;    /* NO_COLOR wins */
    bool lines;     /* drawn lines where the locale has them; off: ASCII */
};

struct config config_default(void);
/* A missing file is the default; unknown names are left alone.  ERR_MALFORMED, ERR_IO. */
int config_load(struct config *c, const char *path, struct err *err);
int config_save(const struct config *c, const char *path, struct err *err);
/* "clock", "off".  False: no such setting or value. */
bool config_set(struct config *c, const char *name, const char *value);
/* Line i of what /set shows, false after the last. */
bool config_line(const struct config *c, size_t i, char *out, size_t size);
