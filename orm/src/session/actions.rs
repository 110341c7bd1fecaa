//! What the database does by itself to rows that refer to others: ON DELETE and ON UPDATE.

use relata_core::schema::{ForeignKey, ReferentialAction, Table};
use relata_pool::RowChange;

/// Whether the database may do something to rows of `table` by itself when it changes or deletes rows of `target`: by keys that do
/// so, through tables between them whose keys cascade.
pub(super) fn follows(
    table: &'static Table,
    target: &'static Table,
    change: RowChange,
    does: fn(ReferentialAction) -> bool,
    seen: &mut Vec<&'static Table>,
) -> bool {
    if seen.contains(&table) {
        return false;
    }
    seen.push(table);
    parents(table, change, does)
        .any(|parent| parent == target || follows(parent, target, change, cascades, seen))
}

/// The tables that those keys refer to which do something.
pub(super) fn parents(
    table: &'static Table,
    change: RowChange,
    does: fn(ReferentialAction) -> bool,
) -> impl Iterator<Item = &'static Table> {
    let action = move |key: &ForeignKey| match change {
        RowChange::Update => key.on_update,
        RowChange::Delete => key.on_delete,
    };
    table.foreign_keys.iter().filter(move |key| does(action(key))).map(|key| (key.table)())
}

/// Whether the database does something to the rows that refer to one that changes.
pub(super) fn acts(action: ReferentialAction) -> bool {
    !matches!(action, ReferentialAction::NoAction | ReferentialAction::Restrict)
}

pub(super) fn cascades(action: ReferentialAction) -> bool {
    action == ReferentialAction::Cascade
}
