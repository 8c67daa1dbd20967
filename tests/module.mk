# Tests mirror the folders; each has its own list. Included by the top Makefile.am.
AM_TESTS_ENVIRONMENT = XM_SRCDIR='$(abs_top_srcdir)'; XM_BUILDDIR='$(abs_top_builddir)'; \
	export XM_SRCDIR XM_BUILDDIR;

if HAVE_CMOCKA
include tests/base/module.mk
include tests/crypto/module.mk
include tests/mls/module.mk
include tests/proto/module.mk
include tests/identity/module.mk
include tests/store/module.mk
include tests/net/module.mk
include tests/sync/module.mk
include tests/ui/module.mk
include tests/cli/module.mk
include tests/node/module.mk
endif
include tests/house/module.mk
include tests/interop/module.mk
