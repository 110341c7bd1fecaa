//! What the tests of Relata share: databases to run on, and mapped types.
//!
//! A test is written once, with [`on_every_database!`], and runs on SQLite and on each server whose URL `tests/run` gives.

pub mod blog;
pub mod book;
mod database;
mod dice;
mod dropped;
mod line;
mod wire;

pub use database::{Database, Server, with_database};
pub use dice::Dice;
pub use dropped::{at_rest, polled};
pub use line::Line;
pub use wire::Wire;

/// Runs each test on every database: `on_every_database! { async fn name(db: Database) { … } }`.
#[macro_export]
macro_rules! on_every_database {
    ($($(#[$attribute:meta])* async fn $name:ident($db:ident: Database) $body:block)*) => {
        $(
            $(#[$attribute])*
            mod $name {
                #[allow(unused_imports)]
                use super::*;

                async fn run($db: $crate::Database) $body

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn sqlite() {
                    $crate::with_database($crate::Server::Sqlite, run).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn postgres() {
                    $crate::with_database($crate::Server::Postgres, run).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn mariadb() {
                    $crate::with_database($crate::Server::MariaDb, run).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn mysql() {
                    $crate::with_database($crate::Server::MySql, run).await;
                }
            }
        )*
    };
}
