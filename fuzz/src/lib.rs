//! What the fuzz targets share.

use relata::{
    dialect::{Dialect, Standard},
    mysql::{Mysql, Server},
    postgres::Postgres,
    sqlite::Sqlite,
};

/// All dialects.
pub fn dialects() -> Vec<Box<dyn Dialect>> {
    vec![
        Box::new(Standard),
        Box::new(Sqlite::default()),
        Box::new(Postgres),
        Box::new(Mysql::new(Server::MYSQL)),
        Box::new(Mysql::new(Server::MARIADB)),
    ]
}
