#include "ui/ui.h"

#include "base/i18n.h"
#include "ui/backend.h"
#include "ui/run.h"
#include "ui/screen.h"

#include <stdio.h>

int ui_run(const struct ui_options *options)
{
    struct screen_options so = {.home = options->client.home,
                                .env = options->client.env ? options->client.env : "local",
                                .wallet_key = options->wallet_key,
                                .offline = options->client.offline};
    struct ui_backend *backend = backend_client(&options->client);

    if (!backend) {
        fprintf(stderr, "xmtui: %s\n", _("out of memory"));
        return 1;
    }
    return run_screen(backend, &so);
}
