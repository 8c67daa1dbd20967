/* Drawn screens compared whole with tests/ui/screens/NAME.txt.  After a wanted change, look at the
 * difference, then run the test with XM_UPDATE_SCREENS=1 to write the files anew. */
#pragma once
#include <stdbool.h>

void assert_drawn(const char *drawn, const char *name);

/* For screens that come to be what is wanted: whether files are to be written anew, then with golden_write(); else
 * the wanted text, empty where there is none, the caller's to free. */
bool golden_is_update(void);
void golden_write(const char *drawn, const char *name);
char *golden_read(const char *name);
/* Shows both, and fails. */
void golden_fail(const char *want, const char *drawn, const char *name);
