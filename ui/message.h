/* A message of the core's JSON as the conversation shows it.  Thread: UI. */
#pragma once
#include "ui/talk.h"

#include <stdbool.h>

struct model;

/* Fills *out (zeroed) from a Message; false for one that has no line of its own: reactions, read
 * receipts, deletions, who is in a 1:1 chat.  Texts are clean. */
bool message_fill(struct message *out, struct model *m, const json_t *o);
void message_clear(struct message *msg);
/* The middle of "xmtp.org/text:1.0": "text".  Into `out`. */
void message_type(const json_t *o, char *out, size_t size);
/* "published", "unpublished", "failed". */
enum message_status message_status(const char *name);
bool message_is_about_another(const char *type);
/* "[+1 2] [x 1]" of a Message's reactions; clean, xm_free(). */
char *message_reactions(const json_t *o);
