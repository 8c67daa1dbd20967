# Fuzz targets of sync/; included by fuzz/module.mk.
if FUZZING
FUZZERS += fuzz/group_content fuzz/group_extensions fuzz/preferences fuzz/rpc_request fuzz/key_text fuzz/welcome
fuzz_group_content_SOURCES = fuzz/group_content.c
fuzz_group_content_LDADD = $(SYNC_LIBS)
fuzz_group_content_LDFLAGS = $(FUZZ_LINK)
fuzz_group_extensions_SOURCES = fuzz/group_extensions.c
fuzz_group_extensions_LDADD = $(SYNC_LIBS)
fuzz_group_extensions_LDFLAGS = $(FUZZ_LINK)
fuzz_preferences_SOURCES = fuzz/preferences.c
fuzz_preferences_LDADD = $(SYNC_LIBS)
fuzz_preferences_LDFLAGS = $(FUZZ_LINK)
fuzz_rpc_request_SOURCES = fuzz/rpc_request.c
fuzz_rpc_request_LDADD = $(SYNC_LIBS)
fuzz_rpc_request_LDFLAGS = $(FUZZ_LINK)
fuzz_key_text_SOURCES = fuzz/key_text.c
fuzz_key_text_LDADD = $(SYNC_LIBS)
fuzz_key_text_LDFLAGS = $(FUZZ_LINK)
fuzz_welcome_SOURCES = fuzz/welcome.c $(FUZZ_MLS)
fuzz_welcome_LDADD = $(SYNC_LIBS) $(CMOCKA_LIBS)
fuzz_welcome_LDFLAGS = $(FUZZ_LINK)
endif
