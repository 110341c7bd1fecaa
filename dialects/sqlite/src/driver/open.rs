//! Opens a connection and sets it up.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use relata_core::{Error, ErrorClass, Result};
use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::{Settings, cooperate, execute::Link};
use crate::{
    decimal,
    error::from_rusqlite,
    letters,
    options::{Access, JournalMode, Location},
};

/// Where a database is, as SQLite wants it named.
#[derive(Debug)]
pub(super) enum Place {
    File(PathBuf),
    /// A name that only this driver uses.
    Memory(String),
}

impl Place {
    pub(super) fn of(location: &Location) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        match location {
            // The bundled SQLite would read a file name that begins so as a URI.
            Location::File(path) if path.to_string_lossy().starts_with("file:") => {
                Place::File(Path::new(".").join(path))
            }
            Location::File(path) => Place::File(path.clone()),
            // The `memdb` file system shares a database whose name begins with a slash among the connections of a process, with
            // the locks of a file: who comes too early waits. A shared cache would fail at once (SQLite, "In-memory databases";
            // "SQLite shared-cache mode", 2.2).
            Location::Memory => {
                let number = COUNT.fetch_add(1, Ordering::Relaxed);
                Place::Memory(format!("file:/relata-{number}?vfs=memdb"))
            }
        }
    }

    /// Opens it, without setting anything up.
    pub(super) fn open(&self, access: Access) -> Result<Connection> {
        // No mutex: a connection is in one thread at a time.
        let create = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX
            | match access {
                Access::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
                Access::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE,
                Access::Create => create,
            };
        match self {
            Place::File(path) => Connection::open_with_flags(path, flags),
            Place::Memory(uri) => Connection::open_with_flags(
                uri,
                OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI | create,
            ),
        }
        .map_err(connect_error)
    }
}

/// Opens a connection and sets it up.
pub(super) fn open(settings: &Settings) -> Result<Link> {
    let options = &settings.options;
    let mut connection = settings.place.open(options.access)?;
    let _running = cooperate::begin(options.busy_timeout, None);
    set_up(&mut connection, settings).map_err(connect_error)?;
    Ok(Link::new(connection, options.statement_cache > 0, options.access == Access::ReadOnly))
}

fn set_up(connection: &mut Connection, settings: &Settings) -> rusqlite::Result<()> {
    let options = &settings.options;
    cooperate::install(connection)?;
    connection.set_prepared_statement_cache_capacity(options.statement_cache);
    decimal::install(connection)?;
    letters::install(connection)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, options.foreign_keys)?;
    // A misspelled column in double quotes is an error, not a text (SQLite, "Double-quoted string literals").
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    if options.case_sensitive_like {
        connection.pragma_update(None, "case_sensitive_like", true)?;
    }
    connection.pragma_update(None, "synchronous", options.synchronous.as_str())?;
    let in_file = matches!(settings.place, Place::File(_));
    if in_file && options.access != Access::ReadOnly {
        set_journal_mode(connection, options.journal_mode, options.busy_timeout)?;
    } else {
        // Reads the file, so that one that is no database is found out now.
        connection.query_row("PRAGMA schema_version", [], |_| Ok(()))?;
    }
    if in_file && options.access == Access::ReadOnly {
        // The flag alone would let a temporary table be written, and says so late.
        connection.pragma_update(None, "query_only", true)?;
    }
    Ok(())
}

/// Sets the journal mode if the file has another. Going to a write-ahead log needs the file for itself, and SQLite does not wait
/// for that (SQLite, "Write-ahead logging", 3): connections that are opened at the same moment take turns here.
fn set_journal_mode(connection: &Connection, mode: JournalMode, patience: Duration) -> rusqlite::Result<()> {
    let wanted = mode.as_str();
    let begun = Instant::now();
    loop {
        let outcome = current_journal_mode(connection).and_then(|current| {
            if current == wanted {
                return Ok(());
            }
            // Where the file cannot have this mode (a network disk without shared memory), SQLite keeps the old one.
            connection.pragma_update(None, "journal_mode", wanted)
        });
        match outcome {
            Err(error)
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
                    && begun.elapsed() < patience =>
            {
                cooperate::give_way(|| std::thread::sleep(Duration::from_millis(1)));
            }
            outcome => return outcome,
        }
    }
}

fn current_journal_mode(connection: &Connection) -> rusqlite::Result<String> {
    connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))
}

fn connect_error(error: rusqlite::Error) -> Error {
    let error = from_rusqlite(error);
    match error.class() {
        ErrorClass::LockTimeout | ErrorClass::ReadOnly => error,
        _ => error.reclassified(ErrorClass::Connect),
    }
    .context("opening the SQLite database")
}
