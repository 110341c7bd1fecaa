//! What can be set about an engine.

use std::{num::NonZeroUsize, thread::available_parallelism, time::Duration};

use relata_core::{
    Result,
    url::{DatabaseUrl, parse_duration},
};

/// What can be set about an engine and its pool.
///
/// ```
/// use std::time::Duration;
/// use relata_pool::{PoolOptions, PrePing};
///
/// let options = PoolOptions::new()
///     .pool_size(8)
///     .wait_timeout(Duration::from_secs(5))
///     .statement_timeout(Duration::from_secs(20))
///     .pre_ping(PrePing::Always);
/// ```
#[derive(Debug, Clone)]
pub struct PoolOptions {
    pub(crate) pool_size: usize,
    pub(crate) wait_timeout: Duration,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) close_timeout: Duration,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) max_lifetime: Option<Duration>,
    pub(crate) pre_ping: PrePing,
    pub(crate) statement_timeout: Option<Duration>,
    pub(crate) slow_statement: Option<Duration>,
    pub(crate) log_parameters: bool,
    pub(crate) read_connections: Option<NonZeroUsize>,
}

/// When an idle connection is asked for a sign of life before it is used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrePing {
    /// Each time: a round trip for each use.
    Always,
    /// When it has been idle for this long. One minute is the default.
    AfterIdle(Duration),
    /// Not even then. A connection that was lost meanwhile fails on its first statement.
    Never,
}

impl Default for PoolOptions {
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        PoolOptions {
            pool_size: (4 * cores).clamp(4, 32),
            wait_timeout: Duration::from_secs(30),
            connect_timeout: Some(Duration::from_secs(10)),
            close_timeout: Duration::from_secs(30),
            idle_timeout: Some(Duration::from_secs(10 * 60)),
            max_lifetime: Some(Duration::from_secs(30 * 60)),
            pre_ping: PrePing::AfterIdle(Duration::from_secs(60)),
            statement_timeout: None,
            slow_statement: Some(Duration::from_secs(1)),
            log_parameters: false,
            read_connections: None,
        }
    }
}

impl PoolOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the options of the pool out of a URL: `pool_size`, `wait_timeout`, `connect_timeout`, `close_timeout`,
    /// `idle_timeout`, `max_lifetime`, `pre_ping` (`always`, `never`, or a time of idleness such as `30s`),
    /// `statement_timeout`, `slow_statement`, `log_parameters` and `read_connections`.
    ///
    /// Times are written with their unit: `250ms`, `30s`, `5m`, `1h`. For `connect_timeout`, `idle_timeout`,
    /// `max_lifetime`, `statement_timeout` and `slow_statement`, `0s` means no limit.
    ///
    /// ```
    /// use relata_core::url::DatabaseUrl;
    /// use relata_pool::PoolOptions;
    ///
    /// let mut url = DatabaseUrl::parse("postgres://localhost/shop?pool_size=8&wait_timeout=5s")?;
    /// let options = PoolOptions::take_from(&mut url)?;
    /// url.finish()?; // nothing is left
    /// # Ok::<(), relata_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Configuration`](relata_core::ErrorClass::Configuration) if one of them cannot be read.
    pub fn take_from(url: &mut DatabaseUrl) -> Result<Self> {
        let mut options = Self::default();
        let connections =
            |text: &str, least| text.parse().ok().filter(|size| (least..=MAX_SIZE).contains(size));
        let expected = |least| format!("a number of connections from {least} to {MAX_SIZE}");
        if let Some(size) = url.take_with("pool_size", &expected(1), |text| connections(text, 1))? {
            options.pool_size = size;
        }
        if let Some(limit) = url.take_with("read_connections", &expected(0), |text| connections(text, 0))? {
            options = options.read_connections(limit);
        }
        for (name, place) in
            [("wait_timeout", &mut options.wait_timeout), ("close_timeout", &mut options.close_timeout)]
        {
            if let Some(time) = url.take_duration(name)? {
                *place = time;
            }
        }
        for (name, place) in [
            ("connect_timeout", &mut options.connect_timeout),
            ("idle_timeout", &mut options.idle_timeout),
            ("max_lifetime", &mut options.max_lifetime),
            ("statement_timeout", &mut options.statement_timeout),
            ("slow_statement", &mut options.slow_statement),
        ] {
            if let Some(time) = url.take_duration(name)? {
                *place = Some(time).filter(|time| !time.is_zero());
            }
        }
        let ping = url.take_with("pre_ping", "always, never or a time such as 30s", |text| match text {
            "always" => Some(PrePing::Always),
            "never" => Some(PrePing::Never),
            time => parse_duration(time).map(PrePing::AfterIdle),
        })?;
        options.pre_ping = ping.unwrap_or(options.pre_ping);
        if let Some(log) = url.take_bool("log_parameters")? {
            options.log_parameters = log;
        }
        Ok(options)
    }

    /// How many connections there are at most. The default is four for each core, and not less than 4 nor more than 32.
    #[must_use]
    pub fn pool_size(mut self, connections: usize) -> Self {
        self.pool_size = connections.clamp(1, MAX_SIZE);
        self
    }

    /// How long to wait for a connection when all are in use; then
    /// [`PoolTimeout`](relata_core::ErrorClass::PoolTimeout). The default is 30 seconds.
    #[must_use]
    pub fn wait_timeout(mut self, time: Duration) -> Self {
        self.wait_timeout = time;
        self
    }

    /// How long it may take to open a connection, or `None` for no limit; then [`Connect`](relata_core::ErrorClass::Connect). The default
    /// is 10 seconds. Pings and the cleaning of connections have the same limit.
    #[must_use]
    pub fn connect_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.connect_timeout = time.into();
        self
    }

    /// How long [`Engine::close`](crate::Engine::close) waits for connections in use. The default is 30 seconds.
    #[must_use]
    pub fn close_timeout(mut self, time: Duration) -> Self {
        self.close_timeout = time;
        self
    }

    /// How long a connection may be idle before it is closed; `None` for no limit. The default is 10 minutes. Those that nobody takes
    /// are closed by a task of the runtime that the engine was opened in, as long as that goes on.
    #[must_use]
    pub fn idle_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.idle_timeout = time.into();
        self
    }

    /// How old a connection may grow before it is closed when it comes to rest; `None` for no limit. The default is 30
    /// minutes, less up to a tenth by chance, so that connections do not all end at once.
    #[must_use]
    pub fn max_lifetime(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.max_lifetime = time.into();
        self
    }

    /// When an idle connection is asked for a sign of life. The default is after a minute of idleness.
    #[must_use]
    pub fn pre_ping(mut self, when: PrePing) -> Self {
        self.pre_ping = when;
        self
    }

    /// How long the statements of one trip to the database may take; `None` for no limit, which is the default. Then
    /// [`Timeout`](relata_core::ErrorClass::Timeout), and the connection is closed. For a call that makes several trips it begins anew
    /// with each.
    ///
    /// It does not hold for a [stream](crate::Fetch::stream), which takes as long as its reader does. It is the client that
    /// watches; a server's own limit, where there is one, ends the statement more gently.
    #[must_use]
    pub fn statement_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.statement_timeout = time.into();
        self
    }

    /// From what duration on a statement is slow, which is logged as a warning; `None` for never. The default is 1 second.
    #[must_use]
    pub fn slow_statement(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.slow_statement = time.into();
        self
    }

    /// Whether the values of bind parameters are logged, too. By default they are not, since they may be secrets.
    #[must_use]
    pub fn log_parameters(mut self, log: bool) -> Self {
        self.log_parameters = log;
        self
    }

    /// Over how many of the connections the reads outside of transactions go side by side; 0, the default, for none. There cannot be more
    /// of them than the [pool has](PoolOptions::pool_size).
    ///
    /// Each `SELECT` on the engine is then sent at once, behind those that are not answered yet, so that a few connections serve
    /// many short reads: server and client wake less often. While there are fewer reads than that each has a connection of its own.
    /// Statements in transactions, streams, writes and SQL that does not begin with `SELECT` are not touched.
    ///
    /// A read waits for those before it, so this is for engines whose reads are short, or that have a `statement_timeout`; for that and
    /// for `slow_statement` the waiting counts. A read that is given up, by its future or after the time-out, is not cancelled on
    /// the server before the others over its connection are over; the connection is then cleaned, and not closed. Reads must not leave
    /// anything with the connection, such as an advisory lock.
    ///
    /// Only where the database takes a statement before it has answered the last one, as PostgreSQL does: elsewhere
    /// [`Engine::open`](crate::Engine::open) says that it cannot be.
    #[must_use]
    pub fn read_connections(mut self, connections: usize) -> Self {
        self.read_connections = NonZeroUsize::new(connections);
        self
    }
}

/// More than any server takes; tokio's semaphore has a limit of its own far above.
const MAX_SIZE: usize = 100_000;
