//! Relata: a SQL toolkit and ORM.

mod connect;
mod key;
pub mod load;
pub mod prelude;
mod schema;
pub mod session;
mod unit_of_work;

pub use connect::EngineExt;
pub use relata_core::{
    CompileError, Error, ErrorClass, Result, clause, ddl, dialect, driver, entity, expr, projection,
    relationship, render, schema as table, statement, transaction, types, url, value,
};
pub use relata_macros::{Entity, Enum, Row, Shape, Type};
pub use relata_pool::{
    Attempt, Connection, Engine, Execute, Executor, Fetch, FetchSelect, PoolOptions, PrePing, Recorded,
    Recorder, RetryOptions, Retrying, RowStream, Status, Transaction,
};
pub use schema::Schema;
pub use session::{Handle, Ref, Session};
pub use unit_of_work::UnitOfWork;

#[cfg(feature = "mysql")]
pub use relata_mysql as mysql;
#[cfg(feature = "postgres")]
pub use relata_postgres as postgres;
#[cfg(feature = "sqlite")]
pub use relata_sqlite as sqlite;

/// What the derive macros name. Not for use by hand: it may change with any version.
#[doc(hidden)]
pub mod __private {
    pub use crate::{
        load::{Filling, Keys, Part, Shape},
        session::{Ref, RefInput},
    };
    pub use relata_core as core;
    pub use relata_core::driver::BoxFuture;
    pub use relata_pool::Executor;
}
