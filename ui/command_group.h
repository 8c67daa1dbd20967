/* The slash commands about a group: who is in it, what it is called.  Each as struct command has it. */
#pragma once

struct args;
struct screen;

void run_members(struct screen *s, const struct args *a);
void run_add(struct screen *s, const struct args *a);
void run_kick(struct screen *s, const struct args *a);
void run_name(struct screen *s, const struct args *a);
void run_topic(struct screen *s, const struct args *a);
void run_leave(struct screen *s, const struct args *a);
