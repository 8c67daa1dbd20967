# Files of bench/; included by the top Makefile.am.
#
# `make bench`: xmtui beside libxmtp, in one table (needs Node and, once, the npm registry).
# No file is called bench-peers, so it runs whenever it is asked for.
bench: bench-peers
bench-peers: all
	XM_BUILDDIR='$(abs_top_builddir)' '$(srcdir)/bench/run'
EXTRA_DIST += bench/run bench/peers.mjs bench/people.mjs
noinst_PROGRAMS += bench/bench-lines
bench_bench_lines_SOURCES = bench/bench_lines.c

# The gRPC client and server alone: build/bench-grpc [SECONDS_A_ROW].
noinst_PROGRAMS += bench-grpc
bench_grpc_SOURCES = bench/bench_grpc.c
bench_grpc_LDADD = $(NET_LIBS)
include bench/mls.mk
