# Fuzz targets of sync/; included by fuzz/module.mk.
if FUZZING
FUZZERS += fuzz/group_content fuzz/group_extensions fuzz/preferences fuzz/rpc_request
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
endif
