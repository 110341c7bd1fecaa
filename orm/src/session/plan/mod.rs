//! What a flush does, in which order: decided without a database.
//!
//! Each pending change is an operation. Foreign keys and unique values make some wait for others; among those that wait for
//! none, the order is inserts (parents first), updates, unlinking, linking, deletes (children first). A circle is broken
//! through a column that can be NULL: it is NULL first, and set by an UPDATE when the other side is there.

mod cascades;
mod circles;
mod reasons;

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet},
};

use relata_core::{
    Error, ErrorClass, Result,
    entity::Input,
    schema::{Table, sorted_tables},
    value::Value,
};

use super::{
    At, Session,
    actions::acts,
    keys::{key_of, referenced},
    relate::Link,
};
use crate::key::Key;
use circles::{break_circle, null};
use reasons::loaded;

/// One change of one row.
#[derive(Debug, Clone)]
pub(in crate::session) enum Operation {
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
pub(in crate::session) enum UpdateKind {
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

    /// The table that it writes.
    fn table(&self, session: &Session) -> &'static Table {
        match self {
            Operation::Insert { at, .. } | Operation::Update { at, .. } | Operation::Delete { at } => {
                session.store(*at).table()
            }
            Operation::Link(link) => link.through.table,
        }
    }

    /// The entities that have to be inserted before it.
    pub(super) fn waits_for(&self) -> Vec<At> {
        let pending = |input: &Input| match input {
            Input::Pending(at, _) => Some(*at),
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
#[derive(Default)]
struct Graph {
    operations: Vec<Operation>,
    /// Those that insert what others wait for.
    inserts: HashMap<At, usize>,
    /// One may stand here more than once: for each reason.
    after: Vec<Vec<usize>>,
    waiting: Vec<usize>,
    /// Of an operation and one behind it: each unique value that the first frees and the second takes, by the row that has it and its
    /// columns.
    hands_over: HashMap<(usize, usize), Vec<(At, &'static [usize])>>,
    /// Of an operation: those before it whose rows it refers to by values, and the columns that do.
    refers: HashMap<usize, Vec<(usize, &'static [usize])>>,
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

    /// Whether the second waits for the first, be it through others.
    fn leads(&self, first: usize, then: usize) -> bool {
        let (mut seen, mut next) = (HashSet::new(), vec![first]);
        while let Some(op) = next.pop() {
            if op == then {
                return true;
            }
            if seen.insert(op) {
                next.extend(&self.after[op]);
            }
        }
        false
    }

    /// What an input gives a column, as far as it is known: a handle gives what the row that it names is inserted with.
    fn known<'g>(
        &'g self,
        session: &Session,
        mut table: &'static Table,
        mut column: usize,
        mut input: &'g Input,
    ) -> Option<&'g Value> {
        // Handles in a circle give nothing.
        for _ in 0..=self.operations.len() {
            let Input::Pending(to, of) = input else { break };
            let Operation::Insert { inputs, .. } = &self.operations[*self.inserts.get(to)?] else {
                return None;
            };
            let parent = session.store(*to).table();
            column = of.or_else(|| referenced(table, column, parent))?;
            (table, input) = (parent, &inputs[column]);
        }
        input.value()
    }

    /// What a row is inserted with in these columns, if all are known and none is NULL.
    fn given(
        &self,
        session: &Session,
        table: &'static Table,
        inputs: &[Input],
        columns: &[usize],
    ) -> Option<Key> {
        let known = |column: &usize| self.known(session, table, *column, &inputs[*column]);
        let values: Option<Vec<&Value>> = columns.iter().map(known).collect();
        Some(Key::of_values(values?.into_iter())).filter(|key| !key.has_null())
    }

    /// What writes the edits of a row.
    fn edit_of(&self, at: At) -> Option<usize> {
        let is_it = |operation: &Operation| matches!(operation, Operation::Update { at: own, kind: UpdateKind::Edit, .. } if *own == at);
        self.operations.iter().position(is_it)
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
    let_go_of_themselves(session, &mut operations);
    if operations.len() <= 1 {
        return Ok(operations);
    }
    let count = operations.len();
    let mut graph =
        Graph { operations, after: vec![Vec::new(); count], waiting: vec![0; count], ..Graph::default() };
    reasons::pending_keys(&mut graph);
    reasons::edited_ends(&mut graph);
    reasons::foreign_keys(session, &mut graph);
    let cascades = cascades::find(session, &graph);
    cascades::before_deletes(&cascades.followers, &mut graph);
    reasons::unique_values(session, &cascades.gone, &mut graph);
    sort(session, graph)
}

/// Whether a flush would have anything to send.
pub(super) fn has_work(session: &Session) -> bool {
    session.has_pending() && !collect(session).is_ok_and(|operations| operations.is_empty())
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
        for (column, mut input) in store.links(at.slot) {
            changes.retain(|(known, _)| *known != column);
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
    let Input::Pending(to, of) = *input else { return Ok(()) };
    if to.session != session.id {
        let why = format!("{}: it refers to an entity of another session", session.name_of(at));
        return Err(Error::new(ErrorClass::Handle, why).with_table(session.store(at).table().name));
    }
    if !session.store(to).is_pending(to.slot, to.generation)
        && let Ok(key) = key_of(&session.stores, session.store(at).table(), column, to, of)
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
            let of = match inputs[column] {
                Input::Pending(to, of) if to == at => of,
                _ => continue,
            };
            let definition = &table.columns[column];
            let referenced = of.or_else(|| referenced(table, column, table));
            inputs[column] = match referenced.map(|referenced| &inputs[referenced]) {
                Some(Input::Value(key)) => Input::Value(key.clone()),
                _ if definition.nullable => {
                    let changes = vec![(column, Input::Pending(at, of))];
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

/// A row that is deleted and refers to itself lets go through NULL, as MySQL and MariaDB would not delete it.
fn let_go_of_themselves(session: &Session, operations: &mut Vec<Operation>) {
    let mut releases = Vec::new();
    for operation in &*operations {
        let Operation::Delete { at } = operation else { continue };
        let table = session.store(*at).table();
        for key in table.foreign_keys.iter().filter(|key| (key.table)() == table && !acts(key.on_delete)) {
            let own = loaded(session, *at, key.columns);
            let column = key.columns.iter().find(|column| table.columns[**column].nullable);
            if let Some(column) =
                column.filter(|_| own.is_some() && own == loaded(session, *at, key.references))
            {
                let changes = vec![null(table, *column)];
                releases.push(Operation::Update { at: *at, changes, kind: UpdateKind::Release });
            }
        }
    }
    operations.extend(releases);
}

/// The operations in an order that none has to wait in.
fn sort(session: &Session, mut graph: Graph) -> Result<Vec<Operation>> {
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
        let freed = break_circle(session, &mut graph, &done)?;
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
