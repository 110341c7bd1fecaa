//! The driver: mysql_async behind the contract of [`relata_core::driver`].

mod autocommit;
mod bind;
mod connection;
mod options;
mod row;
mod run;
mod runtime;
mod setting;
mod statements;
mod tls;

use std::{fmt, sync::Arc};

use mysql_async::{Conn, DriverError, Opts, prelude::Queryable};
pub use options::{MysqlOptions, SslMode};
use relata_core::{
    Error, ErrorClass, Result,
    driver::{BoxFuture, Connection, Driver},
    url::DatabaseUrl,
};

use crate::{Mysql, error, server::Server};
use connection::{Identity, MysqlConnection, SERVER};

/// What has to be known of the server, asked in one round trip with what sets the session up.
const ASK: &str = "SELECT VERSION(), @@max_allowed_packet, CONNECTION_ID(), ";

/// Opens connections to a MySQL or MariaDB server.
pub struct MysqlDriver {
    options: MysqlOptions,
    begin_session: String,
    /// How to connect with TLS, or without if there is to be none.
    first: Opts,
    /// How to connect if the server has no TLS and need not have.
    second: Option<Opts>,
}

impl MysqlDriver {
    /// A driver with these options. Reads the certificate files.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorClass::Configuration) if a file cannot be read, the options contradict each other, or TLS is
    /// asked for and the feature `tls` is not there.
    pub fn new(options: MysqlOptions) -> Result<Self> {
        let plain = options.to_opts();
        let mode = options.effective_ssl_mode()?;
        let (first, second) = match tls::options(&options, mode)? {
            None => (plain.into(), None),
            Some(tls) => {
                let second = (mode == SslMode::Preferred).then(|| plain.clone().into());
                (plain.ssl_opts(tls).into(), second)
            }
        };
        let begin_session = format!("{};{ASK}{SERVER}", setting::begin_session(&options)?);
        Ok(MysqlDriver { options, begin_session, first, second })
    }

    /// A driver for `mysql://user:password@host:port/database?option=value`; `mariadb://` is the same. The options are
    /// those of [`MysqlOptions::from_url`].
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorClass::Configuration) for an option that nobody knows, one that makes no sense, or a file
    /// that cannot be read.
    pub fn from_url(url: DatabaseUrl) -> Result<Self> {
        MysqlDriver::new(MysqlOptions::from_url(url)?)
    }

    /// What went wrong while connecting, and where to.
    fn explain(&self, error: mysql_async::Error) -> Error {
        let MysqlOptions { host, port, socket, .. } = &self.options;
        error::connecting(error).context(match socket {
            Some(socket) => format!("connecting to {}", socket.display()),
            None => format!("connecting to {host}:{port}"),
        })
    }

    async fn open(&self) -> Result<Box<dyn Connection>> {
        let mut conn = match (Conn::new(self.first.clone()).await, &self.second) {
            (Err(mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer)), Some(second)) => {
                Conn::new(second.clone()).await
            }
            (result, _) => result,
        }
        .map_err(|error| self.explain(error))?;
        let (server, max_packet, identity) =
            begin_session(&mut conn, &self.begin_session).await.map_err(|error| self.explain(error))?;
        let dialect = Arc::new(Mysql::new(server));
        let kept = self.options.statement_cache;
        Ok(Box::new(MysqlConnection::new(conn, dialect, max_packet, kept, identity)))
    }
}

/// Which server it is, the largest packet that it takes, and what the session is there.
async fn begin_session(conn: &mut Conn, sql: &str) -> mysql_async::Result<(Server, usize, Identity)> {
    let mut result = conn.query_iter(sql).await?;
    let mut identity = Identity::default();
    let mut server = Server::parse("");
    let mut max_packet = usize::MAX;
    while !result.is_empty() {
        while let Some(row) = result.next().await? {
            if let Some(Ok(version)) = row.get_opt::<String, _>(0) {
                server = Server::parse(&version);
            }
            if let Some(Ok(size)) = row.get_opt(1) {
                max_packet = size;
            }
            if let (Some(Ok(session)), Some(Ok(server))) = (row.get_opt(2), row.get_opt(3)) {
                identity = Identity { server, session };
            }
        }
    }
    result.drop_result().await?;
    Ok((server, max_packet, identity))
}

impl Driver for MysqlDriver {
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Connection>>> {
        Box::pin(self.open())
    }
}

impl fmt::Debug for MysqlDriver {
    // Not mysql_async's options: they hold the password as plain text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MysqlDriver").field("options", &self.options).finish()
    }
}

fn configuration(why: impl fmt::Display) -> Error {
    Error::new(ErrorClass::Configuration, format!("cannot connect like this: {why}"))
}
