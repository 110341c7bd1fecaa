//! What a flush does, in which order: decided without a database.
//!
//! Each pending change is an operation. Foreign keys and unique values make some wait for others; among those that wait for
//! none, the order is inserts (parents first), updates, unlinking, linking, deletes (children first). A circle is broken
//! through a column that can be NULL: it is NULL first, and set by an UPDATE when the other side is there.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet},
};

use relata_core::{
    Error, ErrorClass, Result,
    entity::Input,
    schema::{ForeignKey, ReferentialAction, Table, sorted_tables},
    value::Value,
};

use super::{
    At, Session,
    flush::{key_of, link_inputs, referenced},
    relate::Link,
};
use crate::key::Key;

/// One change of one row.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    /// `INSERT`, with a place for each column.
    Insert { at: At, inputs: Vec<Input> },
    /// `UPDATE`, of these columns.
    Update { at: At, changes: Vec<(usize, Input)>, kind: UpdateKind },
    /// `DELETE`.
    Delete { at: At },
    /// A row of an association.
    Link(Link),
}

/// Why a row is updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UpdateKind {
    /// It was edited.
    Edit,
    /// It lets go of what others wait for: of unique values, and gets its own later; or of a row that is to be deleted, as it is itself.
    Release,
    /// It was inserted in this flush, without a key that was not known then.
    Complete,
}

impl Operation {
    fn phase(&self) -> u8 {
        match self {
            Operation::Insert { .. } => 0,
            Operation::Update { .. } => 1,
            Operation::Link(link) if !link.linked => 2,
            Operation::Link(_) => 3,
            Operation::Delete { .. } => 4,
        }
    }

    pub(super) fn at(&self) -> Option<At> {
        match self {
            Operation::Insert { at, .. } | Operation::Update { at, .. } | Operation::Delete { at } => {
                Some(*at)
            }
            Operation::Link(_) => None,
        }
    }

    /// The entities that have to be inserted before it.
    pub(super) fn waits_for(&self) -> Vec<At> {
        let pending = |input: &Input| match input {
            Input::Pending(at) => Some(*at),
            _ => None,
        };
        match self {
            Operation::Insert { inputs, .. } => inputs.iter().filter_map(pending).collect(),
            Operation::Update { changes, .. } => {
                changes.iter().filter_map(|(_, input)| pending(input)).collect()
            }
            Operation::Link(link) => vec![link.source, link.target],
            Operation::Delete { .. } => Vec::new(),
        }
    }
}

/// Operations, each to be done after those it is listed behind.
struct Graph {
    operations: Vec<Operation>,
    /// One may stand here more than once: for each reason.
    after: Vec<Vec<usize>>,
    waiting: Vec<usize>,
    /// Of an operation and one behind it: each unique value that the first frees and the second takes, by the row that has it and its
    /// columns.
    hands_over: HashMap<(usize, usize), Vec<(At, &'static [usize])>>,
    /// Of a row that goes with others: the operations that delete those.
    goes_with: HashMap<At, Vec<usize>>,
}

impl Graph {
    fn add(&mut self, operation: Operation) -> usize {
        self.operations.push(operation);
        self.after.push(Vec::new());
        self.waiting.push(0);
        self.operations.len() - 1
    }

    fn edge(&mut self, first: usize, then: usize) {
        if first != then {
            self.after[first].push(then);
            self.waiting[then] += 1;
        }
    }

    /// Takes one reason away.
    fn remove_edge(&mut self, first: usize, then: usize) {
        if let Some(at) = self.after[first].iter().position(|known| *known == then) {
            self.after[first].swap_remove(at);
            self.waiting[then] -= 1;
        }
    }
}

/// A table, some of its columns, and values of them: what a key refers to, or a unique constraint guards.
type Place = (*const Table, Vec<usize>, Key);

/// The operations of a flush, in order.
pub(super) fn plan(session: &Session) -> Result<Vec<Operation>> {
    let mut operations = collect(session)?;
    own_keys(session, &mut operations)?;
    if operations.len() <= 1 {
        return Ok(operations);
    }
    let count = operations.len();
    let mut graph = Graph {
        operations,
        after: vec![Vec::new(); count],
        waiting: vec![0; count],
        hands_over: HashMap::new(),
        goes_with: HashMap::new(),
    };
    let inserts = pending_keys(&mut graph);
    foreign_keys(session, &mut graph);
    let cascades = cascades(session, &graph);
    before_deletes(&cascades.followers, &mut graph);
    unique_values(session, &cascades.gone, &mut graph);
    sort(session, graph, &inserts)
}

/// What is pending, one operation a row.
fn collect(session: &Session) -> Result<Vec<Operation>> {
    let mut operations =
        Vec::with_capacity(session.pending.len() + session.dirty.len() + session.deleted.len());
    for at in &session.pending {
        let store = session.store(*at);
        if store.is_pending(at.slot, at.generation) {
            let mut inputs = vec![Input::Default; store.table().columns.len()];
            store.inputs(at.slot, &mut inputs);
            for (column, input) in inputs.iter_mut().enumerate() {
                resolve(session, *at, column, input)?;
            }
            operations.push(Operation::Insert { at: *at, inputs });
        }
    }
    let deleted: HashSet<At> = session.deleted.iter().copied().collect();
    for at in &session.dirty {
        let store = session.store(*at);
        if deleted.contains(at) {
            continue;
        }
        let mut changes: Vec<(usize, Input)> =
            store.changes(at.slot).into_iter().map(|(column, value)| (column, Input::Value(value))).collect();
        let version = store.table().version();
        if changes.iter().any(|(column, _)| Some(*column) == version) {
            return Err(session.describe(*at, "its version was edited by hand; the session counts it"));
        }
        for (column, to) in store.links(at.slot) {
            changes.retain(|(known, _)| *known != column);
            let mut input = Input::Pending(to);
            resolve(session, *at, column, &mut input)?;
            changes.push((column, input));
        }
        if !changes.is_empty() {
            operations.push(Operation::Update { at: *at, changes, kind: UpdateKind::Edit });
        }
    }
    operations.extend(session.links.iter().map(|link| Operation::Link(*link)));
    operations.extend(session.deleted.iter().map(|at| Operation::Delete { at: *at }));
    Ok(operations)
}

/// Makes of the handle of an entity that is a row the key that it has.
fn resolve(session: &Session, at: At, column: usize, input: &mut Input) -> Result<()> {
    let Input::Pending(to) = *input else { return Ok(()) };
    if to.session != session.id {
        return Err(session.describe(at, "it refers to an entity of another session"));
    }
    if !session.store(to).is_pending(to.slot, to.generation)
        && let Ok(key) = key_of(&session.stores, session.store(at).table(), column, to)
    {
        *input = Input::Value(key);
    }
    Ok(())
}

/// A row that refers to itself is inserted with the key that was given for it, or without one, and completed.
fn own_keys(session: &Session, operations: &mut Vec<Operation>) -> Result<()> {
    let mut completed = Vec::new();
    for operation in &mut *operations {
        let Operation::Insert { at, inputs } = operation else { continue };
        let (at, table) = (*at, session.store(*at).table());
        for column in 0..inputs.len() {
            if inputs[column] != Input::Pending(at) {
                continue;
            }
            let definition = &table.columns[column];
            inputs[column] = match referenced(table, column, table).map(|referenced| &inputs[referenced]) {
                Some(Input::Value(key)) => Input::Value(key.clone()),
                _ if definition.nullable => {
                    let changes = vec![(column, Input::Pending(at))];
                    completed.push(Operation::Update { at, changes, kind: UpdateKind::Complete });
                    Input::Value(Value::Null(definition.ty.kind))
                }
                _ => {
                    let why = "it refers to itself by a key that the database makes, and the column cannot be NULL until then";
                    return Err(session.describe(at, why));
                }
            };
        }
    }
    operations.extend(completed);
    Ok(())
}

/// What holds the key of a pending row waits for it; links wait for both ends, and deletes for unlinking. Gives the operations that
/// insert what others wait for.
fn pending_keys(graph: &mut Graph) -> HashMap<At, usize> {
    let waiting: Vec<(usize, Vec<At>)> = graph
        .operations
        .iter()
        .enumerate()
        .map(|(op, operation)| (op, operation.waits_for()))
        .filter(|(_, ats)| !ats.is_empty())
        .collect();
    let (mut inserts, mut deletes) = (HashMap::new(), HashMap::new());
    if waiting.is_empty() {
        return inserts;
    }
    for (op, operation) in graph.operations.iter().enumerate() {
        match operation {
            Operation::Insert { at, .. } => inserts.insert(*at, op),
            Operation::Delete { at } => deletes.insert(*at, op),
            Operation::Update { .. } | Operation::Link(_) => None,
        };
    }
    for (op, ats) in waiting {
        for at in ats {
            if let Some(insert) = inserts.get(&at) {
                graph.edge(*insert, op);
            }
            // Only a link that is deleted can have an end that is deleted.
            if let Some(delete) = deletes.get(&at) {
                graph.edge(op, *delete);
            }
        }
    }
    inserts
}

/// A row that refers to another by a key that was given waits for it to be inserted, and a row that is referred to is deleted
/// after those that refer to it.
fn foreign_keys(session: &Session, graph: &mut Graph) {
    let mut inserted: HashMap<Place, usize> = HashMap::new();
    let mut deleted: HashMap<Place, usize> = HashMap::new();
    let referenced = targets(session, |_| true);
    for (op, operation) in graph.operations.iter().enumerate() {
        let Some(at) = operation.at() else { continue };
        let table: *const Table = session.store(at).table();
        for (_, columns) in referenced.iter().filter(|(target, _)| std::ptr::eq(*target, table)) {
            match operation {
                Operation::Insert { inputs, .. } => {
                    if let Some(key) = given(inputs, columns) {
                        inserted.insert((table, columns.to_vec(), key), op);
                    }
                }
                Operation::Update { changes, .. } => {
                    let touched =
                        columns.iter().any(|column| changes.iter().any(|(known, _)| known == column));
                    if touched && let Some(key) = updated(session, at, changes, columns) {
                        inserted.insert((table, columns.to_vec(), key), op);
                    }
                }
                Operation::Delete { .. } => {
                    if let Some(key) = loaded(session, at, columns) {
                        deleted.insert((table, columns.to_vec(), key), op);
                    }
                }
                Operation::Link(_) => {}
            }
        }
    }
    if inserted.is_empty() && deleted.is_empty() {
        return;
    }
    for op in 0..graph.operations.len() {
        let Some(at) = graph.operations[op].at() else { continue };
        for key in session.store(at).table().foreign_keys {
            let target: *const Table = (key.table)();
            let (now, before) = match &graph.operations[op] {
                Operation::Insert { inputs, .. } => (given(inputs, key.columns), None),
                Operation::Update { changes, .. } => {
                    let touched =
                        key.columns.iter().any(|column| changes.iter().any(|(known, _)| known == column));
                    if !touched {
                        continue;
                    }
                    (updated(session, at, changes, key.columns), loaded(session, at, key.columns))
                }
                Operation::Delete { .. } => (None, loaded(session, at, key.columns)),
                Operation::Link(_) => continue,
            };
            let place = |key_values| (target, key.references.to_vec(), key_values);
            if let Some(place) = now.map(place) {
                // A row that is there again counts, and not the one that goes.
                if let Some(insert) = inserted.get(&place).copied() {
                    graph.edge(insert, op);
                } else if let Some(delete) = deleted.get(&place).copied() {
                    graph.edge(op, delete);
                }
            }
            if let Some(delete) = before.and_then(|values| deleted.get(&place(values))).copied() {
                graph.edge(op, delete);
            }
        }
    }
}

/// The tables and columns that such keys of the session's tables refer to.
fn targets(
    session: &Session,
    such: impl Fn(&ForeignKey) -> bool,
) -> HashSet<(*const Table, &'static [usize])> {
    let keys = session.stores.iter().flat_map(|(_, store)| store.table().foreign_keys);
    keys.filter(|key| such(key)).map(|key| (std::ptr::from_ref((key.table)()), key.references)).collect()
}

/// What the database deletes with the rows that are deleted, from row to row, as far as it is in memory; each with the operation
/// that it goes with.
#[derive(Default)]
struct Cascades {
    /// What goes.
    gone: Vec<(usize, At)>,
    /// As well what would go if it did not move away before.
    followers: Vec<(usize, At)>,
}

fn cascades(session: &Session, graph: &Graph) -> Cascades {
    let cascade = |key: &&ForeignKey| key.on_delete == ReferentialAction::Cascade;
    let parents = targets(session, |key| cascade(&key));
    let mut deletes: Vec<(usize, At)> = Vec::new();
    let mut operations: HashMap<At, &Operation> = HashMap::new();
    for (op, operation) in graph.operations.iter().enumerate() {
        operations.extend(operation.at().map(|at| (at, operation)));
        if let Operation::Delete { at } = operation {
            let table: *const Table = session.store(*at).table();
            deletes.extend(parents.iter().any(|(parent, _)| *parent == table).then_some((op, *at)));
        }
    }
    if deletes.is_empty() {
        return Cascades::default();
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
                Some(Operation::Insert { inputs, .. }) => given(inputs, columns),
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
                let parent = parent(session, at, operation, key, &places);
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
    at: At,
    operation: Option<&Operation>,
    key: &ForeignKey,
    places: &HashMap<Place, At>,
) -> Option<At> {
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
            Some(Input::Pending(to)) => return Some(*to),
            Some(Input::Value(value)) => value.clone(),
            Some(Input::Default) => return None,
            None => session.store(at).loaded(at.slot, *column)?,
        });
    }
    let table: *const Table = (key.table)();
    places.get(&(table, key.references.to_vec(), Key::of_values(values.iter()))).copied()
}

/// What is done to a row that may go with another is done before.
fn before_deletes(followers: &[(usize, At)], graph: &mut Graph) {
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

/// What frees a unique value goes before what takes it.
fn unique_values(session: &Session, gone: &[(usize, At)], graph: &mut Graph) {
    let frees =
        |operation: &Operation| matches!(operation, Operation::Update { .. } | Operation::Delete { .. });
    if !graph.operations.iter().any(frees) {
        return;
    }
    let mut freed: HashMap<Place, (usize, At, &'static [usize])> = HashMap::new();
    let mut taken: Vec<(Place, usize)> = Vec::new();
    for (op, operation) in graph.operations.iter().enumerate() {
        let (at, table) = match (operation, operation.at()) {
            (_, Some(at)) => (at, session.store(at).table()),
            (Operation::Link(link), None) => (link.source, link.through.table),
            (_, None) => continue,
        };
        let place = |columns: &[usize], key| (std::ptr::from_ref(table), columns.to_vec(), key);
        for columns in unique_columns(table) {
            match operation {
                Operation::Insert { inputs, .. } => {
                    if let Some(key) = given(inputs, columns) {
                        taken.push((place(columns, key), op));
                    }
                }
                Operation::Update { changes, .. } => {
                    if columns.iter().any(|column| changes.iter().any(|(known, _)| known == column)) {
                        if let Some(key) = updated(session, at, changes, columns) {
                            taken.push((place(columns, key), op));
                        }
                        if let Some(key) = loaded(session, at, columns) {
                            freed.insert(place(columns, key), (op, at, columns));
                        }
                    }
                }
                Operation::Delete { .. } => {
                    if let Some(key) = loaded(session, at, columns) {
                        freed.insert(place(columns, key), (op, at, columns));
                    }
                }
                Operation::Link(link) => {
                    // The row that is linked may be deleted as an entity.
                    let inputs = link_inputs(&session.stores, link).ok().filter(|_| link.linked);
                    if let Some(key) = inputs.and_then(|inputs| given(&inputs, columns)) {
                        taken.push((place(columns, key), op));
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
    if freed.is_empty() {
        return;
    }
    for (place, op) in taken {
        if let Some((first, at, columns)) = freed.get(&place)
            && *first != op
        {
            graph.edge(*first, op);
            graph.hands_over.entry((*first, op)).or_default().push((*at, columns));
        }
    }
}

/// The columns of each unique constraint, the primary key first.
fn unique_columns(table: &'static Table) -> impl Iterator<Item = &'static [usize]> {
    let indexes = table.indexes.iter().filter(|index| index.unique).map(|index| index.columns);
    std::iter::once(table.primary_key).chain(table.uniques.iter().map(|unique| unique.columns)).chain(indexes)
}

/// The values that an insert gives for these columns, if it gives all and none is NULL.
pub(super) fn given(inputs: &[Input], columns: &[usize]) -> Option<Key> {
    let values: Option<Vec<&Value>> = columns
        .iter()
        .map(|column| match &inputs[*column] {
            Input::Value(value) => Some(value),
            _ => None,
        })
        .collect();
    Some(Key::of_values(values?.into_iter())).filter(|key| !key.has_null())
}

/// The values that these columns have in the database.
fn loaded(session: &Session, at: At, columns: &[usize]) -> Option<Key> {
    let values: Option<Vec<Value>> =
        columns.iter().map(|column| session.store(at).loaded(at.slot, *column)).collect();
    Some(Key::of_values(values?.iter())).filter(|key| !key.has_null())
}

/// The values that these columns have after an update.
fn updated(session: &Session, at: At, changes: &[(usize, Input)], columns: &[usize]) -> Option<Key> {
    let values: Option<Vec<Value>> = columns
        .iter()
        .map(|column| match changes.iter().find(|(known, _)| known == column) {
            Some((_, Input::Value(value))) => Some(value.clone()),
            Some(_) => None,
            None => session.store(at).loaded(at.slot, *column),
        })
        .collect();
    Some(Key::of_values(values?.iter())).filter(|key| !key.has_null())
}

/// The operations in an order that none has to wait in.
fn sort(session: &Session, mut graph: Graph, inserts: &HashMap<At, usize>) -> Result<Vec<Operation>> {
    let tables: Vec<&'static Table> = session.stores.iter().map(|(_, store)| store.table()).collect();
    let sorted = sorted_tables(&tables);
    let rank = |operation: &Operation| {
        let table = match operation.at() {
            Some(at) => session.store(at).table(),
            None => return 0,
        };
        let rank = sorted.iter().position(|known| std::ptr::eq(*known, table)).unwrap_or(0);
        if matches!(operation, Operation::Delete { .. }) { sorted.len() - rank } else { rank }
    };
    if graph.waiting.iter().all(|count| *count == 0) {
        graph.operations.sort_by_cached_key(|operation| (operation.phase(), rank(operation)));
        return Ok(graph.operations);
    }
    // Those of one table go level by level, so that all of a level can go together: a tree takes a statement for each.
    let mut level = vec![0; graph.operations.len()];
    let priority = |graph: &Graph, level: &[usize], op: usize| {
        let operation = &graph.operations[op];
        Reverse((operation.phase(), rank(operation), level[op], op))
    };
    let mut ready: BinaryHeap<Reverse<(u8, usize, usize, usize)>> = (0..graph.operations.len())
        .filter(|op| graph.waiting[*op] == 0)
        .map(|op| priority(&graph, &level, op))
        .collect();
    let mut order = Vec::with_capacity(graph.operations.len());
    let mut done = vec![false; graph.operations.len()];
    loop {
        while let Some(Reverse((.., op))) = ready.pop() {
            done[op] = true;
            order.push(op);
            for next in std::mem::take(&mut graph.after[op]) {
                level[next] = level[next].max(level[op] + 1);
                graph.waiting[next] -= 1;
                if graph.waiting[next] == 0 {
                    ready.push(priority(&graph, &level, next));
                }
            }
        }
        if order.len() == graph.operations.len() {
            break;
        }
        let freed = break_circle(session, &mut graph, &done, inserts)?;
        done.resize(graph.operations.len(), false);
        level.resize(graph.operations.len(), 0);
        for op in freed {
            if graph.waiting[op] == 0 && !done[op] {
                ready.push(priority(&graph, &level, op));
            }
        }
    }
    let mut operations: Vec<Option<Operation>> = graph.operations.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|op| operations[op].take()).collect())
}

/// Lets one of the operations that wait for each other go on, and says which may be ready now.
fn break_circle(
    session: &Session,
    graph: &mut Graph,
    done: &[bool],
    inserts: &HashMap<At, usize>,
) -> Result<Vec<usize>> {
    let stuck: Vec<usize> = (0..graph.operations.len()).filter(|op| !done[*op]).collect();
    // A row is inserted with NULL for a key that is not known yet, which an UPDATE sets.
    for op in &stuck {
        let Operation::Insert { at, inputs } = &graph.operations[*op] else { continue };
        let (at, table) = (*at, session.store(*at).table());
        let cut = inputs.iter().enumerate().find_map(|(column, input)| match input {
            Input::Pending(to) if table.columns[column].nullable => {
                inserts.get(to).filter(|insert| !done[**insert]).map(|insert| (column, *to, *insert))
            }
            _ => None,
        });
        let Some((column, to, parent)) = cut else { continue };
        if let Operation::Insert { inputs, .. } = &mut graph.operations[*op] {
            inputs[column] = Input::Value(Value::Null(table.columns[column].ty.kind));
            graph.remove_edge(parent, *op);
        }
        let changes = vec![(column, Input::Pending(to))];
        let complete = graph.add(Operation::Update { at, changes, kind: UpdateKind::Complete });
        graph.edge(*op, complete);
        graph.edge(parent, complete);
        // What goes after the row is there goes after all of it is.
        for next in graph.after[*op].clone() {
            if matches!(graph.operations[next], Operation::Delete { .. }) {
                graph.edge(complete, next);
            }
        }
        return Ok(vec![*op]);
    }
    // A row lets go of its unique values through NULL, so that others can take them: before anything else is done to it.
    for op in &stuck {
        let updates = |at: At| {
            let operations = graph.operations.iter().enumerate();
            let own = operations.filter(
                move |(_, operation)| matches!(operation, Operation::Update { at: own, .. } if *own == at),
            );
            own.map(|(op, _)| op)
        };
        let may_be_null = |at: At, column: usize| {
            session.store(at).table().columns[column].nullable
                && updates(at).all(|update| !done[update])
                && match &graph.operations[*op] {
                    Operation::Update { changes, kind: UpdateKind::Edit, .. } => {
                        changes.iter().any(|(known, _)| *known == column)
                    }
                    Operation::Delete { .. } => true,
                    _ => false,
                }
        };
        let waiting: HashSet<usize> =
            graph.after[*op].iter().copied().filter(|taker| !done[*taker]).collect();
        let taken = waiting.iter().filter_map(|taker| graph.hands_over.get(&(*op, *taker))).flatten();
        let columns = taken.flat_map(|(at, columns)| columns.iter().map(|column| (*at, *column)));
        let can = columns.filter(|(at, column)| may_be_null(*at, *column));
        let Some((at, column)) = can.min_by_key(|(at, column)| (at.store, at.slot, *column)) else {
            continue;
        };
        let updates: Vec<usize> = updates(at).collect();
        let goes_with = graph.goes_with.get(&at).cloned().unwrap_or_default();
        // It may be gone by now, by another way.
        let release = (!goes_with.iter().any(|delete| done[*delete])).then(|| {
            let kind = session.store(at).table().columns[column].ty.kind;
            let changes = vec![(column, Input::Value(Value::Null(kind)))];
            graph.add(Operation::Update { at, changes, kind: UpdateKind::Release })
        });
        let mut freed: Vec<usize> = release.into_iter().collect();
        for taker in waiting {
            let Some(values) = graph.hands_over.get_mut(&(*op, taker)) else { continue };
            let released =
                values.extract_if(.., |(row, columns)| *row == at && columns.contains(&column)).count();
            for _ in 0..released {
                graph.remove_edge(*op, taker);
                release.into_iter().for_each(|release| graph.edge(release, taker));
            }
            freed.push(taker);
        }
        if let Some(release) = release {
            goes_with.iter().chain(&updates).chain([op]).for_each(|then| graph.edge(release, *then));
        }
        return Ok(freed);
    }
    // A row that is deleted lets go of all others through NULL, so that nothing takes it along.
    let tables: Vec<&Table> = stuck
        .iter()
        .filter_map(|op| match graph.operations[*op] {
            Operation::Delete { at } => Some(session.store(at).table()),
            _ => None,
        })
        .collect();
    for op in &stuck {
        let Operation::Delete { at } = graph.operations[*op] else { continue };
        let is_delete =
            |next: &usize| !done[*next] && matches!(graph.operations[*next], Operation::Delete { .. });
        let others: Vec<usize> = graph.after[*op].iter().copied().filter(is_delete).collect();
        let Some(columns) = columns_to_let_go(session, at, &tables).filter(|_| !others.is_empty()) else {
            continue;
        };
        let table = session.store(at).table();
        let null = |column: usize| (column, Input::Value(Value::Null(table.columns[column].ty.kind)));
        let changes = columns.into_iter().map(null).collect();
        let release = graph.add(Operation::Update { at, changes, kind: UpdateKind::Release });
        for other in others {
            graph.remove_edge(*op, other);
            graph.edge(release, other);
        }
        graph.edge(release, *op);
        return Ok(vec![release]);
    }
    let mut names: Vec<String> =
        stuck.iter().filter_map(|op| graph.operations[*op].at()).map(|at| session.name_of(at)).collect();
    names.dedup();
    Err(Error::new(
        ErrorClass::Session,
        format!(
            "these rows wait for each other in a circle, and no column in it can be NULL for a moment: {}; flush in between, or change one of them first",
            names.join(", ")
        ),
    ))
}

/// The columns by which a row lets go of all rows that it refers to, when they are NULL; `None` if it cannot let go of some that may be
/// deleted: those of these tables, or that take it along.
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
