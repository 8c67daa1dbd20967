# base/: knows nothing of the rest.
noinst_LTLIBRARIES += libbase.la
libbase_la_SOURCES = \
	base/alloc.c base/alloc.h \
	base/bytes.c base/bytes.h \
	base/clock.c base/clock.h \
	base/err.c base/err.h \
	base/fiber.c base/fiber.h \
	base/hex.c base/hex.h \
	base/i18n.h \
	base/log.c base/log.h \
	base/queue.c base/queue.h \
	base/rand.c base/rand.h \
	base/reader.c base/reader.h \
	base/standard_fds.c base/standard_fds.h \
	base/utf8.c base/utf8.h
