/* Standard input, output and error of a program that was started without one of them (`<&-`).
 *
 * The next file to be opened would take its number, and be read as input or be written into as output: a database, a
 * socket.  Thread: main(), before anything else is opened. */
#pragma once

/* The missing ones become /dev/null. */
void standard_fds_open(void);
