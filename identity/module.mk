# identity/: inboxes, identity updates, association state, key packages.
noinst_LTLIBRARIES += libidentity.la
libidentity_la_SOURCES = \
	identity/client_data.c identity/client_data.h \
	identity/credential.c identity/credential.h \
	identity/fields.c identity/fields.h \
	identity/ident.c identity/ident.h \
	identity/key_package.c identity/key_package.h \
	identity/passkey.c identity/passkey.h \
	identity/pool.c identity/pool.h \
	identity/request.c identity/request.h \
	identity/rotation.c identity/rotation.h \
	identity/rules.c \
	identity/state.c identity/state.h identity/state_edit.h \
	identity/text.c \
	identity/update.c identity/update.h \
	identity/verify.c identity/verify.h
