/* What people compare to know that they talk to each other: keys to read aloud, a code to scan.
 * Thread: UI. */
#pragma once

struct screen;

/* The installation keys of an inbox, in groups of four.  NULL: one's own. */
void proof_fingerprint(struct screen *s, const char *inbox);
/* One's own address as a QR code. */
void proof_qr(struct screen *s);
