# Fuzz targets of cli/; included by fuzz/module.mk.
if FUZZING
FUZZERS += fuzz/arguments
fuzz_arguments_SOURCES = fuzz/arguments.c cli/options.c
fuzz_arguments_LDADD = $(BASE_LIBS) $(INIH_LIBS) $(LIBINTL)
fuzz_arguments_LDFLAGS = $(FUZZ_LINK)
endif
