# Tests of ui/; included by tests/module.mk.
noinst_HEADERS += tests/ui/fake.h tests/ui/golden.h tests/ui/hostile.h tests/ui/masks.h tests/ui/pty.h
EXTRA_DIST += tests/ui/screens
UI_TESTS = tests/ui/test_sanitize tests/ui/test_text tests/ui/test_input tests/ui/test_screen tests/ui/test_first_run \
	tests/ui/test_config
check_PROGRAMS += $(UI_TESTS)
TESTS += $(UI_TESTS)
# The screen itself needs nothing of the core but its header.
UI_ALONE = libui.la $(BASE_LIBS) $(JANSSON_LIBS) $(INIH_LIBS) $(NCURSES_LIBS) $(UTF8PROC_LIBS) $(QRENCODE_LIBS)
UI_FAKE = tests/ui/fake.c tests/ui/driver.c tests/ui/golden.c
tests_ui_test_sanitize_SOURCES = tests/ui/test_sanitize.c tests/ui/hostile.c
tests_ui_test_sanitize_LDADD = $(UI_ALONE) $(TEST_LIBS)
tests_ui_test_text_SOURCES = tests/ui/test_text.c
tests_ui_test_text_LDADD = $(UI_ALONE) $(TEST_LIBS)
tests_ui_test_input_SOURCES = tests/ui/test_input.c
tests_ui_test_input_LDADD = $(UI_ALONE) $(TEST_LIBS)
tests_ui_test_screen_SOURCES = tests/ui/test_screen.c $(UI_FAKE)
tests_ui_test_screen_LDADD = $(UI_ALONE) $(TEST_LIBS)
tests_ui_test_first_run_SOURCES = tests/ui/test_first_run.c $(UI_FAKE)
tests_ui_test_first_run_LDADD = $(UI_ALONE) $(TEST_LIBS)
tests_ui_test_config_SOURCES = tests/ui/test_config.c
tests_ui_test_config_LDADD = $(UI_ALONE) $(TEST_LIBS)

# The screen on a pseudo-terminal.
if HAVE_VTERM
check_PROGRAMS += tests/ui/test_terminal tests/ui/ui_on_fake tests/ui/test_program
TESTS += tests/ui/test_terminal tests/ui/test_program
tests_ui_ui_on_fake_SOURCES = tests/ui/ui_on_fake.c tests/ui/fake.c tests/ui/hostile.c
tests_ui_ui_on_fake_LDADD = $(UI_ALONE)
tests_ui_test_terminal_SOURCES = tests/ui/test_terminal.c tests/ui/pty.c
tests_ui_test_terminal_CPPFLAGS = $(AM_CPPFLAGS) $(VTERM_CFLAGS)
tests_ui_test_terminal_LDADD = $(BASE_LIBS) $(VTERM_LIBS) $(UTF8PROC_LIBS) $(TEST_LIBS) -lutil
# The real programs, which are built before any test runs.
tests_ui_test_program_SOURCES = tests/ui/test_program.c tests/ui/pty.c tests/ui/masks.c tests/ui/golden.c \
	tests/programs.c
tests_ui_test_program_CPPFLAGS = $(AM_CPPFLAGS) $(VTERM_CFLAGS)
tests_ui_test_program_LDADD = $(BASE_LIBS) $(VTERM_LIBS) $(UTF8PROC_LIBS) $(TEST_LIBS) -lutil
endif
