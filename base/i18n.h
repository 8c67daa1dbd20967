/* Sentences for people go through gettext from the first one on. */
#pragma once
#include <libintl.h>

#define _(text) gettext(text)
#define N_(text) (text)
