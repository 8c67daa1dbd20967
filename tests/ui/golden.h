/* Drawn screens compared whole with tests/ui/screens/NAME.txt.  After a wanted change, look at the
 * difference, then run the test with XM_UPDATE_SCREENS=1 to write the files anew. */
#pragma once

void assert_drawn(const char *drawn, const char *name);
