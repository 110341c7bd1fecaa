//! Opening a connection.

use std::{io, sync::Arc, time::Duration};

use relata_core::{ErrorClass, Result};
use tokio::time::sleep;
use tokio_postgres::{CancelToken, Config, NoTls, config};

use super::{
    cancel::UntilHungUp,
    connection::PostgresConnection,
    login::log_in,
    message,
    socket::Address,
    wire::{Stream, Wire},
};
use crate::{
    PostgresOptions, SslMode, TargetSession,
    error::{from_connect, from_socket},
};

/// The pause before the second attempt; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

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

    /// Logs in on a stream.
    async fn log_in(
        &self,
        config: &Config,
        stream: Stream,
        host: &str,
    ) -> Result<(Wire, CancelToken), tokio_postgres::Error> {
        #[cfg(feature = "tls")]
        if let Some(connector) = &self.connector {
            return log_in(config, stream, super::tls::Encryption::new(connector, host)).await;
        }
        let _ = host;
        log_in(config, stream, NoTls).await
    }

    /// Sends a request to cancel on a stream that was opened for it.
    pub(super) async fn cancel(
        &self,
        token: &CancelToken,
        stream: UntilHungUp,
        host: &str,
    ) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if let Some(mut connector) = self.connector.clone() {
            use tokio_postgres::tls::MakeTlsConnect;
            let Ok(tls) = MakeTlsConnect::<UntilHungUp>::make_tls_connect(&mut connector, host);
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
                pause = (pause * 2).min(LONGEST_PAUSE);
                attempt += 1;
            }
            result => return result,
        }
    }
}

async fn attempt_once(options: &Arc<PostgresOptions>, tls: &Tls) -> Result<PostgresConnection> {
    let mut config = config(options);
    let (mode, otherwise) = tls.modes(options.ssl_mode);
    let mut connected = connect_as(options, tls, config.ssl_mode(mode)).await;
    if let (Err(error), Some(otherwise)) = (&connected, otherwise) {
        // Another mode helps where the server insists on encryption, or its handshake fails; not where it is down.
        if error.class() == ErrorClass::Tls || error.code() == Some("28000") {
            connected = connect_as(options, tls, config.ssl_mode(otherwise)).await;
        }
    }
    connected
}

/// Connects to the first of the host's addresses that lets one in.
async fn connect_as(
    options: &Arc<PostgresOptions>,
    tls: &Tls,
    config: &Config,
) -> Result<PostgresConnection> {
    let addresses = Address::all(options).await.map_err(|error| from_socket(&error, options))?;
    let mut connected = Err(from_socket(&io::Error::other("the host has no address"), options));
    for address in addresses {
        connected = connect_to(address, options, tls, config).await;
        if connected.is_ok() {
            break;
        }
    }
    connected
}

async fn connect_to(
    address: Address,
    options: &Arc<PostgresOptions>,
    tls: &Tls,
    config: &Config,
) -> Result<PostgresConnection> {
    let stream = address.clone().open(options).await.map_err(|error| from_socket(&error, options))?;
    let logged_in = tls.log_in(config, stream, &options.host).await;
    let (mut wire, token) = logged_in.map_err(|error| from_connect(error, options))?;
    if options.target_session != TargetSession::Any {
        let wanted = options.target_session == TargetSession::ReadOnly;
        if is_read_only(&mut wire).await? != wanted {
            let why =
                if wanted { "the database is not read only" } else { "the database does not allow writes" };
            return Err(from_socket(&io::Error::other(why), options));
        }
    }
    Ok(PostgresConnection::new(wire, token, address, Arc::clone(options), tls.clone()))
}

/// Whether transactions only read by default, as on a standby.
async fn is_read_only(wire: &mut Wire) -> Result<bool> {
    wire.queue_query("SHOW transaction_read_only")?;
    let mut read_only = false;
    loop {
        let message = wire.message().await?;
        match message.tag {
            message::DATA_ROW => read_only = message.body.ends_with(b"on"),
            message::ERROR => return Err(message.error(None)),
            message::READY_FOR_QUERY => return Ok(read_only),
            _ => {}
        }
    }
}

/// What tokio-postgres is to say when it logs in.
fn config(options: &PostgresOptions) -> Config {
    let mut config = Config::new();
    config.application_name(&options.application_name);
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
    config
}
