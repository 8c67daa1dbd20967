# Fuzz targets, one for each parser of bytes from outside; built with --enable-fuzzing CC=clang.
# Each area lists its own in fuzz/AREA.mk, appending to FUZZERS.  Included by the top Makefile.am.
EXTRA_DIST += fuzz/run fuzz/seeds.mjs fuzz/fuzz.h
FUZZERS =
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
if FUZZING
noinst_PROGRAMS += $(FUZZERS)
endif
include fuzz/cli.mk
include fuzz/identity.mk
include fuzz/mls.mk
include fuzz/net.mk
include fuzz/node.mk
include fuzz/proto.mk
include fuzz/store.mk
include fuzz/sync.mk
include fuzz/ui.mk

.PHONY: fuzz-list
fuzz-list:
	@echo $(FUZZERS)

# Longer runs: ten minutes for each fuzz target (in a tree made with --enable-fuzzing CC=clang), or a
# thousand kills under load (elsewhere).
.PHONY: soak
soak: all
if FUZZING
	for t in $(FUZZERS); do '$(srcdir)/fuzz/run' "./$$t" "$${SOAK_SECONDS:-600}" || exit 1; done
else
	XM_BUILDDIR='$(abs_top_builddir)' INTEROP_KILLS=1000 '$(srcdir)/tests/interop/run' kill
endif
