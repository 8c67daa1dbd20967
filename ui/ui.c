#include "ui/ui.h"

#include "base/i18n.h"
#include "ui/backend.h"
#include "ui/run.h"
#include "ui/screen.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The home that xmtui opens without --home, when there is one and it is not this: most likely the
 * person's first installation. */
static const char *find_other_home(const char *home, const char *env, char *out, size_t size)
{
    const char *data = getenv("XDG_DATA_HOME"), *user = getenv("HOME");
    int n;

    if (data && *data == '/')
        n = snprintf(out, size, "%s/xmtui/%s", data, env);
    else
        n = snprintf(out, size, "%s/.local/share/xmtui/%s", user ? user : "", env);
    if (n < 0 || (size_t)n >= size || (home && strcmp(home, out) == 0) || xm_home_inspect(out) == XM_HOME_NEW)
        return NULL;
    return out;
}

int ui_run(const struct ui_options *options)
{
    struct screen_options so = {.home = options->client.home,
                                .env = options->client.env ? options->client.env : "local",
                                .wallet_key = options->wallet_key,
                                .offline = options->client.offline};
    struct ui_backend *backend = backend_client(&options->client);
    char other[PATH_MAX];

    so.other_home = find_other_home(so.home, so.env, other, sizeof other);
    if (!backend) {
        fprintf(stderr, "xmtui: %s\n", _("out of memory"));
        return 1;
    }
    return run_screen(backend, &so);
}
