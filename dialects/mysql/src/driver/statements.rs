//! The prepared statements that a connection keeps.

use lru::LruCache;
use mysql_async::Statement;
use relata_core::{render::Bind, value::Kind};

/// Prepared statements by their text, the one used longest ago leaving first.
///
/// mysql_async has such a cache, but reads through each text for named parameters before it looks there, and puts statements
/// that run once into it.
///
/// MySQL gives a parameter that has no other context, as in `SELECT ?`, the type of its first value, and makes those of later
/// executions fit that (MySQL 8.4 manual 15.5.1): text becomes 0, a large integer a float. So a statement is kept for the
/// types of the binds that it was first run with.
#[derive(Debug)]
pub(super) struct Statements {
    kept: Option<LruCache<Box<str>, Kept>>,
    /// How many there may be. The map does not know: it would take the room for all of them at once.
    capacity: usize,
}

#[derive(Debug)]
struct Kept {
    types: Box<[WireType]>,
    statement: Statement,
}

/// What MySQL takes a bind for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WireType {
    Signed,
    Unsigned,
    Float,
    Double,
    Text,
    Timestamp,
    Time,
}

impl WireType {
    fn of(bind: &Bind<'_>) -> Self {
        match bind.kind() {
            Kind::U64 => WireType::Unsigned,
            Kind::F32 => WireType::Float,
            Kind::F64 => WireType::Double,
            Kind::Date | Kind::Timestamp | Kind::TimestampTz => WireType::Timestamp,
            Kind::Time => WireType::Time,
            kind if kind.is_integer() || kind == Kind::Bool => WireType::Signed,
            _ => WireType::Text,
        }
    }
}

impl Statements {
    /// Keeps this many; 0 for none.
    pub(super) fn new(capacity: usize) -> Self {
        Statements { kept: (capacity > 0).then(LruCache::unbounded), capacity }
    }

    /// The statement of this text, if it is kept and was prepared for such binds.
    pub(super) fn get(&mut self, sql: &str, binds: &[Bind<'_>]) -> Option<Statement> {
        let kept = self.kept.as_mut()?.get(sql)?;
        let fits = kept.types.iter().copied().eq(binds.iter().map(WireType::of));
        fits.then(|| kept.statement.clone())
    }

    /// Keeps a statement, and gives back one to close: another that leaves for it, or itself.
    pub(super) fn keep(&mut self, sql: &str, binds: &[Bind<'_>], statement: Statement) -> Option<Statement> {
        match &mut self.kept {
            None => Some(statement),
            Some(kept) => {
                let types = binds.iter().map(WireType::of).collect();
                // A text that is replaced makes no more of them.
                let replaced = kept.push(sql.into(), Kept { types, statement });
                let left = if kept.len() > self.capacity { kept.pop_lru() } else { replaced };
                left.map(|(_, left)| left.statement)
            }
        }
    }

    /// Forgets the statement of this text: the server does not know it any more.
    pub(super) fn forget(&mut self, sql: &str) {
        if let Some(kept) = &mut self.kept {
            kept.pop(sql);
        }
    }
}
