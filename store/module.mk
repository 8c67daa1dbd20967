# store/: SQLite, sealed; the only place with SQL.
noinst_HEADERS += \
	store/commit_log.h store/consent.h store/cursors.h store/db.h store/groups.h \
	store/identity_log.h store/installation.h store/intents.h store/key_packages.h store/mem.h \
	store/messages.h store/mls_state.h store/preferences.h store/removals.h store/settings.h \
	store/store.h store/tasks.h
