//! The pool on a real database: SQLite, by a small driver that can be told to be slow, to fail and to be lost.
#![allow(unreachable_pub, missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cancel;
mod fetch;
mod lifecycle;
mod recorder;
mod retry;
mod returning;
mod support;
mod transaction;
