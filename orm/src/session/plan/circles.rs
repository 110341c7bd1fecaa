//! Operations that wait for each other in a circle, which is broken through a column that can be NULL for a moment.

use std::collections::HashSet;

use relata_core::{
    Error, ErrorClass, Result,
    entity::Input,
    schema::{ReferentialAction, Table},
    value::Value,
};

use super::{
    super::{At, Session},
    Graph, Operation, UpdateKind,
    reasons::loaded,
};

/// Lets one of the operations that wait for each other go on, and says which may be ready now.
pub(super) fn break_circle(session: &Session, graph: &mut Graph, done: &[bool]) -> Result<Vec<usize>> {
    let stuck: Vec<usize> = (0..graph.operations.len()).filter(|op| !done[*op]).collect();
    let freed = insert_without_key(session, graph, &stuck)
        .or_else(|| release_value(session, graph, done, &stuck))
        .or_else(|| release_rows(session, graph, done, &stuck));
    freed.ok_or_else(|| {
        let ats = stuck.iter().filter_map(|op| graph.operations[*op].at());
        let mut names: Vec<String> = ats.map(|at| session.name_of(at)).collect();
        names.dedup();
        Error::new(
            ErrorClass::Session,
            format!(
                "these rows wait for each other in a circle, and no column in it can be NULL for a moment: {}; flush in between, or change one of them first",
                names.join(", ")
            ),
        )
    })
}

/// NULL for a column.
pub(super) fn null(table: &Table, column: usize) -> (usize, Input) {
    (column, Input::Value(Value::Null(table.columns[column].ty.kind)))
}

/// A row is inserted with NULL for a key of one that is not there yet, which an UPDATE sets.
fn insert_without_key(session: &Session, graph: &mut Graph, stuck: &[usize]) -> Option<Vec<usize>> {
    let (op, at, column, parents) = stuck.iter().find_map(|op| {
        let Operation::Insert { at, inputs } = &graph.operations[*op] else { return None };
        inputs.iter().zip(session.store(*at).table().columns).enumerate().find_map(
            |(column, (input, definition))| {
                let parents = definition.nullable.then(|| in_turn(graph, *op, column, input))?;
                (!parents.is_empty()).then_some((*op, *at, column, parents))
            },
        )
    })?;
    let (_, mut input) = null(session.store(at).table(), column);
    if let Operation::Insert { inputs, .. } = &mut graph.operations[op] {
        std::mem::swap(&mut inputs[column], &mut input);
    }
    if let Some(refers) = graph.refers.get_mut(&op) {
        refers.retain(|(_, columns)| !columns.contains(&column));
    }
    let changes = vec![(column, input)];
    let complete = graph.add(Operation::Update { at, changes, kind: UpdateKind::Complete });
    graph.edge(op, complete);
    for parent in parents {
        graph.remove_edge(parent, op);
        graph.edge(parent, complete);
    }
    // What is deleted when the row is there is deleted when all of it is.
    for next in graph.after[op].clone() {
        if matches!(graph.operations[next], Operation::Delete { .. }) {
            graph.edge(complete, next);
        }
    }
    Some(vec![op])
}

/// What a row that is inserted waits for because of a column, by a handle or by values, and what waits for it in turn: once for each
/// reason.
fn in_turn(graph: &Graph, op: usize, column: usize, input: &Input) -> Vec<usize> {
    let by_handle = match input {
        Input::Pending(to, _) => graph.inserts.get(to),
        _ => None,
    };
    let refers = graph.refers.get(&op).into_iter().flatten();
    let by_values = refers.filter(|(_, columns)| columns.contains(&column)).map(|(parent, _)| parent);
    // One that refers to itself does not wait.
    let in_turn = |parent: &usize| *parent != op && graph.leads(op, *parent);
    by_handle.into_iter().chain(by_values).copied().filter(in_turn).collect()
}

/// A row lets go of a unique value through NULL, so that another can take it: before anything else is done to the row.
fn release_value(session: &Session, graph: &mut Graph, done: &[bool], stuck: &[usize]) -> Option<Vec<usize>> {
    let (op, at, column) = stuck.iter().find_map(|op| {
        let may_be_null = |at: At, column: usize| {
            let gets_another = match &graph.operations[*op] {
                Operation::Update { changes, kind: UpdateKind::Edit, .. } => {
                    changes.iter().any(|(known, _)| *known == column)
                }
                Operation::Delete { .. } => true,
                _ => false,
            };
            gets_another
                && session.store(at).table().columns[column].nullable
                && graph.edit_of(at).is_none_or(|edit| !done[edit])
        };
        let takers = graph.after[*op].iter().filter(|taker| !done[**taker]);
        let values = takers.filter_map(|taker| graph.hands_over.get(&(*op, *taker))).flatten();
        let columns = values.flat_map(|(at, columns)| columns.iter().map(|column| (*at, *column)));
        let can = columns.filter(|(at, column)| may_be_null(*at, *column));
        let (at, column) = can.min_by_key(|(at, column)| (at.store, at.slot, *column))?;
        Some((*op, at, column))
    })?;
    let goes_with = graph.goes_with.get(&at).cloned().unwrap_or_default();
    // It may be gone by now, by another way.
    let is_gone = goes_with.iter().any(|delete| done[*delete]);
    let release = (!is_gone).then(|| {
        let edit = graph.edit_of(at);
        let changes = vec![null(session.store(at).table(), column)];
        let release = graph.add(Operation::Update { at, changes, kind: UpdateKind::Release });
        goes_with.iter().chain(&edit).chain([&op]).for_each(|then| graph.edge(release, *then));
        release
    });
    let mut freed: Vec<usize> = release.into_iter().collect();
    let takers: HashSet<usize> = graph.after[op].iter().copied().filter(|taker| !done[*taker]).collect();
    for taker in takers {
        let Some(values) = graph.hands_over.get_mut(&(op, taker)) else { continue };
        let released =
            values.extract_if(.., |(row, columns)| *row == at && columns.contains(&column)).count();
        for _ in 0..released {
            graph.remove_edge(op, taker);
            release.into_iter().for_each(|release| graph.edge(release, taker));
        }
        freed.push(taker);
    }
    Some(freed)
}

/// A row that is deleted lets go of all others through NULL, so that nothing takes it along.
fn release_rows(session: &Session, graph: &mut Graph, done: &[bool], stuck: &[usize]) -> Option<Vec<usize>> {
    let deleted = |op: usize| match graph.operations[op] {
        Operation::Delete { at } if !done[op] => Some(at),
        _ => None,
    };
    let tables: Vec<&Table> =
        stuck.iter().filter_map(|op| deleted(*op)).map(|at| session.store(at).table()).collect();
    let (op, at, columns, others) = stuck.iter().find_map(|op| {
        let at = deleted(*op)?;
        let others: Vec<usize> =
            graph.after[*op].iter().copied().filter(|next| deleted(*next).is_some()).collect();
        let columns = columns_to_let_go(session, at, &tables).filter(|_| !others.is_empty())?;
        Some((*op, at, columns, others))
    })?;
    let table = session.store(at).table();
    let changes = columns.into_iter().map(|column| null(table, column)).collect();
    let release = graph.add(Operation::Update { at, changes, kind: UpdateKind::Release });
    for other in others {
        graph.remove_edge(op, other);
        graph.edge(release, other);
    }
    graph.edge(release, op);
    Some(vec![release])
}

/// The columns by which a row lets go of all rows that it refers to, when they are NULL; `None` if it cannot let go of one that may
/// be deleted: of these tables, or such that it goes along.
fn columns_to_let_go(session: &Session, at: At, tables: &[&Table]) -> Option<Vec<usize>> {
    let table = session.store(at).table();
    let mut columns = Vec::new();
    for key in table.foreign_keys {
        if loaded(session, at, key.columns).is_none() {
            continue;
        }
        match key.columns.iter().find(|column| table.columns[**column].nullable) {
            Some(column) => columns.push(*column),
            None if key.on_delete == ReferentialAction::Cascade || tables.contains(&(key.table)()) => {
                return None;
            }
            None => {}
        }
    }
    columns.sort_unstable();
    columns.dedup();
    Some(columns).filter(|columns| !columns.is_empty())
}
