//! What the fuzz targets share.

use std::sync::Arc;

use relata::{
    dialect::{Dialect, Standard},
    mysql::{Mysql, Server},
    postgres::Postgres,
    sqlite::Sqlite,
};

/// All dialects.
pub fn dialects() -> Vec<Arc<dyn Dialect>> {
    vec![
        Arc::new(Standard),
        Arc::new(Sqlite::default()),
        Arc::new(Postgres),
        Arc::new(Mysql::new(Server::MYSQL)),
        Arc::new(Mysql::new(Server::MARIADB)),
    ]
}
