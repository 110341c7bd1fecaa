//! From a URL to an engine: which scheme is whose.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use relata_core::{
    Error, ErrorClass, Result,
    driver::Driver,
    transaction::TransactionOptions,
    url::{DatabaseUrl, is_scheme},
};
use relata_pool::{Engine, PoolOptions};

use crate::{session::Session, unit_of_work::UnitOfWork};

/// Makes a driver of a URL: a plug-in's, by [`EngineExt::register`].
pub type OpenDriver = fn(DatabaseUrl) -> Result<Arc<dyn Driver>>;

/// The schemes of plug-ins.
static PLUGINS: RwLock<BTreeMap<String, OpenDriver>> = RwLock::new(BTreeMap::new());

/// What an [`Engine`] can do besides running statements: be connected by a URL, open a session.
pub trait EngineExt: Sized {
    /// Connects by URL: `sqlite:app.db`, `sqlite::memory:`, `postgres://user:password@host/database`, `mysql://…`,
    /// `mariadb://…`, or by the scheme of a plug-in that was [registered](EngineExt::register). Which there are depends on the features
    /// of the crate.
    ///
    /// One connection is made at once, so that what is wrong with it is known now. The guide lists the options that a URL
    /// may have.
    ///
    /// ```no_run
    /// # #[cfg(feature = "sqlite")]
    /// # async fn example() -> relata::Result<()> {
    /// use relata::prelude::*;
    ///
    /// let db = Engine::connect("sqlite:app.db?pool_size=4").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorClass::Configuration) if the URL makes no sense, its scheme is unknown or an option is; the
    /// errors of connecting: [`Connect`](ErrorClass::Connect), [`Authentication`](ErrorClass::Authentication),
    /// [`Tls`](ErrorClass::Tls).
    fn connect(url: &str) -> impl Future<Output = Result<Self>> + Send;

    /// Makes the driver of a third party known by its URL scheme, in the whole program: once, before
    /// [`connect`](EngineExt::connect). Registered again, the later one holds.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// # fn example() -> relata::Result<()> {
    /// use std::sync::Arc;
    ///
    /// use relata::{prelude::*, sqlite::SqliteDriver};
    ///
    /// // A plug-in gives such a function, for its own driver.
    /// Engine::register("notes", |mut url| {
    ///     url.scheme = "sqlite".into();
    ///     Ok(Arc::new(SqliteDriver::from_url(url)?))
    /// })?;
    /// // From now on: Engine::connect("notes:work.db").await?
    /// # Ok(())
    /// # }
    /// # #[cfg(feature = "sqlite")]
    /// # example().unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorClass::Configuration) if it is no scheme (RFC 3986, 3.1), or one of Relata's own.
    fn register(scheme: &str, open: OpenDriver) -> Result<()>;

    /// Opens a session: an identity map and unit of work of its own. Nothing is sent until it is needed.
    fn session(&self) -> Session;

    /// Opens a session whose transaction has these options.
    fn session_with(&self, options: TransactionOptions) -> Session;

    /// Runs a unit of work that is tried again, with a fresh session, when the database could not serialise it with others or
    /// it was the victim of a deadlock.
    ///
    /// ```no_run
    /// # #[cfg(feature = "sqlite")]
    /// # async fn example(db: &relata::Engine) -> relata::Result<()> {
    /// use relata::prelude::*;
    ///
    /// let answer = db.unit_of_work().run(|mut session: Session| async move {
    ///     // read, change, …
    ///     session.commit().await?;
    ///     Ok(42)
    /// }).await?;
    /// # Ok(())
    /// # }
    /// ```
    fn unit_of_work(&self) -> UnitOfWork<'_>;
}

impl EngineExt for Engine {
    async fn connect(url: &str) -> Result<Engine> {
        let mut url = DatabaseUrl::parse(url)?;
        let options = PoolOptions::take_from(&mut url)?;
        Engine::open(driver(url)?, options).await
    }

    fn register(scheme: &str, open: OpenDriver) -> Result<()> {
        let refused = |why: &str| {
            Error::new(
                ErrorClass::Configuration,
                format!("the URL scheme {scheme:?} cannot be registered: {why}"),
            )
        };
        if !is_scheme(scheme) {
            return Err(refused("a letter, then letters, digits, `+`, `-`, `.` and `_` make a scheme"));
        }
        let scheme = scheme.to_ascii_lowercase();
        if feature(&scheme).is_some() {
            return Err(refused("it is one of Relata's own"));
        }
        PLUGINS.write().unwrap_or_else(PoisonError::into_inner).insert(scheme, open);
        Ok(())
    }

    fn session(&self) -> Session {
        Session::new(self)
    }

    fn session_with(&self, options: TransactionOptions) -> Session {
        Session::with(self, options)
    }

    fn unit_of_work(&self) -> UnitOfWork<'_> {
        UnitOfWork::new(self)
    }
}

/// The driver that a scheme names.
fn driver(url: DatabaseUrl) -> Result<Arc<dyn Driver>> {
    match url.scheme.as_str() {
        #[cfg(feature = "sqlite")]
        "sqlite" => Ok(Arc::new(relata_sqlite::SqliteDriver::from_url(url)?)),
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => Ok(Arc::new(relata_postgres::PostgresDriver::from_url(url)?)),
        #[cfg(feature = "mysql")]
        "mysql" | "mariadb" => Ok(Arc::new(relata_mysql::MysqlDriver::from_url(url)?)),
        scheme => {
            let plugin = PLUGINS.read().unwrap_or_else(PoisonError::into_inner).get(scheme).copied();
            plugin.ok_or_else(|| unknown(scheme))?(url)
        }
    }
}

/// The feature of the crate that a scheme of Relata's own needs.
fn feature(scheme: &str) -> Option<&'static str> {
    match scheme {
        "sqlite" => Some("sqlite"),
        "postgres" | "postgresql" => Some("postgres"),
        "mysql" | "mariadb" => Some("mysql"),
        _ => None,
    }
}

fn unknown(scheme: &str) -> Error {
    let why = match feature(scheme) {
        Some(feature) => {
            format!("the URL scheme {scheme:?} needs the feature `{feature}` of the crate relata")
        }
        None => {
            let plugins = PLUGINS.read().unwrap_or_else(PoisonError::into_inner);
            let mut known = vec!["sqlite", "postgres", "mysql", "mariadb"];
            known.extend(plugins.keys().map(String::as_str));
            format!(
                "unknown URL scheme {scheme:?}; known are {}; another dialect's is made known by `Engine::register`",
                known.join(", ")
            )
        }
    };
    Error::new(ErrorClass::Configuration, why)
}
