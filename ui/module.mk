# Files of ui/; included by the top Makefile.am.
noinst_LTLIBRARIES += libui.la
libui_la_SOURCES = \
	ui/actions.c \
	ui/backend.h \
	ui/backend_client.c \
	ui/canvas.c ui/canvas.h \
	ui/command_args.c ui/command_args.h ui/command_group.c ui/command_group.h \
	ui/commands.c \
	ui/complete.c ui/complete.h \
	ui/compose.c \
	ui/config.c ui/config.h \
	ui/first.c ui/first.h \
	ui/first_draw.c \
	ui/input.c ui/input.h \
	ui/json.h \
	ui/key.c ui/key.h \
	ui/layout.c ui/layout.h \
	ui/links.c ui/links.h \
	ui/message.c ui/message.h \
	ui/model.c ui/model.h \
	ui/popup.c \
	ui/proof.c ui/proof.h \
	ui/requests.c \
	ui/run.c ui/run.h \
	ui/sanitize.c ui/sanitize.h \
	ui/screen.c ui/screen.h \
	ui/search.c ui/search.h \
	ui/signals.c ui/signals.h \
	ui/state.h \
	ui/talk.c ui/talk.h \
	ui/talk_draw.c \
	ui/terminal.c ui/terminal.h \
	ui/text.c ui/text.h \
	ui/ui.c ui/ui.h \
	ui/view_chats.c \
	ui/view_consent.c \
	ui/view_frame.c \
	ui/view_installations.c \
	ui/view_log.c \
	ui/view_talk.c \
	ui/words.c ui/words.h
