/* Inside store/: paths in the folder of an installation. */
#pragma once

/* HOME/NAME, ended with xm_free(); NULL: no memory. */
char *home_path(const char *home, const char *name);
