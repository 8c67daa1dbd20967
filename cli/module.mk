# cli/: main() and the commands, thin faces over sync/.
bin_PROGRAMS += xmtui
xmtui_SOURCES = \
	cli/call.c cli/call.h \
	cli/command.c cli/command.h \
	cli/commands.c \
	cli/demo.c \
	cli/exit.c cli/exit.h \
	cli/init.c \
	cli/main.c \
	cli/open.c cli/open.h \
	cli/options.c cli/options.h \
	cli/print.c cli/print.h \
	cli/rpc.c cli/rpc.h \
	cli/special.h \
	cli/stream.c
xmtui_LDADD = $(UI_LIBS) $(INIH_LIBS) $(LIBINTL)
