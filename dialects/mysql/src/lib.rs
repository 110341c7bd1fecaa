//! Relata on MySQL (8.4 and later) and MariaDB (10.11 and later): how they spell SQL, and the driver.
//!
//! One crate knows the two and their versions apart: the driver asks the server when it connects, and gives the
//! [`Mysql`] that fits.
//!
//! ```no_run
//! use relata_core::{driver::Driver, url::DatabaseUrl};
//! use relata_mysql::MysqlDriver;
//!
//! # async fn connect() -> relata_core::Result<()> {
//! let url = DatabaseUrl::parse("mysql://app:secret@db.example.com/shop?ssl-mode=VERIFY_IDENTITY")?;
//! let connection = MysqlDriver::from_url(url)?.connect().await?;
//! assert_eq!(connection.dialect().name(), "MySQL");
//! # Ok(())
//! # }
//! ```

mod dialect;
mod driver;
mod error;
mod server;

pub use dialect::Mysql;
pub use driver::{MysqlDriver, MysqlOptions, SslMode};
pub use server::{Product, Server};
