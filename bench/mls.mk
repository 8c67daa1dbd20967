# mls-bench [LARGEST]: the MLS library beside the bare primitives; included by bench/module.mk.
noinst_PROGRAMS += bench/mls-bench
bench_mls_bench_SOURCES = bench/mls_bench.c
bench_mls_bench_LDADD = $(MLS_LIBS)
bench: bench-mls
.PHONY: bench-mls
bench-mls: bench/mls-bench$(EXEEXT)
	./bench/mls-bench$(EXEEXT)
