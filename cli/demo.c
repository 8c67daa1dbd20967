#include "cli/special.h"

#include "base/i18n.h"
#include "cli/exit.h"

#include <stdio.h>

int cli_demo(struct cli_options *o)
{
    (void)o;
    fprintf(stderr, "xmtui: demo: %s\n", _("not available yet"));
    return EXIT_USAGE;
}
