# Fuzz targets of ui/; included by fuzz/module.mk.
if FUZZING
FUZZERS += fuzz/config_file fuzz/screen_text fuzz/terminal_input
fuzz_screen_text_SOURCES = fuzz/screen_text.c
fuzz_screen_text_LDADD = libui.la $(BASE_LIBS) $(UTF8PROC_LIBS)
fuzz_screen_text_LDFLAGS = $(FUZZ_LINK)
fuzz_config_file_SOURCES = fuzz/config_file.c
fuzz_config_file_LDADD = libui.la $(BASE_LIBS) $(INIH_LIBS)
fuzz_config_file_LDFLAGS = $(FUZZ_LINK)
fuzz_terminal_input_SOURCES = fuzz/terminal_input.c tests/ui/fake.c tests/ui/driver.c
fuzz_terminal_input_LDADD = libui.la $(BASE_LIBS) $(JANSSON_LIBS) $(INIH_LIBS) $(NCURSES_LIBS) $(UTF8PROC_LIBS) \
	$(QRENCODE_LIBS)
fuzz_terminal_input_LDFLAGS = $(FUZZ_LINK)
endif
