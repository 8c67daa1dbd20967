/* Diagnostics, to a file and never to the screen of the UI.
 *
 * Lines carry time, level and module.  Text from outside is made printable here: control bytes and
 * bytes over 0x7e become \xNN, so that a log can be read in a terminal.  No key material, no
 * message bodies, ever.  Thread: any; one line is one write(2). */
#pragma once

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct err;

/* Appends to `path` (mode 0600) from now on; NULL closes.  ERR_IO. */
int log_open(const char *path, enum log_level level, struct err *err);
/* The same file by its name once more (SIGUSR1): whoever rotates logs has moved the old one away.
 * Not while log_open() runs. */
void log_reopen(void);
/* Standard error as the target: for xmtui-node and tests. */
void log_to_stderr(enum log_level level);
/* "error", "warn", "info", "debug" → level; -1 for anything else. */
int log_level_parse(const char *name);

void log_line(enum log_level level, const char *module, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(module, ...) log_line(LOG_ERROR, module, __VA_ARGS__)
#define log_warn(module, ...) log_line(LOG_WARN, module, __VA_ARGS__)
#define log_info(module, ...) log_line(LOG_INFO, module, __VA_ARGS__)
#define log_debug(module, ...) log_line(LOG_DEBUG, module, __VA_ARGS__)
