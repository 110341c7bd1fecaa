//! What goes with rows that are deleted, because the database deletes it along.

use std::collections::{HashMap, HashSet};

use relata_core::{
    entity::Input,
    schema::{ForeignKey, ReferentialAction, Table},
};

use super::{
    super::{At, Session},
    Graph, Operation, Place,
    reasons::{loaded, targets},
};
use crate::key::Key;

/// What the database deletes with the rows that are deleted, from row to row, as far as it is in memory; each with the operation
/// that it goes with.
#[derive(Default)]
pub(super) struct Cascades {
    /// What goes.
    pub(super) gone: Vec<(usize, At)>,
    /// As well what would go if it did not move away before.
    pub(super) followers: Vec<(usize, At)>,
}

/// Finds it.
pub(super) fn find(session: &Session, graph: &Graph) -> Cascades {
    let cascade = |key: &&ForeignKey| key.on_delete == ReferentialAction::Cascade;
    let parents = targets(session, |key| cascade(&key));
    let is_parent =
        |at: At| parents.iter().any(|(parent, _)| std::ptr::eq(*parent, session.store(at).table()));
    let deletes: Vec<(usize, At)> = (0..)
        .zip(&graph.operations)
        .filter_map(|(op, operation)| match operation {
            Operation::Delete { at } if is_parent(*at) => Some((op, *at)),
            _ => None,
        })
        .collect();
    if deletes.is_empty() {
        return Cascades::default();
    }
    let mut operations: HashMap<At, &Operation> = HashMap::new();
    for operation in &graph.operations {
        // Of one that is inserted and completed, the first.
        if let Some(at) = operation.at() {
            operations.entry(at).or_insert(operation);
        }
    }
    let live = (0_u32..).zip(&session.stores).flat_map(|(number, (_, store))| {
        store.live().into_iter().map(move |(slot, generation)| session.at(number, slot, generation))
    });
    let rows: Vec<At> = live.chain(session.pending.iter().copied()).collect();
    let mut places: HashMap<Place, At> = HashMap::new();
    for at in &rows {
        let table: *const Table = session.store(*at).table();
        for (_, columns) in parents.iter().filter(|(parent, _)| *parent == table) {
            let key = match operations.get(at) {
                Some(Operation::Insert { inputs, .. }) => {
                    graph.given(session, session.store(*at).table(), inputs, columns)
                }
                _ => loaded(session, *at, columns),
            };
            places.extend(key.map(|key| ((table, columns.to_vec(), key), *at)));
        }
    }
    let (mut before, mut after) = (Children::new(), Children::new());
    for at in rows {
        let operation = operations.get(&at).copied();
        for key in session.store(at).table().foreign_keys.iter().filter(cascade) {
            for (children, operation) in [(&mut before, None), (&mut after, operation)] {
                let parent = parent(session, graph, at, operation, key, &places);
                parent.into_iter().for_each(|parent| children.entry(parent).or_default().push(at));
            }
        }
    }
    below(&deletes, &before, &after)
}

/// Rows and those that refer to each by a key that cascades.
type Children = HashMap<At, Vec<At>>;

/// All that is below the rows that are deleted, now or when everything else is written.
fn below(deletes: &[(usize, At)], before: &Children, after: &Children) -> Cascades {
    let mut below = Cascades::default();
    for (op, at) in deletes {
        let (mut seen, mut next) = (HashSet::from([(*at, true)]), vec![(*at, true)]);
        while let Some((parent, stays)) = next.pop() {
            // What comes below a row that moves away moves with it.
            let stay = after.get(&parent).filter(|_| stays).into_iter().flatten().map(|child| (*child, true));
            let leave = before.get(&parent).into_iter().flatten().map(|child| (*child, false));
            for (child, stays) in stay.chain(leave) {
                if seen.insert((child, stays)) {
                    below.followers.push((*op, child));
                    below.gone.extend(stays.then_some((*op, child)));
                    next.push((child, stays));
                }
            }
        }
    }
    below
}

/// The row that another refers to by a key, once what is pending of it is written.
fn parent(
    session: &Session,
    graph: &Graph,
    at: At,
    operation: Option<&Operation>,
    key: &ForeignKey,
    places: &HashMap<Place, At>,
) -> Option<At> {
    let table = session.store(at).table();
    let mut values = Vec::with_capacity(key.columns.len());
    for column in key.columns {
        let input = match operation {
            Some(Operation::Insert { inputs, .. }) => Some(&inputs[*column]),
            Some(Operation::Update { changes, .. }) => {
                changes.iter().find(|(known, _)| known == column).map(|(_, input)| input)
            }
            _ => None,
        };
        values.push(match input {
            Some(Input::Pending(to, _)) if session.store(*to).table() == (key.table)() => return Some(*to),
            Some(input) => graph.known(session, table, *column, input)?.clone(),
            None => session.store(at).loaded(at.slot, *column)?,
        });
    }
    let table: *const Table = (key.table)();
    places.get(&(table, key.references.to_vec(), Key::of_values(values.iter()))).copied()
}

/// What is done to a row that may go with another is done before.
pub(super) fn before_deletes(followers: &[(usize, At)], graph: &mut Graph) {
    let mut deletes: HashMap<At, Vec<usize>> = HashMap::new();
    for (delete, at) in followers {
        deletes.entry(*at).or_default().push(*delete);
    }
    for op in 0..graph.operations.len() {
        let ends = match &graph.operations[op] {
            Operation::Link(link) => [Some(link.source), Some(link.target)],
            operation => [operation.at(), None],
        };
        for delete in ends.iter().flatten().filter_map(|at| deletes.get(at)).flatten() {
            graph.edge(op, *delete);
        }
    }
}
