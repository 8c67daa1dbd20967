/* The loop: one poll() over keyboard, core and signals; no wake-up without a reason.  Thread: UI. */
#pragma once
#include "ui/backend.h"
#include "ui/screen.h"

/* Runs a screen on the terminal of this process until it ends; closes the backend.  The exit status. */
int run_screen(struct ui_backend *backend, const struct screen_options *options);
