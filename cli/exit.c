#include "cli/exit.h"

#include "base/i18n.h"
#include "ui/sanitize.h"

#include <stdio.h>

int exit_complain(const struct xm_error *error)
{
    static const int statuses[] = {[-XM_FAILED] = EXIT_FAILED,         [-XM_USAGE] = EXIT_USAGE,
                                   [-XM_NOT_FOUND] = EXIT_NOT_FOUND,   [-XM_OFFLINE] = EXIT_NO_NETWORK,
                                   [-XM_LOCKED] = EXIT_LOCKED,         [-XM_BAD_KEY] = EXIT_BAD_KEY,
                                   [-XM_REFUSED] = EXIT_REFUSED};
    char line[sizeof error->text * 4];

    sanitize_into(line, sizeof line, error->text, SANITIZE_LINE);
    fprintf(stderr, "xmtui: %s", line);
    if (error->code == XM_LOCKED)
        fprintf(stderr, ": %s", _("leave it first, or name another home (--home)"));
    fputc('\n', stderr);
    return -error->code > 0 && -error->code <= -XM_REFUSED ? statuses[-error->code] : EXIT_FAILED;
}
