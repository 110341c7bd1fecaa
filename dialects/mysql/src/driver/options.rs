//! How to connect.

use std::path::PathBuf;

use mysql_async::OptsBuilder;
use relata_core::{
    Result,
    url::{DatabaseUrl, Secret},
};

use super::{configuration, setting::Setting};

/// How many prepared statements a connection keeps, unless told otherwise.
const STATEMENT_CACHE_SIZE: usize = 128;

/// What the protocol allows (MySQL 8.4 manual 19.9.1.2). The server has its own limit and says so; asking for it would be a
/// round trip for each connection.
const MAX_ALLOWED_PACKET: usize = 1 << 30;

/// Whether the connection is encrypted, and how much of the server's certificate is checked (MySQL 8.4 manual 8.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SslMode {
    /// `DISABLED`: never.
    Disabled,
    /// `PREFERRED`: if the server can. The certificate is not checked. The default.
    #[default]
    Preferred,
    /// `REQUIRED`: always. The certificate is not checked.
    Required,
    /// `VERIFY_CA`: always, and the certificate must be signed by a known authority, whatever host it names.
    VerifyCa,
    /// `VERIFY_IDENTITY`: always, and the certificate must be signed by a known authority and name the host.
    VerifyIdentity,
}

impl SslMode {
    fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_uppercase().replace('-', "_").as_str() {
            "DISABLED" => SslMode::Disabled,
            "PREFERRED" => SslMode::Preferred,
            "REQUIRED" => SslMode::Required,
            "VERIFY_CA" => SslMode::VerifyCa,
            "VERIFY_IDENTITY" => SslMode::VerifyIdentity,
            _ => return None,
        })
    }
}

/// How to connect to a MySQL or MariaDB server.
///
/// ```
/// use relata_mysql::{MysqlDriver, MysqlOptions, SslMode};
///
/// let options = MysqlOptions::new("db.example.com")
///     .user("app")
///     .password("secret")
///     .database("shop")
///     .ssl_mode(SslMode::Disabled);
/// let driver = MysqlDriver::new(options)?;
/// assert!(!format!("{driver:?}").contains("secret"));
/// # Ok::<(), relata_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MysqlOptions {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) database: Option<String>,
    pub(super) socket: Option<PathBuf>,
    pub(super) ssl_mode: Option<SslMode>,
    pub(super) ssl_ca: Option<PathBuf>,
    pub(super) ssl_cert: Option<PathBuf>,
    pub(super) ssl_key: Option<PathBuf>,
    pub(super) statement_cache: usize,
    pub(super) sql_mode: Setting,
    pub(super) time_zone: Setting,
    pub(super) collation: Setting,
}

impl MysqlOptions {
    /// A connection over TCP to port 3306 of a host.
    pub fn new(host: impl Into<String>) -> Self {
        MysqlOptions {
            host: host.into(),
            port: 3306,
            user: None,
            password: None,
            database: None,
            socket: None,
            ssl_mode: None,
            ssl_ca: None,
            ssl_cert: None,
            ssl_key: None,
            statement_cache: STATEMENT_CACHE_SIZE,
            sql_mode: Setting::Ours,
            time_zone: Setting::Ours,
            collation: Setting::Ours,
        }
    }

    /// Takes the options out of a URL:
    ///
    /// | option | means |
    /// |---|---|
    /// | `ssl-mode`, also `sslmode` | `DISABLED`, `PREFERRED`, `REQUIRED`, `VERIFY_CA` or `VERIFY_IDENTITY` |
    /// | `ssl-ca` | PEM file of the authorities to trust, instead of the public ones |
    /// | `ssl-cert`, `ssl-key` | PEM files of the client's certificate and key |
    /// | `socket` | path of the Unix socket to connect by instead of TCP |
    /// | `statement_cache` | prepared statements that a connection keeps; 0 for none |
    /// | `sql_mode`, `time_zone`, `collation` | the session's, as the methods of these names have it; `server` for the server's own |
    ///
    /// # Errors
    ///
    /// [`Configuration`](relata_core::ErrorClass::Configuration) for another scheme than `mysql` and `mariadb`, an option
    /// that nobody knows, or one that makes no sense.
    pub fn from_url(mut url: DatabaseUrl) -> Result<Self> {
        if !matches!(url.scheme.as_str(), "mysql" | "mariadb") {
            return Err(configuration(format!(
                "the scheme is {}, but should be mysql or mariadb",
                url.scheme
            )));
        }
        url.require_server()?;
        let mode = "DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY";
        let ssl_mode = url.take_with("ssl-mode", mode, SslMode::parse)?;
        let other_ssl_mode = url.take_with("sslmode", mode, SslMode::parse)?;
        if ssl_mode.is_some() && other_ssl_mode.is_some() {
            return Err(configuration("ssl-mode and sslmode are the same option: give one of them"));
        }
        let options = MysqlOptions {
            host: url.host.clone().unwrap_or_else(|| "localhost".into()),
            port: url.port.unwrap_or(3306),
            user: url.user.clone(),
            password: url.password.clone(),
            database: Some(url.path.trim_start_matches('/').to_owned()).filter(|name| !name.is_empty()),
            socket: url.take("socket").map(PathBuf::from),
            ssl_mode: ssl_mode.or(other_ssl_mode),
            ssl_ca: url.take("ssl-ca").map(PathBuf::from),
            ssl_cert: url.take("ssl-cert").map(PathBuf::from),
            ssl_key: url.take("ssl-key").map(PathBuf::from),
            statement_cache: url.take_number("statement_cache")?.unwrap_or(STATEMENT_CACHE_SIZE),
            sql_mode: url.take("sql_mode").map_or(Setting::Ours, |mode| Setting::parse(&mode)),
            time_zone: url.take("time_zone").map_or(Setting::Ours, |zone| Setting::parse(&zone)),
            collation: url.take("collation").map_or(Setting::Ours, |name| Setting::parse(&name)),
        };
        url.finish()?;
        Ok(options)
    }

    /// The port, instead of 3306.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The user to log in as.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// The password. It is never printed.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(Secret::new(password));
        self
    }

    /// The database that names without one refer to.
    #[must_use]
    pub fn database(mut self, database: impl Into<String>) -> Self {
        self.database = Some(database.into());
        self
    }

    /// A Unix socket to connect by, instead of TCP. There is no TLS over it.
    #[must_use]
    pub fn socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.socket = Some(path.into());
        self
    }

    /// Whether the connection is encrypted. Without it [`SslMode::Preferred`], or [`SslMode::VerifyCa`] if an authority is
    /// given.
    #[must_use]
    pub fn ssl_mode(mut self, mode: SslMode) -> Self {
        self.ssl_mode = Some(mode);
        self
    }

    /// A PEM file with the authorities to trust, instead of the public ones.
    #[must_use]
    pub fn ssl_ca(mut self, path: impl Into<PathBuf>) -> Self {
        self.ssl_ca = Some(path.into());
        self
    }

    /// PEM files with the client's certificate and its key.
    #[must_use]
    pub fn ssl_client_cert(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.ssl_cert = Some(certificate.into());
        self.ssl_key = Some(key.into());
        self
    }

    /// How many prepared statements a connection keeps; 0 for none, as behind some proxies. By default 128.
    #[must_use]
    pub fn statement_cache(mut self, statements: usize) -> Self {
        self.statement_cache = statements;
        self
    }

    /// The SQL mode of the session, such as `TRADITIONAL`; `None` for the server's own. By default a strict one: what does not fit is
    /// refused and not made to fit.
    ///
    /// Not all of it can be chosen: in any case backslashes escape, a key of 0 is stored as such, and on MariaDB the assignments of
    /// an UPDATE do not see each other.
    #[must_use]
    pub fn sql_mode(mut self, mode: Option<String>) -> Self {
        self.sql_mode = mode.map_or(Setting::Server, Setting::Given);
        self
    }

    /// The time zone of the session, such as `+02:00`; `None` for the server's own. By default UTC. `CURRENT_TIMESTAMP` is in this zone,
    /// and columns of the type TIMESTAMP are converted to it; the types that Relata makes are not.
    #[must_use]
    pub fn time_zone(mut self, zone: Option<String>) -> Self {
        self.time_zone = zone.map_or(Setting::Server, Setting::Given);
        self
    }

    /// The collation of the session, one of utf8mb4; `None` for the server's default of that. By default the one that compares
    /// code points, as the tables have it.
    #[must_use]
    pub fn collation(mut self, name: Option<String>) -> Self {
        self.collation = name.map_or(Setting::Server, Setting::Given);
        self
    }

    /// The mode that was asked for, or what follows from the other options (MySQL 8.4 manual 6.2.3, `--ssl-mode`).
    pub(super) fn effective_ssl_mode(&self) -> Result<SslMode> {
        if self.ssl_cert.is_some() != self.ssl_key.is_some() {
            return Err(configuration(
                "a certificate needs its key: give both ssl-cert and ssl-key, or none",
            ));
        }
        match (&self.socket, self.ssl_mode) {
            (Some(_), None | Some(SslMode::Disabled | SslMode::Preferred)) => Ok(SslMode::Disabled),
            (Some(_), Some(_)) => {
                Err(configuration("there is no TLS over a Unix socket: leave out ssl-mode, or use TCP"))
            }
            (None, Some(mode)) => Ok(mode),
            (None, None) if self.ssl_ca.is_some() => Ok(SslMode::VerifyCa),
            (None, None) => Ok(SslMode::Preferred),
        }
    }

    /// As mysql_async wants them, without TLS.
    pub(super) fn to_opts(&self) -> OptsBuilder {
        OptsBuilder::default()
            .ip_or_hostname(self.host.clone())
            .tcp_port(self.port)
            .user(self.user.clone())
            .pass(self.password.as_ref().map(|secret| secret.reveal().to_owned()))
            .db_name(self.database.clone())
            .socket(self.socket.as_ref().map(|path| path.to_string_lossy().into_owned()))
            .prefer_socket(false)
            .tcp_nodelay(true)
            // The connection keeps its statements itself.
            .stmt_cache_size(0)
            // Both would be asked of the server if they were not set.
            .max_allowed_packet(Some(MAX_ALLOWED_PACKET))
            .wait_timeout(Some(28_800))
    }
}
