/* The built programs, for tests that run them: found through XM_BUILDDIR, with a folder of their own under /tmp and
 * a node for them.  Failing to start fails the test group. */
#pragma once

/* Path of a built program; borrowed until the next call. */
const char *program_path(const char *name);

/* Makes the folder and starts a node in it on a free port.  0, or -1. */
int programs_begin(void);
/* Stops the node, removes the folder.  0, or -1, also where a sanitizer found something in a program. */
int programs_finish(void);

const char *programs_folder(void);
const char *programs_node_url(void); /* http://127.0.0.1:PORT */

/* Ends the node, and starts it again on the same port with the same data.  0, or -1. */
int programs_node_stop(void);
int programs_node_start(void);
