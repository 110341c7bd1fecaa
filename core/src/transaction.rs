//! What a transaction promises.

/// How far a transaction is kept apart from others (SQL:2016 Foundation 4.41).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Isolation {
    /// `READ UNCOMMITTED`.
    ReadUncommitted,
    /// `READ COMMITTED`.
    ReadCommitted,
    /// `REPEATABLE READ`.
    RepeatableRead,
    /// `SERIALIZABLE`.
    Serializable,
}

impl Isolation {
    /// The standard's words.
    pub fn as_sql(self) -> &'static str {
        match self {
            Isolation::ReadUncommitted => "READ UNCOMMITTED",
            Isolation::ReadCommitted => "READ COMMITTED",
            Isolation::RepeatableRead => "REPEATABLE READ",
            Isolation::Serializable => "SERIALIZABLE",
        }
    }
}

/// What is left of a transaction after one of its statements has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AfterError {
    /// All but that statement: it goes on.
    Open,
    /// It refuses everything until it is rolled back, as a whole or to a savepoint made before.
    Aborted,
    /// Nothing: the database has rolled it back as a whole, savepoints and all.
    Ended,
}

/// How a transaction begins. The default is what the database does by itself.
///
/// ```
/// use relata_core::transaction::{Isolation, TransactionOptions};
///
/// let options = TransactionOptions::new().isolation(Isolation::Serializable).read_only();
/// assert!(options.read_only);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransactionOptions {
    /// The isolation level; `None` for the database's default.
    pub isolation: Option<Isolation>,
    /// Whether the transaction promises not to write.
    pub read_only: bool,
}

impl TransactionOptions {
    /// The database's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// At this isolation level.
    #[must_use]
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = Some(isolation);
        self
    }

    /// Promising not to write.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }
}
