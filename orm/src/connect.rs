//! From a URL to an engine: which scheme is whose.

use std::sync::Arc;

use relata_core::{
    Error, ErrorClass, Result, driver::Driver, transaction::TransactionOptions, url::DatabaseUrl,
};
use relata_pool::{Engine, PoolOptions};

use crate::{session::Session, unit_of_work::UnitOfWork};

/// What an [`Engine`] can do besides running statements: be connected by a URL, open a session.
pub trait EngineExt: Sized {
    /// Connects by URL: `sqlite:app.db`, `sqlite::memory:`, `postgres://user:password@host/database`, `mysql://…`,
    /// `mariadb://…`. Which there are depends on the features of the crate.
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
        scheme => Err(unknown(scheme)),
    }
}

fn unknown(scheme: &str) -> Error {
    let feature = match scheme {
        "sqlite" => Some("sqlite"),
        "postgres" | "postgresql" => Some("postgres"),
        "mysql" | "mariadb" => Some("mysql"),
        _ => None,
    };
    Error::new(
        ErrorClass::Configuration,
        match feature {
            Some(feature) => {
                format!("the URL scheme {scheme:?} needs the feature `{feature}` of the crate relata")
            }
            None => format!(
                "unknown URL scheme {scheme:?}; known are sqlite, postgres, mysql and mariadb; another dialect's driver is handed to `Engine::open`"
            ),
        },
    )
}
