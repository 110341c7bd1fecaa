//! What the fuzz targets share.

use relata::{
    dialect::{Dialect, Standard},
    mysql::{MysqlDialect, Server},
    postgres::Postgres,
    sqlite::Sqlite,
};

/// All dialects.
pub fn dialects() -> Vec<Box<dyn Dialect>> {
    vec![
        Box::new(Standard),
        Box::new(Sqlite::default()),
        Box::new(Postgres),
        Box::new(MysqlDialect::new(Server::MYSQL)),
        Box::new(MysqlDialect::new(Server::MARIADB)),
    ]
}
