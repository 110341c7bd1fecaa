//! The prepared statements that a connection keeps.

use std::num::NonZeroUsize;

use lru::LruCache;
use mysql_async::{Conn, Statement, prelude::Queryable};

/// Prepared statements by their text, the one used longest ago leaving first.
///
/// mysql_async has such a cache, but reads through each text for named parameters before it looks there, and puts statements
/// that run once into it.
#[derive(Debug)]
pub(super) struct Statements {
    kept: Option<LruCache<Box<str>, Statement>>,
}

impl Statements {
    /// Keeps this many; 0 for none.
    pub(super) fn new(capacity: usize) -> Self {
        Statements { kept: NonZeroUsize::new(capacity).map(LruCache::new) }
    }

    /// The statement of this text, if it is kept.
    pub(super) fn get(&mut self, sql: &str) -> Option<Statement> {
        self.kept.as_mut()?.get(sql).cloned()
    }

    /// Keeps a statement, and gives back one to close: another that leaves for it, or itself.
    pub(super) fn keep(&mut self, sql: &str, statement: Statement) -> Option<Statement> {
        match &mut self.kept {
            None => Some(statement),
            Some(kept) => kept.push(sql.into(), statement).map(|(_, old)| old),
        }
    }

    /// Forgets the statement of this text: the server does not know it any more.
    pub(super) fn forget(&mut self, sql: &str) {
        if let Some(kept) = &mut self.kept {
            kept.pop(sql);
        }
    }

    /// Whether statements are kept at all.
    pub(super) fn is_on(&self) -> bool {
        self.kept.is_some()
    }
}

/// Prepares a text.
pub(super) async fn prepare(conn: &mut Conn, sql: &str) -> mysql_async::Result<Statement> {
    conn.prep(sql).await
}
