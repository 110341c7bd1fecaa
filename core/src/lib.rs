//! The core of Relata: SQL as data.
//!
//! Expressions and statements are built as a tree with typed leaves, and compiled to SQL text with binds for a
//! [`Dialect`](dialect::Dialect). What runs them is behind the [`Driver`](driver::Driver) contract. There is no I/O here and
//! no async runtime. Users name the crate `relata`, which re-exports this one.

pub mod clause;
pub mod ddl;
pub mod dialect;
pub mod driver;
pub mod entity;
mod error;
pub mod expr;
pub mod projection;
pub mod relationship;
pub mod render;
pub mod schema;
pub mod statement;
pub mod transaction;
pub mod types;
pub mod url;
pub mod value;

pub use error::{Error, ErrorClass, Result};
pub use render::CompileError;
