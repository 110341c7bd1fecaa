//! Opening a connection.

use std::{io, sync::Arc, time::Duration};

use relata_core::{ErrorClass, Result};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::sleep,
};
use tokio_postgres::{CancelToken, Client, Config, NoTls, config};

use super::{
    connection::PostgresConnection,
    link::{Link, Mover},
};
use crate::{PostgresOptions, SslMode, TargetSession, error::from_connect};

/// The pause before the second attempt; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// What encrypts connections, if anything does.
#[derive(Clone)]
pub(crate) struct Tls {
    #[cfg(feature = "tls")]
    connector: Option<tokio_postgres_rustls::MakeRustlsConnect>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    #[cfg(feature = "tls")]
    pub(crate) fn new(options: &PostgresOptions) -> Result<Self> {
        let wanted = options.ssl_mode != SslMode::Disable && !options.is_local();
        Ok(Tls { connector: wanted.then(|| super::tls::connector(options)).transpose()? })
    }

    #[cfg(not(feature = "tls"))]
    pub(crate) fn new(options: &PostgresOptions) -> Result<Self> {
        let strict = matches!(options.ssl_mode, SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull);
        if strict && !options.is_local() {
            let why = "this sslmode needs TLS: turn on the feature `tls`";
            return Err(relata_core::Error::new(ErrorClass::Configuration, why));
        }
        Ok(Tls {})
    }

    /// The mode to try, and the one to try if that fails (PostgreSQL manual, 32.1.2, "sslmode").
    fn modes(&self, mode: SslMode) -> (config::SslMode, Option<config::SslMode>) {
        use config::SslMode::{Disable, Prefer, Require};
        match mode {
            _ if !self.is_on() => (Disable, None),
            SslMode::Disable => (Disable, None),
            SslMode::Allow => (Disable, Some(Require)),
            SslMode::Prefer => (Prefer, Some(Disable)),
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => (Require, None),
        }
    }

    #[cfg(feature = "tls")]
    fn is_on(&self) -> bool {
        self.connector.is_some()
    }

    #[cfg(not(feature = "tls"))]
    fn is_on(&self) -> bool {
        false
    }

    async fn connect(&self, config: &Config) -> Result<(Client, Link), tokio_postgres::Error> {
        #[cfg(feature = "tls")]
        if let Some(connector) = &self.connector {
            let (client, connection) = config.connect(connector.clone()).await?;
            return Ok((client, Link::new(Box::pin(connection) as Mover)));
        }
        let (client, connection) = config.connect(NoTls).await?;
        Ok((client, Link::new(Box::pin(connection) as Mover)))
    }

    /// Sends a request to cancel on a stream that was opened for it.
    pub(super) async fn cancel<S>(&self, token: &CancelToken, stream: S, host: &str) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        #[cfg(feature = "tls")]
        if let Some(mut connector) = self.connector.clone() {
            use tokio_postgres::tls::MakeTlsConnect;
            let Ok(tls) = MakeTlsConnect::<S>::make_tls_connect(&mut connector, host);
            return token.cancel_query_raw(stream, tls).await.map_err(io::Error::other);
        }
        let _ = host;
        token.cancel_query_raw(stream, NoTls).await.map_err(io::Error::other)
    }
}

pub(crate) async fn connect(options: &Arc<PostgresOptions>, tls: &Tls) -> Result<PostgresConnection> {
    let mut pause = FIRST_PAUSE;
    let mut attempt = 1;
    loop {
        match attempt_once(options, tls).await {
            Err(error) if error.class() == ErrorClass::Connect && attempt < options.connect_attempts => {
                sleep(pause).await;
                pause = pause.saturating_mul(2);
                attempt += 1;
            }
            result => return result,
        }
    }
}

async fn attempt_once(options: &Arc<PostgresOptions>, tls: &Tls) -> Result<PostgresConnection> {
    let mut config = config(options);
    let (mode, otherwise) = tls.modes(options.ssl_mode);
    let mut connected =
        tls.connect(config.ssl_mode(mode)).await.map_err(|error| from_connect(error, options));
    if let (Err(error), Some(otherwise)) = (&connected, otherwise) {
        // Another mode helps where the server insists on encryption, or its handshake fails; not where it is down.
        if error.class() == ErrorClass::Tls || error.code() == Some("28000") {
            let again = tls.connect(config.ssl_mode(otherwise)).await;
            connected = again.map_err(|error| from_connect(error, options));
        }
    }
    let (client, mut link) = connected?;
    if options.statement_cache == 0 {
        // Again if a type has just been dropped; and if it cannot be done, most statements work all the same.
        for _ in 0..3 {
            if link.drive(super::types::learn(&client)).await.is_ok() {
                break;
            }
        }
    }
    Ok(PostgresConnection::new(client, link, Arc::clone(options), tls.clone()))
}

fn config(options: &PostgresOptions) -> Config {
    let mut config = Config::new();
    config.host(&options.host).port(options.port).application_name(&options.application_name);
    if let Some(user) = &options.user {
        config.user(user);
    }
    if let Some(password) = &options.password {
        config.password(password.reveal());
    }
    if let Some(database) = &options.database {
        config.dbname(database);
    }
    if let Some(settings) = options.session_settings() {
        config.options(settings);
    }
    config.target_session_attrs(match options.target_session {
        TargetSession::Any => config::TargetSessionAttrs::Any,
        TargetSession::ReadWrite => config::TargetSessionAttrs::ReadWrite,
        TargetSession::ReadOnly => config::TargetSessionAttrs::ReadOnly,
    });
    config.keepalives(options.keepalives).keepalives_idle(options.keepalives_idle);
    if let Some(interval) = options.keepalives_interval {
        config.keepalives_interval(interval);
    }
    if let Some(retries) = options.keepalives_retries {
        config.keepalives_retries(retries);
    }
    if let Some(timeout) = options.connect_timeout {
        config.connect_timeout(timeout);
    }
    if let Some(timeout) = options.tcp_user_timeout {
        config.tcp_user_timeout(timeout);
    }
    config
}
