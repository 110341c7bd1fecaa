//! How to connect: by URL or builder.

use std::{path::PathBuf, time::Duration};

use relata_core::{
    Error, ErrorClass, Result,
    url::{DatabaseUrl, Secret},
};

/// How to connect to a PostgreSQL server.
///
/// Each is an option of the URL as well, under the same name but for those that stand in front of the `?`:
/// `postgres://user:password@host:port/database?option=value&…`.
///
/// | option | meaning | default |
/// |---|---|---|
/// | `host`, `port` | where the server is; a `host` that begins with `/` is the folder of its Unix socket | `localhost`, 5432 |
/// | `sslmode` | see [`SslMode`] | `prefer` |
/// | `sslrootcert` | file with the authorities that may sign the server's certificate, in PEM | those of the system |
/// | `sslcert`, `sslkey` | files with the client's certificate and its key, in PEM | none |
/// | `application_name` | what the server shows of us in `pg_stat_activity` | `relata` |
/// | `search_path` | where tables without a schema are looked for | the server's |
/// | `time_zone` | of the session, as in `2026-01-01 00:00+00`::text; `server` for the server's own | `UTC` |
/// | `lock_timeout` | after which a statement fails: `30s` | the server's |
/// | `statement_timeout` (by the builder: in a URL the pool has an option of that name) | after which the server ends a statement: `30s` | the server's |
/// | `options` | more settings of the session, as the server's command line takes them: `-c geqo=off` | none |
/// | `target_session_attrs` | see [`TargetSession`] | `any` |
/// | `statement_cache` | how many prepared statements a connection keeps; 0 for none | 100 |
/// | `connect_timeout` (by the builder: in a URL the pool has an option of that name) | for each address that the host has: `5s` | none but the pool's |
/// | `connect_attempts` | how often to try before giving up on a server that does not answer | 1 |
/// | `keepalives` | whether the system looks after a silent connection | `true` |
/// | `keepalives_idle`, `keepalives_interval`, `keepalives_retries` | after how long, how often, how many times | `60s`, the system's |
/// | `tcp_user_timeout` | how long sent data may go without an answer (Linux) | the system's |
///
/// Behind a pooler that gives each transaction another connection (PgBouncer with `pool_mode = transaction`), use
/// `statement_cache=0`: statements then have no names, and are sent together with their binds. PgBouncer refuses session
/// settings that it does not track; `time_zone=server` sends none.
///
/// ```
/// use std::time::Duration;
/// use relata_postgres::{PostgresDriver, PostgresOptions, SslMode};
///
/// let options = PostgresOptions::new()
///     .host("db.example.com")
///     .user("app")
///     .password("secret")
///     .database("shop")
///     .statement_timeout(Duration::from_secs(30));
/// let driver = PostgresDriver::new(options)?;
/// # Ok::<(), relata_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) database: Option<String>,
    pub(crate) ssl_mode: SslMode,
    pub(crate) ssl_root_cert: Option<PathBuf>,
    pub(crate) ssl_client: Option<(PathBuf, PathBuf)>,
    pub(crate) application_name: String,
    pub(crate) search_path: Option<String>,
    pub(crate) time_zone: Option<String>,
    pub(crate) statement_timeout: Option<Duration>,
    pub(crate) lock_timeout: Option<Duration>,
    pub(crate) options: Option<String>,
    pub(crate) target_session: TargetSession,
    pub(crate) statement_cache: usize,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) connect_attempts: u32,
    pub(crate) keepalives: bool,
    pub(crate) keepalives_idle: Duration,
    pub(crate) keepalives_interval: Option<Duration>,
    pub(crate) keepalives_retries: Option<u32>,
    pub(crate) tcp_user_timeout: Option<Duration>,
}

/// Whether the connection is encrypted, and what of the server is verified; with libpq's names (PostgreSQL manual, 32.19.3).
///
/// Connections over a Unix socket are never encrypted, whatever this says. Without this crate's feature `tls`, `allow` and
/// `prefer` connect without encryption, and the stricter ones are refused when the driver is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SslMode {
    /// `disable`: no encryption.
    Disable,
    /// `allow`: encryption only where the server insists.
    Allow,
    /// `prefer`: encryption where the server has it, without a look at its certificate. Protects from listeners at best.
    #[default]
    Prefer,
    /// `require`: encryption, without a look at the certificate; with an `sslrootcert` it is `verify-ca`.
    Require,
    /// `verify-ca`: encryption, and a certificate that a trusted authority has signed, for whatever host.
    VerifyCa,
    /// `verify-full`: encryption, and a certificate that a trusted authority has signed for this host.
    VerifyFull,
}

impl SslMode {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "disable" => SslMode::Disable,
            "allow" => SslMode::Allow,
            "prefer" => SslMode::Prefer,
            "require" => SslMode::Require,
            "verify-ca" => SslMode::VerifyCa,
            "verify-full" => SslMode::VerifyFull,
            _ => return None,
        })
    }
}

/// Which kind of server to accept. Anything but `any` costs a round trip per connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TargetSession {
    /// `any`.
    #[default]
    Any,
    /// `read-write`: one that takes writes; no standby.
    ReadWrite,
    /// `read-only`: one that refuses writes, such as a standby.
    ReadOnly,
}

impl TargetSession {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "any" => TargetSession::Any,
            "read-write" => TargetSession::ReadWrite,
            "read-only" => TargetSession::ReadOnly,
            _ => return None,
        })
    }
}

impl Default for PostgresOptions {
    fn default() -> Self {
        PostgresOptions {
            host: "localhost".into(),
            port: 5432,
            user: None,
            password: None,
            database: None,
            ssl_mode: SslMode::default(),
            ssl_root_cert: None,
            ssl_client: None,
            application_name: "relata".into(),
            search_path: None,
            time_zone: Some("UTC".into()),
            statement_timeout: None,
            lock_timeout: None,
            options: None,
            target_session: TargetSession::default(),
            statement_cache: 100,
            connect_timeout: None,
            connect_attempts: 1,
            keepalives: true,
            keepalives_idle: Duration::from_secs(60),
            keepalives_interval: None,
            keepalives_retries: None,
            tcp_user_timeout: None,
        }
    }
}

impl PostgresOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The options of a URL.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorClass::Configuration) if the scheme is not `postgres` or `postgresql`, or an option is not
    /// known or makes no sense.
    pub fn from_url(mut url: DatabaseUrl) -> Result<Self> {
        if !matches!(url.scheme.as_str(), "postgres" | "postgresql") {
            let why = format!("a PostgreSQL URL begins with postgres: or postgresql:, not {}:", url.scheme);
            return Err(Error::new(ErrorClass::Configuration, why));
        }
        url.require_server()?;
        let mut o = PostgresOptions::new();
        o.user = url.user.take();
        o.password = url.password.take();
        o.database = Some(url.path.trim_start_matches('/').to_owned()).filter(|name| !name.is_empty());
        let (host, port) = (url.take("host"), url.take_number("port")?);
        o.host = url.host.take().or(host).unwrap_or(o.host);
        o.port = url.port.or(port).unwrap_or(o.port);
        let modes = "disable, allow, prefer, require, verify-ca or verify-full";
        o.ssl_mode = url.take_with("sslmode", modes, SslMode::parse)?.unwrap_or(o.ssl_mode);
        o.ssl_root_cert = url.take("sslrootcert").map(PathBuf::from);
        o.ssl_client = match (url.take("sslcert"), url.take("sslkey")) {
            (Some(cert), Some(key)) => Some((cert.into(), key.into())),
            (None, None) => None,
            _ => {
                let why = "a client certificate needs both sslcert and sslkey";
                return Err(Error::new(ErrorClass::Configuration, why));
            }
        };
        o.application_name = url.take("application_name").unwrap_or(o.application_name);
        o.search_path = url.take("search_path");
        if let Some(zone) = url.take("time_zone") {
            o.time_zone = Some(zone).filter(|zone| zone != "server");
        }
        o.statement_timeout = url.take_duration("statement_timeout")?;
        o.lock_timeout = url.take_duration("lock_timeout")?;
        o.options = url.take("options");
        let targets = "any, read-write or read-only";
        let target = url.take_with("target_session_attrs", targets, TargetSession::parse)?;
        o.target_session = target.unwrap_or(o.target_session);
        o.statement_cache = url.take_number("statement_cache")?.unwrap_or(o.statement_cache);
        o.connect_timeout = url.take_duration("connect_timeout")?.filter(|limit| !limit.is_zero());
        let attempts = |text: &str| text.parse().ok().filter(|attempts| *attempts > 0);
        o.connect_attempts =
            url.take_with("connect_attempts", "a number from 1 on", attempts)?.unwrap_or(o.connect_attempts);
        o.keepalives = url.take_bool("keepalives")?.unwrap_or(o.keepalives);
        o.keepalives_idle = url.take_duration("keepalives_idle")?.unwrap_or(o.keepalives_idle);
        o.keepalives_interval = url.take_duration("keepalives_interval")?;
        o.keepalives_retries = url.take_number("keepalives_retries")?;
        o.tcp_user_timeout = url.take_duration("tcp_user_timeout")?;
        url.finish()?;
        Ok(o)
    }

    /// The host: a name, an address, or the folder of a Unix socket, which begins with `/`.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// The port.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The user; by default the one that this process belongs to.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// The password.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(Secret::new(password));
        self
    }

    /// The database; by default the one that is named like the user.
    #[must_use]
    pub fn database(mut self, database: impl Into<String>) -> Self {
        self.database = Some(database.into());
        self
    }

    /// Whether the connection is encrypted, and what is verified.
    #[must_use]
    pub fn ssl_mode(mut self, mode: SslMode) -> Self {
        self.ssl_mode = mode;
        self
    }

    /// A file with the authorities that may sign the server's certificate, in PEM.
    #[must_use]
    pub fn ssl_root_cert(mut self, file: impl Into<PathBuf>) -> Self {
        self.ssl_root_cert = Some(file.into());
        self
    }

    /// Files with the client's certificate and its key, in PEM.
    #[must_use]
    pub fn ssl_client_cert(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.ssl_client = Some((certificate.into(), key.into()));
        self
    }

    /// What the server shows of us in `pg_stat_activity`.
    #[must_use]
    pub fn application_name(mut self, name: impl Into<String>) -> Self {
        self.application_name = name.into();
        self
    }

    /// Where tables without a schema are looked for: names with commas between them.
    #[must_use]
    pub fn search_path(mut self, path: impl Into<String>) -> Self {
        self.search_path = Some(path.into());
        self
    }

    /// The time zone of the session; `None` for the server's own. It decides what a timestamp looks like as text, not what
    /// it is.
    #[must_use]
    pub fn time_zone(mut self, zone: Option<String>) -> Self {
        self.time_zone = zone;
        self
    }

    /// After how long a statement fails with [`Timeout`](ErrorClass::Timeout).
    #[must_use]
    pub fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = Some(timeout);
        self
    }

    /// How long to wait for a lock before failing with [`LockTimeout`](ErrorClass::LockTimeout).
    #[must_use]
    pub fn lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = Some(timeout);
        self
    }

    /// More settings of the session, as the server's command line takes them: `-c geqo=off`.
    #[must_use]
    pub fn options(mut self, options: impl Into<String>) -> Self {
        self.options = Some(options.into());
        self
    }

    /// Which kind of server to accept.
    #[must_use]
    pub fn target_session(mut self, target: TargetSession) -> Self {
        self.target_session = target;
        self
    }

    /// How many prepared statements a connection keeps; 0 for none, as poolers in transaction mode need it.
    #[must_use]
    pub fn statement_cache(mut self, statements: usize) -> Self {
        self.statement_cache = statements;
        self
    }

    /// How long to wait for each address that the host has.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// How often to try before giving up on a server that does not answer; the pauses between grow from 100 ms on.
    #[must_use]
    pub fn connect_attempts(mut self, attempts: u32) -> Self {
        self.connect_attempts = attempts;
        self
    }

    /// Whether the system looks after a silent connection.
    #[must_use]
    pub fn keepalives(mut self, keepalives: bool) -> Self {
        self.keepalives = keepalives;
        self
    }

    /// After how long of silence the system looks whether the server is there.
    #[must_use]
    pub fn keepalives_idle(mut self, idle: Duration) -> Self {
        self.keepalives_idle = idle;
        self
    }

    /// How long the system waits between such looks.
    #[must_use]
    pub fn keepalives_interval(mut self, interval: Duration) -> Self {
        self.keepalives_interval = Some(interval);
        self
    }

    /// How many such looks may go without an answer.
    #[must_use]
    pub fn keepalives_retries(mut self, retries: u32) -> Self {
        self.keepalives_retries = Some(retries);
        self
    }

    /// How long sent data may go without an answer (Linux).
    #[must_use]
    pub fn tcp_user_timeout(mut self, timeout: Duration) -> Self {
        self.tcp_user_timeout = Some(timeout);
        self
    }

    /// Whether the server is reached through a Unix socket.
    pub(crate) fn is_local(&self) -> bool {
        self.host.starts_with('/')
    }

    /// The session's settings, which travel in the first message: no round trip of their own (55.2.1, "options").
    pub(crate) fn session_settings(&self) -> Option<String> {
        // 0 would be no limit.
        let at_least = |time: Duration| time.as_millis().max(u128::from(!time.is_zero()));
        let millis = |time: Option<Duration>| time.map(|time| at_least(time).to_string());
        let settings = [
            ("TimeZone", self.time_zone.clone()),
            ("search_path", self.search_path.clone()),
            ("statement_timeout", millis(self.statement_timeout)),
            ("lock_timeout", millis(self.lock_timeout)),
        ];
        let mut words: Vec<String> = settings
            .into_iter()
            .filter_map(|(name, value)| Some(format!("-c {name}={}", escaped(&value?))))
            .collect();
        words.extend(self.options.clone());
        (!words.is_empty()).then(|| words.join(" "))
    }
}

/// A value in the server's command line, where a backslash comes before a space that is part of it.
fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        if character.is_whitespace() || character == '\\' {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: &str) -> Result<PostgresOptions> {
        PostgresOptions::from_url(DatabaseUrl::parse(url)?)
    }

    #[test]
    fn a_url_with_everything() {
        let url = "postgresql://ann:p%40ss@[::1]:5433/shop?sslmode=verify-full&sslrootcert=/ca.crt&statement_cache=0\
                   &statement_timeout=30s&search_path=app, \"b c\"&options=-c geqo=off&connect_timeout=5s&keepalives=false";
        let o = options(url).unwrap();
        assert_eq!((o.host.as_str(), o.port, o.database.as_deref()), ("::1", 5433, Some("shop")));
        assert_eq!((o.ssl_mode, o.statement_cache, o.keepalives), (SslMode::VerifyFull, 0, false));
        let settings =
            r#"-c TimeZone=UTC -c search_path=app,\ "b\ c" -c statement_timeout=30000 -c geqo=off"#;
        assert_eq!(o.session_settings().as_deref(), Some(settings));
        assert!(!format!("{o:?}").contains("p@ss"));
    }

    #[test]
    fn a_socket() {
        let o = options("postgres:///shop?host=/run/postgresql&time_zone=server").unwrap();
        assert!(o.is_local());
        assert_eq!((o.database.as_deref(), o.session_settings()), (Some("shop"), None));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (url, words) in [
            ("mysql://h/d", "begins with postgres:"),
            ("postgres:shop", "write `//` behind the scheme: postgres://user:password@host/database"),
            ("postgres://h/d?sslmode=maybe", "verify-full"),
            ("postgres://h/d?sslcert=/c", "both sslcert and sslkey"),
            ("postgres://h/d?aplication_name=x", "known are application_name, connect_attempts"),
            ("postgres://h/d?statement_timeout=30", "a time such as"),
            ("postgres://h/d?connect_attempts=0", "a number from 1 on"),
        ] {
            let error = options(url).unwrap_err();
            assert_eq!(error.class(), ErrorClass::Configuration);
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
