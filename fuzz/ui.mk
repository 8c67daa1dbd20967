# Fuzz targets of ui/; included by fuzz/module.mk.
if FUZZING
FUZZERS += fuzz/screen_text
fuzz_screen_text_SOURCES = fuzz/screen_text.c
fuzz_screen_text_LDADD = libui.la $(BASE_LIBS) $(UTF8PROC_LIBS)
fuzz_screen_text_LDFLAGS = $(FUZZ_LINK)
endif
