#include "node/key_packages.h"

#include "node/data.h"

int key_packages_put(struct node_data *data, struct slice installation_key, struct slice key_package, struct err *err)
{
    struct db_query q;

    db_query(&q, data->writer,
             "INSERT INTO key_packages (installation_key, updated_ns, key_package) VALUES (?1, ?2, ?3)"
             " ON CONFLICT (installation_key) DO UPDATE"
             " SET updated_ns = excluded.updated_ns, key_package = excluded.key_package");
    db_bind_slice(&q, 1, installation_key);
    db_bind_i64(&q, 2, node_data_now(data));
    db_bind_slice(&q, 3, key_package);
    return db_run(&q, err);
}

int key_packages_get(struct db *db, struct slice installation_key, struct buf *out, struct err *err)
{
    struct db_query q;
    int r;

    db_query(&q, db, "SELECT key_package FROM key_packages WHERE installation_key = ?1");
    db_bind_slice(&q, 1, installation_key);
    if ((r = db_step(&q, err)) == DB_ROW)
        buf_put_slice(out, db_col_slice(&q, 0));
    db_end(&q);
    return r < 0 ? r : 0;
}
