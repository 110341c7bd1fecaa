//! Engine, pool, connections and transactions of Relata.
//!
//! An [`Engine`] holds a dialect and a pool of connections. [`Fetch`] and [`Execute`] run statements on whatever is an
//! [`Executor`]: an engine, a [`Connection`], a [`Transaction`]. Users name the crate `relata`, which re-exports this one.

mod connection;
mod engine;
mod execute;
mod executor;
mod fetch;
mod insert;
mod lease;
mod link;
mod manager;
mod options;
mod read_back;
mod recorder;
mod retry;
mod shared_reads;
mod sink;
mod stream;
mod trace;
mod transaction;

pub use connection::Connection;
pub use engine::{Engine, Status};
pub use execute::Execute;
pub use executor::{Executor, RowChange};
pub use fetch::{Fetch, FetchSelect, Ran, fetch_all, no_row, too_many_rows};
pub use insert::insert_returning;
pub use options::{PoolOptions, PrePing};
pub use recorder::{Recorded, Recorder};
pub use retry::{Attempt, RetryOptions, Retrying};
pub use stream::RowStream;
pub use transaction::{Savepoint, Transaction};
