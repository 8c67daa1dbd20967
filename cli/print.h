/* Answers of the core as lines for people.  Everything from outside is sanitised on its way to the
 * terminal.  Each returns an exit status.  Thread: main. */
#pragma once
#include <jansson.h>

int print_nothing(const json_t *result);
int print_fields(const json_t *result);       /* an object: "key: value" lines */
int print_conversation(const json_t *result); /* one Conversation */
int print_conversations(const json_t *result);
int print_messages(const json_t *result);
int print_sent(const json_t *result);     /* {messageId, status}; 4 while unpublished */
int print_members(const json_t *result);
int print_permissions(const json_t *result); /* {preset, policies} */
int print_records(const json_t *result);  /* [Record] or {records} */
int print_log(const json_t *result);
int print_validity(const json_t *result); /* {valid}; 7 when it is not */
int print_installations(const json_t *result);
int print_event(const json_t *event); /* a stream.event */
