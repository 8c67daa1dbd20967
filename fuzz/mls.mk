# Fuzz targets of mls/; included by fuzz/module.mk.  Their members are those of the tests.
EXTRA_DIST += fuzz/mls_world.h
if FUZZING
FUZZERS += fuzz/mls_message fuzz/mls_process fuzz/mls_join fuzz/mls_state
FUZZ_MLS = fuzz/mls_world.c fuzz/mls_world.h tests/mls/kit.c
FUZZ_MLS_LIBS = $(MLS_LIBS) $(CMOCKA_LIBS)
fuzz_mls_message_SOURCES = fuzz/mls_message.c $(FUZZ_MLS)
fuzz_mls_message_LDADD = $(FUZZ_MLS_LIBS)
fuzz_mls_message_LDFLAGS = $(FUZZ_LINK)
fuzz_mls_process_SOURCES = fuzz/mls_process.c $(FUZZ_MLS)
fuzz_mls_process_LDADD = $(FUZZ_MLS_LIBS)
fuzz_mls_process_LDFLAGS = $(FUZZ_LINK)
fuzz_mls_join_SOURCES = fuzz/mls_join.c $(FUZZ_MLS)
fuzz_mls_join_LDADD = $(FUZZ_MLS_LIBS)
fuzz_mls_join_LDFLAGS = $(FUZZ_LINK)
fuzz_mls_state_SOURCES = fuzz/mls_state.c $(FUZZ_MLS)
fuzz_mls_state_LDADD = $(FUZZ_MLS_LIBS)
fuzz_mls_state_LDFLAGS = $(FUZZ_LINK)
endif
