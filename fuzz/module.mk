# Fuzz targets, one for each parser of bytes from outside; built with --enable-fuzzing CC=clang.
# Each area lists its own in fuzz/AREA.mk, appending to FUZZERS.  Included by the top Makefile.am.
EXTRA_DIST += fuzz/run fuzz/seeds.mjs
FUZZERS =
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
if FUZZING
noinst_PROGRAMS += $(FUZZERS)
endif
include fuzz/identity.mk
include fuzz/net.mk
include fuzz/node.mk
include fuzz/proto.mk
include fuzz/sync.mk
include fuzz/ui.mk

.PHONY: fuzz-list
fuzz-list:
	@echo $(FUZZERS)
