# Fuzz targets of store/; included by fuzz/module.mk.
if FUZZING
FUZZERS += fuzz/lock_file
fuzz_lock_file_SOURCES = fuzz/lock_file.c
fuzz_lock_file_LDADD = $(STORE_LIBS)
fuzz_lock_file_LDFLAGS = $(FUZZ_LINK)
endif
