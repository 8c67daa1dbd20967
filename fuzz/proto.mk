# Fuzz targets of proto/; included by fuzz/module.mk.
if FUZZING
FUZZERS += fuzz/proto_check
fuzz_proto_check_SOURCES = fuzz/proto_check.c
fuzz_proto_check_LDADD = $(PROTO_LIBS)
fuzz_proto_check_LDFLAGS = $(FUZZ_LINK)
endif
