# store/: SQLite, sealed; the only place with SQL.
noinst_LTLIBRARIES += libstore.la
libstore_la_SOURCES = \
	store/db.c store/db.h \
	store/identity_log.c store/identity_log.h \
	store/installation.c store/installation.h \
	store/key_file.c \
	store/key_packages.c store/key_packages.h \
	store/keys.c store/keys.h \
	store/lock.c store/lock.h \
	store/mem.c store/mem.h \
	store/migrate.c store/migrate.h \
	store/rows.c store/rows.h \
	store/schema.c store/schema.h \
	store/seal.c store/seal.h \
	store/store.c store/store.h
noinst_HEADERS += \
	store/commit_log.h store/consent.h store/cursors.h store/groups.h store/intents.h \
	store/messages.h store/mls_state.h store/preferences.h store/removals.h store/settings.h \
	store/tasks.h
