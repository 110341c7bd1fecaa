//! Why one operation waits for another: foreign keys and unique values.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use relata_core::{
    entity::Input,
    schema::{ForeignKey, Table},
    value::Value,
};

use super::{
    super::{
        At, Session,
        actions::acts,
        keys::{given, link_inputs, unique_columns},
        relate::Link,
    },
    Graph, Operation, Place,
};
use crate::key::Key;

/// What holds the key of a pending row waits for it; links wait for both ends, and deletes for links.
pub(super) fn pending_keys(graph: &mut Graph) {
    let waiting: Vec<(usize, Vec<At>)> = graph
        .operations
        .iter()
        .enumerate()
        .map(|(op, operation)| (op, operation.waits_for()))
        .filter(|(_, ats)| !ats.is_empty())
        .collect();
    if waiting.is_empty() {
        return;
    }
    let mut deletes = HashMap::new();
    for (op, operation) in graph.operations.iter().enumerate() {
        match operation {
            Operation::Insert { at, .. } => graph.inserts.insert(*at, op),
            Operation::Delete { at } => deletes.insert(*at, op),
            Operation::Update { .. } | Operation::Link(_) => None,
        };
    }
    for (op, ats) in waiting {
        for at in ats {
            if let Some(insert) = graph.inserts.get(&at).copied() {
                graph.edge(insert, op);
            }
            // An end is deleted when the link is made or deleted.
            if let Some(delete) = deletes.get(&at) {
                graph.edge(op, *delete);
            }
        }
    }
}

/// A row of an association that is made holds the keys that its ends have when everything is written; one that is deleted those that
/// they have now.
pub(super) fn edited_ends(graph: &mut Graph) {
    if !graph.operations.iter().any(|operation| matches!(operation, Operation::Link(_))) {
        return;
    }
    let mut updates: HashMap<At, usize> = HashMap::new();
    for (op, operation) in graph.operations.iter().enumerate() {
        if let Operation::Update { at, .. } = operation {
            updates.insert(*at, op);
        }
    }
    for op in 0..graph.operations.len() {
        let Operation::Link(link) = &graph.operations[op] else { continue };
        let linked = link.linked;
        for (at, columns) in [(link.source, link.source_columns), (link.target, link.target_columns)] {
            let Some(update) = updates.get(&at).copied() else { continue };
            let Operation::Update { changes, .. } = &graph.operations[update] else { continue };
            if !changes.iter().any(|(column, _)| columns.contains(column)) {
                continue;
            }
            match linked {
                true => graph.edge(update, op),
                false => graph.edge(op, update),
            }
        }
    }
}

/// A row that refers to another by a key that was given waits for it to be inserted, and a row that is referred to is deleted, or gets
/// another key, after those that refer to it.
pub(super) fn foreign_keys(session: &Session, graph: &mut Graph) {
    let mut inserted: HashMap<Place, usize> = HashMap::new();
    let mut deleted: HashMap<Place, usize> = HashMap::new();
    let mut renamed: HashMap<Place, Rename> = HashMap::new();
    let referenced = targets(session, |_| true);
    for (op, operation) in graph.operations.iter().enumerate() {
        let table = operation.table(session);
        for (target, columns) in referenced.iter().filter(|(target, _)| std::ptr::eq(*target, table)) {
            let place = |key| (*target, columns.to_vec(), key);
            match operation {
                Operation::Insert { inputs, .. } => {
                    inserted.extend(graph.given(session, table, inputs, columns).map(|key| (place(key), op)));
                }
                Operation::Update { at, changes, .. } => {
                    let touched =
                        columns.iter().any(|column| changes.iter().any(|(known, _)| known == column));
                    if !touched {
                        continue;
                    }
                    let key = updated(session, graph, *at, changes, columns);
                    inserted.extend(key.map(|key| (place(key), op)));
                    if let Some(key) = loaded(session, *at, columns) {
                        let changed = changes.iter().map(|(column, _)| *column).collect();
                        renamed.insert(place(key), Rename { op, changed });
                    }
                }
                Operation::Delete { at } => {
                    deleted.extend(loaded(session, *at, columns).map(|key| (place(key), op)));
                }
                Operation::Link(link) => {
                    let rows = if link.linked { &mut inserted } else { &mut deleted };
                    rows.extend(of_link(session, link, columns).map(|key| (place(key), op)));
                }
            }
        }
    }
    if inserted.is_empty() && deleted.is_empty() && renamed.is_empty() {
        return;
    }
    add_followers(session, &referenced, &mut renamed);
    for op in 0..graph.operations.len() {
        let Some(at) = graph.operations[op].at() else { continue };
        let table = session.store(at).table();
        for key in table.foreign_keys {
            let target: *const Table = (key.table)();
            let place = |key_values| (target, key.references.to_vec(), key_values);
            let (now, before, leaves) = match &graph.operations[op] {
                Operation::Insert { inputs, .. } => {
                    (graph.given(session, table, inputs, key.columns), None, false)
                }
                Operation::Update { changes, .. } => {
                    let touched =
                        key.columns.iter().any(|column| changes.iter().any(|(known, _)| known == column));
                    if !touched && !acts(key.on_update) {
                        continue;
                    }
                    let now = touched.then(|| updated(session, graph, at, changes, key.columns)).flatten();
                    (now, loaded(session, at, key.columns), touched)
                }
                Operation::Delete { .. } => (None, loaded(session, at, key.columns), true),
                Operation::Link(_) => continue,
            };
            let mut comes = None;
            if let Some(place) = now.map(place) {
                // A row that is there again counts, and not the one that goes.
                comes = inserted.get(&place).copied();
                if let Some(insert) = comes {
                    graph.edge(insert, op);
                    graph.refers.entry(op).or_default().push((insert, key.columns));
                } else if let Some(delete) = deleted.get(&place).copied() {
                    graph.edge(op, delete);
                } else if let Some(rename) = renamed.get(&place).filter(|_| acts(key.on_update)) {
                    graph.edge(op, rename.op);
                }
            }
            let Some(before) = before.map(place) else { continue };
            if let Some(delete) = deleted.get(&before).filter(|_| leaves) {
                graph.edge(op, *delete);
            }
            // Where the database lets rows follow, they may as well do so first, unless they are found by what follows; and one may
            // follow by itself.
            let rename = renamed.get(&before).filter(|rename| comes != Some(rename.op));
            let is_found_by = |rename: &Rename| {
                rename.followed_by(key).iter().any(|column| table.primary_key.contains(column))
            };
            if let Some(rename) = rename.filter(|rename| !acts(key.on_update) || is_found_by(rename)) {
                graph.edge(op, rename.op);
            }
        }
    }
}

/// What gives a row other values in these columns, some of which others refer to.
struct Rename {
    op: usize,
    changed: Vec<usize>,
}

impl Rename {
    /// The columns of a key that change with it, where the database lets them follow.
    fn followed_by(&self, key: &ForeignKey) -> Vec<usize> {
        let pairs = key.columns.iter().zip(key.references);
        pairs.filter(|(_, reference)| self.changed.contains(reference)).map(|(column, _)| *column).collect()
    }
}

/// A row that follows gets another key by the same operation, where others refer to what changes of it.
fn add_followers(
    session: &Session,
    referenced: &HashSet<(*const Table, &'static [usize])>,
    renamed: &mut HashMap<Place, Rename>,
) {
    let mut known = 0;
    while known < renamed.len() {
        known = renamed.len();
        for (number, (_, store)) in (0_u32..).zip(&session.stores) {
            let table = store.table();
            for key in table.foreign_keys.iter().filter(|key| acts(key.on_update)) {
                let target: *const Table = (key.table)();
                for (slot, generation) in store.live() {
                    let at = session.at(number, slot, generation);
                    let Some(parent) = loaded(session, at, key.columns) else { continue };
                    let Some(rename) = renamed.get(&(target, key.references.to_vec(), parent)) else {
                        continue;
                    };
                    let (op, changed) = (rename.op, rename.followed_by(key));
                    for (_, own) in referenced.iter().filter(|(target, _)| std::ptr::eq(*target, table)) {
                        let follows = own.iter().any(|column| changed.contains(column));
                        if let Some(key) = loaded(session, at, own).filter(|_| follows) {
                            let rename = || Rename { op, changed: changed.clone() };
                            renamed.entry((table, own.to_vec(), key)).or_insert_with(rename);
                        }
                    }
                }
            }
        }
    }
}

/// The tables and columns that such keys of the session's tables refer to.
pub(super) fn targets(
    session: &Session,
    such: impl Fn(&ForeignKey) -> bool,
) -> HashSet<(*const Table, &'static [usize])> {
    let keys = session.stores.iter().flat_map(|(_, store)| store.table().foreign_keys);
    keys.filter(|key| such(key)).map(|key| (std::ptr::from_ref((key.table)()), key.references)).collect()
}

/// What frees a unique value goes before what takes it.
pub(super) fn unique_values(session: &Session, gone: &[(usize, At)], graph: &mut Graph) {
    let frees = |operation: &Operation| match operation {
        Operation::Update { .. } | Operation::Delete { .. } => true,
        Operation::Link(link) => !link.linked,
        Operation::Insert { .. } => false,
    };
    if !graph.operations.iter().any(frees) {
        return;
    }
    let mut freed: HashMap<Place, (usize, At, &'static [usize])> = HashMap::new();
    let mut taken: Vec<(Place, usize)> = Vec::new();
    let mut deleted_first: Vec<(usize, usize)> = Vec::new();
    for (op, operation) in graph.operations.iter().enumerate() {
        let table = operation.table(session);
        for columns in unique_columns(table) {
            let place = |key| (std::ptr::from_ref(table), columns.to_vec(), key);
            match operation {
                Operation::Insert { inputs, .. } => {
                    taken.extend(graph.given(session, table, inputs, columns).map(|key| (place(key), op)));
                }
                Operation::Update { at, changes, .. } => {
                    if columns.iter().any(|column| changes.iter().any(|(known, _)| known == column)) {
                        let key = updated(session, graph, *at, changes, columns);
                        taken.extend(key.map(|key| (place(key), op)));
                        let key = loaded(session, *at, columns);
                        freed.extend(key.map(|key| (place(key), (op, *at, columns))));
                    }
                }
                Operation::Delete { at } => {
                    let Some(key) = loaded(session, *at, columns) else { continue };
                    match freed.entry(place(key)) {
                        // It is unlinked as well.
                        Entry::Occupied(first) => deleted_first.push((op, first.get().0)),
                        Entry::Vacant(first) => drop(first.insert((op, *at, columns))),
                    }
                }
                // The row that is linked may be deleted as an entity, and one that is unlinked be added.
                Operation::Link(link) => {
                    let place = of_link(session, link, columns).map(place);
                    match link.linked {
                        true => taken.extend(place.map(|place| (place, op))),
                        false => freed.extend(place.map(|place| (place, (op, link.source, columns)))),
                    }
                }
            }
        }
    }
    for (op, at) in gone {
        graph.goes_with.entry(*at).or_default().push(*op);
        let table = session.store(*at).table();
        for columns in unique_columns(table) {
            if let Some(key) = loaded(session, *at, columns) {
                let place = (std::ptr::from_ref(table), columns.to_vec(), key);
                freed.entry(place).or_insert((*op, *at, columns));
            }
        }
    }
    for (first, then) in deleted_first {
        graph.edge(first, then);
    }
    for (place, op) in taken {
        if let Some((first, at, columns)) = freed.get(&place)
            && *first != op
        {
            if undoes(session, &graph.operations[*first], &graph.operations[op]) {
                graph.edge(op, *first);
                continue;
            }
            graph.edge(*first, op);
            graph.hands_over.entry((*first, op)).or_default().push((*at, columns));
        }
    }
}

/// Whether what frees a value was said of a row of an association behind what takes it: then that goes again.
fn undoes(session: &Session, frees: &Operation, takes: &Operation) -> bool {
    let among_first = |ats: &[At], count: usize, at: &At| ats.iter().take(count).any(|known| known == at);
    match (frees, takes) {
        (Operation::Link(link), Operation::Insert { at, .. }) => {
            among_first(&session.pending, link.added_before, at)
        }
        (Operation::Delete { at }, Operation::Link(link)) => {
            !among_first(&session.deleted, link.deleted_before, at)
        }
        _ => false,
    }
}

/// What the row of an association has in these columns, as far as its ends tell.
fn of_link(session: &Session, link: &Link, columns: &[usize]) -> Option<Key> {
    given(&link_inputs(&session.stores, link).ok()?, columns)
}

/// The values that these columns have in the database.
pub(super) fn loaded(session: &Session, at: At, columns: &[usize]) -> Option<Key> {
    let values: Option<Vec<Value>> =
        columns.iter().map(|column| session.store(at).loaded(at.slot, *column)).collect();
    Some(Key::of_values(values?.iter())).filter(|key| !key.has_null())
}

/// The values that these columns have after an update.
fn updated(
    session: &Session,
    graph: &Graph,
    at: At,
    changes: &[(usize, Input)],
    columns: &[usize],
) -> Option<Key> {
    let table = session.store(at).table();
    let values: Option<Vec<Value>> = columns
        .iter()
        .map(|column| match changes.iter().find(|(known, _)| known == column) {
            Some((_, input)) => graph.known(session, table, *column, input).cloned(),
            None => session.store(at).loaded(at.slot, *column),
        })
        .collect();
    Some(Key::of_values(values?.iter())).filter(|key| !key.has_null())
}
