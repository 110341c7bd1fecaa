//! `LIMIT` and `OFFSET`, which the standard spells FETCH FIRST (SQL:2016 Foundation 7.17) and no two databases alike.

use crate::render::{Compile, Renderer};

/// How many rows, and how many are left out before them.
///
/// The numbers are written as digits, not bound: SQLite prepares a statement anew when a bound LIMIT changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Limit {
    /// How many rows at most.
    pub limit: Option<u64>,
    /// How many rows to leave out first.
    pub offset: Option<u64>,
}

impl Limit {
    /// So many rows, or as many as its own limit, if that is lower.
    pub fn at_most(&self, rows: u64) -> u64 {
        self.limit.map_or(rows, |limit| limit.min(rows))
    }

    /// The same in numbers that a database can count: no table has more rows, and larger ones are refused.
    #[must_use]
    pub fn countable(&self) -> Limit {
        let countable = |rows: u64| rows.min(i64::MAX as u64);
        Limit { limit: self.limit.map(countable), offset: self.offset.map(countable) }
    }

    pub(super) fn render(&self, out: &mut Renderer<'_>) -> Compile {
        let Limit { limit, offset } = self.countable();
        if let Some(limit) = limit {
            out.sql(" LIMIT ").number(limit);
        }
        if let Some(offset) = offset {
            out.sql(" OFFSET ").number(offset);
        }
        Ok(())
    }
}
