//! The driver: opens connections with `rusqlite`.

mod bind;
mod connection;
mod cooperate;
mod execute;
mod open;
mod packed;
mod row;
mod thread;

use std::sync::{Arc, Mutex};

use relata_core::{
    Result,
    driver::{BoxFuture, Connection, Driver},
    url::DatabaseUrl,
};

use crate::{
    dialect::{BeginMode, Sqlite},
    options::{Access, SqliteOptions},
};
use connection::SqliteConnection;
use open::Place;

/// Opens connections to one SQLite database.
///
/// ```
/// use relata_core::{driver::Driver, url::DatabaseUrl};
/// use relata_sqlite::SqliteDriver;
///
/// let driver = SqliteDriver::from_url(DatabaseUrl::parse("sqlite::memory:?busy_timeout=1s")?)?;
/// # Ok::<(), relata_core::Error>(())
/// ```
#[derive(Debug)]
pub struct SqliteDriver {
    settings: Arc<Settings>,
    /// Keeps a database in memory alive while nobody uses it.
    _anchor: Option<Mutex<rusqlite::Connection>>,
}

/// What all connections of a driver share.
#[derive(Debug)]
struct Settings {
    options: SqliteOptions,
    place: Place,
    dialect: Arc<Sqlite>,
}

impl SqliteDriver {
    /// A driver with these options. A database in memory is made now, a file is opened by the first connection.
    ///
    /// # Errors
    ///
    /// [`Connect`](relata_core::ErrorClass::Connect) if there is no memory for a database.
    pub fn new(options: SqliteOptions) -> Result<Self> {
        let place = Place::of(&options.location);
        let anchor = match &place {
            Place::File(_) => None,
            Place::Memory(_) => Some(Mutex::new(place.open(options.access)?)),
        };
        // Nobody can write to it, so that nobody need wait.
        let begin = if options.access == Access::ReadOnly { BeginMode::Deferred } else { options.begin };
        let dialect = Arc::new(Sqlite::new().begin_mode(begin));
        Ok(SqliteDriver { settings: Arc::new(Settings { options, place, dialect }), _anchor: anchor })
    }

    /// A driver for a URL: `sqlite:app.db`, `sqlite:///var/app.db` or `sqlite::memory:`, with the options that
    /// [`SqliteOptions`] lists.
    ///
    /// # Errors
    ///
    /// As [`SqliteOptions::from_url`] and [`SqliteDriver::new`].
    pub fn from_url(url: DatabaseUrl) -> Result<Self> {
        SqliteDriver::new(SqliteOptions::from_url(url)?)
    }
}

impl Driver for SqliteDriver {
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Connection>>> {
        Box::pin(async move {
            let settings = self.settings.clone();
            let open = move || open::open(&settings);
            let link = match thread::wanted(self.settings.options.blocking) {
                Some(runtime) => thread::run(&runtime, open).await?,
                None => cooperate::give_way(open),
            }?;
            Ok(Box::new(SqliteConnection::new(link, self.settings.clone())) as Box<dyn Connection>)
        })
    }
}
