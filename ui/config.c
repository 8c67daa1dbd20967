#include "ui/config.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *name;
    size_t at;
} settings[] = {
    {"clock", offsetof(struct config, clock)},
    {"colour", offsetof(struct config, colour)},
    {"lines", offsetof(struct config, lines)},
};
#define N_SETTINGS (sizeof settings / sizeof settings[0])

static bool *value_of(const struct config *c, size_t i)
{
    return (bool *)((char *)(uintptr_t)c + settings[i].at);
}

struct config config_default(void)
{
    return (struct config){.clock = true, .colour = true, .lines = true};
}

bool config_set(struct config *c, const char *name, const char *value)
{
    bool on = strcmp(value, "on") == 0;

    if (!on && strcmp(value, "off") != 0)
        return false;
    for (size_t i = 0; i < N_SETTINGS; i++)
        if (strcmp(settings[i].name, name) == 0) {
            *value_of(c, i) = on;
            return true;
        }
    return false;
}

bool config_line(const struct config *c, size_t i, char *out, size_t size)
{
    if (i >= N_SETTINGS)
        return false;
    snprintf(out, size, "%s = %s", settings[i].name, *value_of(c, i) ? "on" : "off");
    return true;
}

static int take(void *user, const char *section, const char *name, const char *value)
{
    if (strcmp(section, "ui") == 0)
        config_set(user, name, value); /* what a newer version wrote is left alone */
    return 1;
}

int config_load(struct config *c, const char *path, struct err *err)
{
    int r;

    if (access(path, F_OK) != 0)
        return 0;
    r = ini_parse(path, take, c);
    if (r > 0)
        return err_set(err, ERR_MALFORMED, "%s: line %d is no setting", path, r);
    return r == 0 ? 0 : err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
}

static size_t setting_in(const char *line)
{
    size_t len = strspn(line, " \t");

    line += len;
    for (size_t i = 0; i < N_SETTINGS; i++) {
        len = strlen(settings[i].name);
        if (strncmp(line, settings[i].name, len) == 0 && line[len + strspn(line + len, " \t")] == '=')
            return i;
    }
    return N_SETTINGS;
}

static void put_missing(struct buf *out, const struct config *c, bool *written)
{
    char text[80];

    for (size_t i = 0; i < N_SETTINGS; i++) {
        if (written[i])
            continue;
        config_line(c, i, text, sizeof text);
        buf_printf(out, "%s\n", text);
        written[i] = true;
    }
}

/* The file's lines with our settings changed in place; what is missing goes to the end of [ui]. */
static void merge(struct buf *out, const struct config *c, FILE *old)
{
    bool written[N_SETTINGS] = {false}, in_ui = false, had_ui = false;
    char *line = NULL, text[80];
    size_t cap = 0;

    while (old && getline(&line, &cap, old) >= 0) {
        size_t i = in_ui ? setting_in(line) : N_SETTINGS;

        if (line[0] == '[') {
            if (in_ui)
                put_missing(out, c, written);
            in_ui = strncmp(line, "[ui]", 4) == 0;
            had_ui = had_ui || in_ui;
        }
        if (i < N_SETTINGS) {
            config_line(c, i, text, sizeof text);
            buf_printf(out, "%s\n", text);
            written[i] = true;
        } else {
            buf_put_str(out, line);
            if (line[0] && line[strlen(line) - 1] != '\n')
                buf_put_u8(out, '\n');
        }
    }
    if (!had_ui)
        buf_put_str(out, "[ui]\n");
    if (in_ui || !had_ui)
        put_missing(out, c, written);
    free(line);
}

int config_save(const struct config *c, const char *path, struct err *err)
{
    struct buf out = BUF_INIT, name = BUF_INIT;
    FILE *old = fopen(path, "re");
    const char *temp;
    int fd = -1, r = 0;

    merge(&out, c, old);
    buf_printf(&name, "%s.new", path);
    buf_put_u8(&name, 0);
    if (!buf_ok(&out) || !buf_ok(&name)) {
        r = err_set(err, ERR_NOMEM, "out of memory");
        goto done;
    }
    temp = (const char *)name.data;
    fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, out.data, out.len) != (ssize_t)out.len || fsync(fd) != 0 || rename(temp, path) != 0)
        r = err_set(err, ERR_IO, "writing %s: %s", path, strerror(errno));
done:
    if (fd >= 0)
        close(fd);
    if (old)
        fclose(old);
    buf_free(&out);
    buf_free(&name);
    return r;
}
