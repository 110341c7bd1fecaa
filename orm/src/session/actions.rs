//! What the database does by itself to rows that refer to others: ON DELETE and ON UPDATE.

use relata_core::schema::{ForeignKey, ReferentialAction, Table};
use relata_pool::RowChange;

/// What rows that refer to others may follow: that rows of a table are deleted or changed.
pub(super) struct Cause<'a> {
    pub(super) table: &'static Table,
    pub(super) change: RowChange,
    /// The columns that change, if they are known.
    pub(super) columns: Option<&'a [usize]>,
}

impl Cause<'_> {
    /// Whether the database may do something to rows of `table` by itself: by keys that do so, through tables between them whose keys
    /// cascade.
    pub(super) fn reaches(&self, table: &'static Table) -> bool {
        self.reaches_by(table, acts, &mut Vec::new())
    }

    /// Whether it may so through rows of tables between them, which need not be in memory.
    pub(super) fn reaches_through_others(&self, table: &'static Table) -> bool {
        let mut parents = self.keys(table, acts).map(|key| (key.table)());
        parents.any(|between| between != self.table && self.reaches_by(between, cascades, &mut Vec::new()))
    }

    fn reaches_by(
        &self,
        table: &'static Table,
        does: fn(ReferentialAction) -> bool,
        seen: &mut Vec<&'static Table>,
    ) -> bool {
        if seen.contains(&table) {
            return false;
        }
        seen.push(table);
        self.keys(table, does).any(|key| {
            let is_changed = |column| self.columns.is_none_or(|columns| columns.contains(column));
            let parent = (key.table)();
            let directly = parent == self.table && key.references.iter().any(is_changed);
            directly || self.reaches_by(parent, cascades, seen)
        })
    }

    /// The keys of a table that do something.
    fn keys(
        &self,
        table: &'static Table,
        does: fn(ReferentialAction) -> bool,
    ) -> impl Iterator<Item = &'static ForeignKey> {
        let change = self.change;
        let action = move |key: &ForeignKey| match change {
            RowChange::Update => key.on_update,
            RowChange::Delete => key.on_delete,
        };
        table.foreign_keys.iter().filter(move |key| does(action(key)))
    }
}

/// Whether the database does something to the rows that refer to one that changes.
pub(super) fn acts(action: ReferentialAction) -> bool {
    !matches!(action, ReferentialAction::NoAction | ReferentialAction::Restrict)
}

fn cascades(action: ReferentialAction) -> bool {
    action == ReferentialAction::Cascade
}
