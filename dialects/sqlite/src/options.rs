//! How a database is opened: by URL, or by a builder.

use std::{path::PathBuf, time::Duration};

use relata_core::{Error, ErrorClass, Result, url::DatabaseUrl};

use crate::dialect::BeginMode;

/// Which database, and how it is opened. Every default is what one would set anyway.
///
/// | URL option | values | default |
/// |---|---|---|
/// | `mode` | `ro`, `rw`, `rwc` (creates the file) | `rwc` |
/// | `journal_mode` | `wal`, `delete`, `truncate`, `persist`, `memory`, `off` | `wal` |
/// | `synchronous` | `off`, `normal`, `full`, `extra` | `normal` |
/// | `foreign_keys` | `true`, `false` | `true` |
/// | `busy_timeout` | a time, such as `5s` | `5s` |
/// | `case_sensitive_like` | `true`, `false` | `true` |
/// | `begin` | `immediate`, `deferred` | `immediate` |
/// | `statement_cache` | how many prepared statements a connection keeps; `0` keeps none | `100` |
/// | `blocking` | `auto`, `inline`, `thread` | `auto` |
///
/// ```
/// use relata_sqlite::{SqliteDriver, SqliteOptions};
/// use std::time::Duration;
///
/// let options = SqliteOptions::memory().busy_timeout(Duration::from_secs(1));
/// let driver = SqliteDriver::new(options)?;
/// # Ok::<(), relata_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    pub(crate) location: Location,
    pub(crate) access: Access,
    pub(crate) journal_mode: JournalMode,
    pub(crate) synchronous: Synchronous,
    pub(crate) foreign_keys: bool,
    pub(crate) busy_timeout: Duration,
    pub(crate) case_sensitive_like: bool,
    pub(crate) begin: BeginMode,
    pub(crate) statement_cache: usize,
    pub(crate) blocking: Blocking,
}

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    File(PathBuf),
    Memory,
}

/// Gives an enum its words in a URL.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// The word for it in a URL.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }
        }

        impl Word for $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, $name::$variant),)*];
        }
    };
}

words! {
    /// What may be done to the file (SQLite, "sqlite3_open_v2").
    Access {
        /// It is only read.
        ReadOnly = "ro",
        /// It is read and written, and has to be there.
        ReadWrite = "rw",
        /// It is read and written, and made if it is not there.
        Create = "rwc",
    }
}

words! {
    /// How a transaction survives a crash (SQLite, "PRAGMA journal_mode").
    JournalMode {
        /// A write-ahead log: readers and a writer do not wait for each other.
        Wal = "wal",
        /// A rollback journal that is deleted at the end of each transaction.
        Delete = "delete",
        /// A rollback journal that is cut to nothing.
        Truncate = "truncate",
        /// A rollback journal whose head is overwritten.
        Persist = "persist",
        /// A rollback journal in memory: a crash in the middle of a transaction destroys the database.
        Memory = "memory",
        /// No journal: there is no ROLLBACK, and a crash destroys the database.
        Off = "off",
    }
}

words! {
    /// How often the disk is told to write what it was given (SQLite, "PRAGMA synchronous").
    Synchronous {
        /// Never: a power failure may destroy the database.
        Off = "off",
        /// At critical moments: with a write-ahead log a power failure may lose the last transactions, but destroys nothing.
        Normal = "normal",
        /// At every commit.
        Full = "full",
        /// At every commit, and the folder as well.
        Extra = "extra",
    }
}

words! {
    /// Where statements run. SQLite has no server to wait for: whoever runs a statement works for it.
    Blocking {
        /// On a multi-threaded runtime in the task that awaits, which makes room for others on its thread when a statement takes
        /// long, waits for a lock or may write to the disk; on a current-thread runtime, on a thread of their own.
        Auto = "auto",
        /// In the task that awaits. As `Auto` on a multi-threaded runtime; on a current-thread runtime it holds up all other tasks,
        /// for programs in which nobody else waits.
        Inline = "inline",
        /// On a thread of their own: some 20 µs more a call. A statement whose future is dropped is then stopped at once.
        Thread = "thread",
    }
}

impl SqliteOptions {
    /// The database in a file, with the defaults.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        SqliteOptions::at(Location::File(path.into()))
    }

    /// A database in memory, with the defaults. All connections of one driver see the same database; it goes with the driver.
    ///
    /// It has no write-ahead log: who reads waits for a transaction that has written, and the other way round. It holds up to
    /// 1 GiB (SQLite, "SQLITE_MEMDB_DEFAULT_MAXSIZE").
    pub fn memory() -> Self {
        SqliteOptions::at(Location::Memory)
    }

    fn at(location: Location) -> Self {
        SqliteOptions {
            location,
            access: Access::Create,
            journal_mode: JournalMode::Wal,
            synchronous: Synchronous::Normal,
            foreign_keys: true,
            busy_timeout: Duration::from_secs(5),
            case_sensitive_like: true,
            begin: BeginMode::Immediate,
            statement_cache: 100,
            blocking: Blocking::Auto,
        }
    }

    /// Reads `sqlite:app.db`, `sqlite:///var/app.db` or `sqlite::memory:`, with options as in the table above.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorClass::Configuration) if the URL names no file, names a host or user, or has an option that is
    /// unknown or makes no sense.
    pub fn from_url(mut url: DatabaseUrl) -> Result<Self> {
        if url.scheme != "sqlite" {
            return Err(configuration(format!("the scheme of a SQLite URL is sqlite, not {}", url.scheme)));
        }
        if url.host.is_some() || url.user.is_some() || url.password.is_some() || url.port.is_some() {
            return Err(configuration(
                "a SQLite URL names no host: write sqlite:folder/app.db, or sqlite:///folder/app.db with the path from the root",
            ));
        }
        let mut options = match url.path.as_str() {
            ":memory:" => SqliteOptions::memory(),
            "" => {
                return Err(configuration(
                    "the SQLite URL names no file: write sqlite:app.db, or sqlite::memory:",
                ));
            }
            path => SqliteOptions::file(path),
        };
        options.access = word(&mut url, "mode")?.unwrap_or(options.access);
        options.journal_mode = word(&mut url, "journal_mode")?.unwrap_or(options.journal_mode);
        options.synchronous = word(&mut url, "synchronous")?.unwrap_or(options.synchronous);
        options.foreign_keys = url.take_bool("foreign_keys")?.unwrap_or(options.foreign_keys);
        options.busy_timeout = url.take_duration("busy_timeout")?.unwrap_or(options.busy_timeout);
        options.case_sensitive_like =
            url.take_bool("case_sensitive_like")?.unwrap_or(options.case_sensitive_like);
        options.begin = url
            .take_with("begin", "immediate or deferred", |text| match text {
                "immediate" => Some(BeginMode::Immediate),
                "deferred" => Some(BeginMode::Deferred),
                _ => None,
            })?
            .unwrap_or(options.begin);
        options.statement_cache = url.take_number("statement_cache")?.unwrap_or(options.statement_cache);
        options.blocking = word(&mut url, "blocking")?.unwrap_or(options.blocking);
        url.finish()?;
        Ok(options)
    }

    /// What may be done to the file.
    #[must_use]
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// How a transaction survives a crash: `PRAGMA journal_mode`. A database in memory has none.
    #[must_use]
    pub fn journal_mode(mut self, mode: JournalMode) -> Self {
        self.journal_mode = mode;
        self
    }

    /// How often the disk is told to write: `PRAGMA synchronous`.
    #[must_use]
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// Whether foreign keys are checked: `PRAGMA foreign_keys`.
    #[must_use]
    pub fn foreign_keys(mut self, check: bool) -> Self {
        self.foreign_keys = check;
        self
    }

    /// How long a statement waits for a lock before it fails with [`LockTimeout`](ErrorClass::LockTimeout).
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Whether LIKE tells `a` from `A`, as it does on the other databases: `PRAGMA case_sensitive_like`.
    #[must_use]
    pub fn case_sensitive_like(mut self, sensitive: bool) -> Self {
        self.case_sensitive_like = sensitive;
        self
    }

    /// How a transaction begins that does not promise to only read.
    #[must_use]
    pub fn begin(mut self, mode: BeginMode) -> Self {
        self.begin = mode;
        self
    }

    /// How many prepared statements a connection keeps; 0 keeps none.
    #[must_use]
    pub fn statement_cache(mut self, statements: usize) -> Self {
        self.statement_cache = statements;
        self
    }

    /// Where statements run.
    #[must_use]
    pub fn blocking(mut self, blocking: Blocking) -> Self {
        self.blocking = blocking;
        self
    }
}

/// What a word in a URL says.
trait Word: Copy + 'static {
    const WORDS: &'static [(&'static str, Self)];
}

fn word<T: Word>(url: &mut DatabaseUrl, name: &'static str) -> Result<Option<T>> {
    let words: Vec<&str> = T::WORDS.iter().map(|(word, _)| *word).collect();
    let meant = |text: &str| T::WORDS.iter().find(|(word, _)| *word == text).map(|(_, meant)| *meant);
    url.take_with(name, &format!("one of {}", words.join(", ")), meant)
}

fn configuration(why: impl Into<String>) -> Error {
    Error::new(ErrorClass::Configuration, why.into())
}
