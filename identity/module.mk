# identity/: inboxes, identity updates, association state, key packages.
noinst_LTLIBRARIES += libidentity.la
libidentity_la_SOURCES = \
	identity/credential.c identity/credential.h \
	identity/ident.c identity/ident.h \
	identity/key_package.h \
	identity/pool.c identity/pool.h \
	identity/request.h \
	identity/rotation.c identity/rotation.h \
	identity/state.h \
	identity/update.h \
	identity/verify.h
