//! Rows of a session that refer to others, found once for many of those that change.

use std::collections::HashMap;

use super::any_store::AnyStore;
use crate::key::Key;

/// By store and columns: the rows that hold a key there, as the database has them, with their generations.
#[derive(Default)]
pub(super) struct Referrers(HashMap<(usize, &'static [usize]), HashMap<Key, Vec<(u32, u32)>>>);

impl Referrers {
    /// Takes out the rows that hold a key.
    pub(super) fn take(
        &mut self,
        (number, store): (usize, &dyn AnyStore),
        columns: &'static [usize],
        key: &Key,
    ) -> Vec<(u32, u32)> {
        let known = self.0.entry((number, columns)).or_insert_with(|| {
            let mut known: HashMap<Key, Vec<(u32, u32)>> = HashMap::new();
            for (key, row) in store.keys_in(columns) {
                known.entry(key).or_default().push(row);
            }
            known
        });
        known.remove(key).unwrap_or_default()
    }

    /// Puts rows that were taken out back under the key that they hold now, if they hold any. Whatever else is known of their store is
    /// forgotten: the columns may have some in common.
    pub(super) fn put(
        &mut self,
        number: usize,
        columns: &'static [usize],
        key: Option<Key>,
        rows: Vec<(u32, u32)>,
    ) {
        self.0.retain(|(store, known), _| *store != number || *known == columns);
        if let Some(key) = key {
            self.0.entry((number, columns)).or_default().entry(key).or_default().extend(rows);
        }
    }

    /// Forgets what rows of a store hold, where such columns have changed.
    pub(super) fn forget(&mut self, number: usize, changed: impl Fn(&usize) -> bool) {
        self.0.retain(|(store, columns), _| *store != number || !columns.iter().any(&changed));
    }
}
