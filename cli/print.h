/* Answers of the core as lines for people.  Everything from outside is sanitised on its way to the
 * terminal.  Thread: main. */
#pragma once
#include <jansson.h>

void print_nothing(const json_t *result);
void print_fields(const json_t *result);       /* an object: "key: value" lines */
void print_conversation(const json_t *result); /* one Conversation */
void print_conversations(const json_t *result);
void print_messages(const json_t *result);
void print_sent(const json_t *result);     /* {messageId, status} */
void print_members(const json_t *result);
void print_permissions(const json_t *result); /* {preset, policies} */
void print_records(const json_t *result);  /* [Record] or {records} */
void print_log(const json_t *result);
void print_validity(const json_t *result); /* {valid} */
void print_installations(const json_t *result);
void print_event(const json_t *event); /* a stream.event */
