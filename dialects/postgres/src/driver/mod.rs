//! The driver: tokio-postgres logs in, and what is said then is said here.

mod answer;
mod bind;
mod cache;
mod cancel;
mod connect;
mod connection;
mod copy;
mod decode;
mod encode;
mod line;
mod login;
mod message;
mod numeric;
mod prepare;
mod run;
mod socket;
#[cfg(feature = "tls")]
mod tls;
mod wire;

pub(crate) use bind::bind_type;
pub(crate) use message::ServerError;
pub(crate) use socket::Refused;
#[cfg(feature = "tls")]
pub(crate) use tls::remedy as tls_remedy;

use std::sync::Arc;

use relata_core::{
    Result,
    driver::{BoxFuture, Connection, Driver},
    url::DatabaseUrl,
};

use crate::PostgresOptions;

/// Opens connections to a PostgreSQL server.
///
/// ```
/// use relata_core::url::DatabaseUrl;
/// use relata_postgres::PostgresDriver;
///
/// let url = DatabaseUrl::parse("postgres://app:secret@db.example.com/shop?statement_timeout=30s")?;
/// let driver = PostgresDriver::from_url(url)?;
/// assert!(!format!("{driver:?}").contains("secret"));
/// # Ok::<(), relata_core::Error>(())
/// ```
#[derive(Debug)]
pub struct PostgresDriver {
    options: Arc<PostgresOptions>,
    tls: connect::Tls,
}

impl PostgresDriver {
    /// A driver for a URL: `postgres://user:password@host:port/database?option=value`, or `postgresql://…`.
    ///
    /// [`PostgresOptions`] lists the options. Options of others, such as the pool's, have to be taken out of the URL before.
    ///
    /// # Errors
    ///
    /// [`Configuration`](relata_core::ErrorClass::Configuration) if the scheme is another one, an option is not known (the
    /// error lists those that are) or makes no sense, or a file that it names cannot be read.
    pub fn from_url(url: DatabaseUrl) -> Result<Self> {
        PostgresDriver::new(PostgresOptions::from_url(url)?)
    }

    /// A driver for options.
    ///
    /// # Errors
    ///
    /// [`Configuration`](relata_core::ErrorClass::Configuration) if a file with a certificate or key cannot be read, or the
    /// options ask for TLS and this crate was built without its feature `tls`.
    pub fn new(options: PostgresOptions) -> Result<Self> {
        let tls = connect::Tls::new(&options)?;
        Ok(PostgresDriver { options: Arc::new(options), tls })
    }
}

impl Driver for PostgresDriver {
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Connection>>> {
        Box::pin(async move {
            let connection = connect::connect(&self.options, &self.tls).await?;
            Ok(Box::new(connection) as Box<dyn Connection>)
        })
    }
}
