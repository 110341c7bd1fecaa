//! Reading rows together with the keys that their edges need.

use std::collections::HashMap;

use relata_core::{
    CompileError, Result,
    dialect::Dialect,
    driver::{BoxFuture, Flow, Row, Sink},
    entity::Entity,
    expr::{Expression, TableColumn},
    projection::{Item, RowReader},
    render::Compile,
    schema::Table,
    statement::{Core, ReadRow, SelectBody},
    value::{Cell, Kind},
};
use relata_pool::Executor;

use super::loader::Loader;
use crate::{
    key::{Key, Part},
    session::Session,
};

/// Keys of rows, as opaque values: made and used by loading only.
#[derive(Debug, Clone, Default)]
pub struct Keys(pub(crate) Vec<Key>);

/// What to load of each row of an entity's table.
pub trait Load: Send + Sync + 'static {
    /// The entity.
    type Entity: Entity;

    /// What is read of a row itself.
    type Scalars: Send + 'static;

    /// What a row becomes.
    type Output: Send;

    /// The places of the columns that [`read`](Load::read) reads.
    fn columns(&self) -> Vec<usize>;

    /// Reads a row.
    ///
    /// # Errors
    ///
    /// If a cell does not fit.
    fn read(row: &mut RowReader<'_>) -> Result<Self::Scalars>;

    /// For each edge, the places of the columns that it compares.
    fn edge_columns(&self) -> Vec<&'static [usize]>;

    /// Loads the edges, whose keys come in the same order, and puts everything together.
    ///
    /// # Errors
    ///
    /// What the database says; a row at the end of an edge that should be there and is not.
    fn assemble<'a>(
        &'a self,
        scalars: Vec<Self::Scalars>,
        keys: Vec<Keys>,
        loader: &'a Loader,
    ) -> BoxFuture<'a, Result<Vec<Self::Output>>>;

    /// Finds what is wrong with the edges, whether or not a row will lead there.
    ///
    /// # Errors
    ///
    /// As compiling their statements.
    fn check(&self, _: &dyn Dialect) -> Compile {
        Ok(())
    }
}

/// What a session can take in.
pub trait LoadHandles: Load {
    /// What becomes of it: handles in the same form.
    type Handles: Send;

    /// Takes it in.
    ///
    /// # Errors
    ///
    /// As reading a row again.
    fn attach(&self, output: Self::Output, session: &mut Session) -> Result<Self::Handles>;
}

/// What tells to which key of a list a row belongs: columns of this table.
pub(super) struct Group {
    pub(super) table: &'static Table,
    pub(super) columns: &'static [usize],
    /// Whether the rows are put into the order of their primary keys, which are numbers then.
    pub(super) sort: bool,
    /// How often the rows of a key are wanted, if not once.
    pub(super) copies: HashMap<Key, usize>,
}

/// Runs a select, whose items are still to be chosen, of what `load` needs, and gives what became of its rows; and its text.
pub(super) async fn load_rows<L: Load>(
    load: &L,
    body: SelectBody,
    db: &mut dyn Executor,
) -> Result<(Vec<L::Output>, String)> {
    load.check(&**db.dialect())?;
    let loader = Loader::new(db.compiler().clone());
    let (rows, _) = loader.run(load_grouped(load, body, None, &loader), db).await?;
    Ok((rows, loader.into_first_text()))
}

/// As [`load_rows`], and the key of each row in the columns of the group, if there is one. Copies of a row follow one another.
pub(super) async fn load_grouped<L: Load>(
    load: &L,
    mut body: SelectBody,
    group: Option<Group>,
    loader: &Loader,
) -> Result<(Vec<L::Output>, Keys)> {
    let Core::Query(query) = &mut body.core else {
        return Err(CompileError::invalid(
            "the rows of a union are loaded neither with relationships nor as a shape: load those whose keys are among its own, \
             `.filter(key.in_select(union))`",
        )
        .into());
    };
    let table = L::Entity::TABLE;
    let mut columns = load.columns();
    let mut keys: Vec<KeysAt> = load
        .edge_columns()
        .iter()
        .map(|edge| KeysAt::new(places_of(edge, &mut columns), table, edge))
        .collect();
    let order = match table.primary_key {
        [key] if group.as_ref().is_some_and(|group| group.sort) => {
            Some(OrderAt { place: place_of(*key, &mut columns), numbers: Vec::new() })
        }
        _ => None,
    };
    // Equal rows are those of the same entity, whatever is read of it.
    if query.distinct {
        for key in table.primary_key {
            place_of(*key, &mut columns);
        }
    }
    // Those of an association's table stand behind the others.
    let mut aside = Vec::new();
    if let Some(group) = &group {
        let places = if std::ptr::eq(group.table, table) {
            places_of(group.columns, &mut columns)
        } else {
            aside = group.columns.iter().map(|column| item(group.table, *column)).collect();
            (columns.len()..columns.len() + aside.len()).collect()
        };
        keys.push(KeysAt::new(places, group.table, group.columns));
    }
    let items = columns.iter().map(|column| item(table, *column)).chain(aside).collect();
    if query.from.is_none() {
        query.from = query.source().map(relata_core::clause::SourceRef::to_source);
    }
    query.items = items;
    let (grouped, copies) = (group.is_some(), group.map(|group| group.copies).unwrap_or_default());
    let sink = GraphSink::<L::Scalars> { read: L::read, scalars: Vec::new(), keys, order, copies };
    let mut sink = loader.read(body, sink).await;
    let mut keys: Vec<Keys> = sink.keys.into_iter().map(|at| at.keys).collect();
    if let Some(order) = sink.order {
        sort_rows(&mut sink.scalars, &mut keys, &order.numbers);
    }
    let of_group = grouped.then(|| keys.pop()).flatten().unwrap_or_default();
    let outputs = load.assemble(sink.scalars, keys, loader).await?;
    Ok((outputs, of_group))
}

/// Puts rows, and all keys of theirs, into the order of numbers of theirs.
fn sort_rows<S>(rows: &mut Vec<S>, keys: &mut [Keys], numbers: &[i64]) {
    if numbers.is_sorted() {
        return;
    }
    let mut places: Vec<usize> = (0..rows.len()).collect();
    places.sort_by_key(|place| numbers[*place]);
    rearrange(rows, &places);
    for keys in keys {
        rearrange(&mut keys.0, &places);
    }
}

/// Puts first what stands at the first of these places, and so on.
fn rearrange<T>(items: &mut Vec<T>, places: &[usize]) {
    let mut old: Vec<Option<T>> = items.drain(..).map(Some).collect();
    items.extend(places.iter().filter_map(|place| old[*place].take()));
}

fn item(table: &'static Table, column: usize) -> Item {
    let column = TableColumn::at(table, column);
    Item::new(Expression::Column(column), column.column.nullable)
}

/// Where columns stand among those that are read; they are added if they do not.
fn places_of(wanted: &[usize], columns: &mut Vec<usize>) -> Vec<usize> {
    wanted.iter().map(|column| place_of(*column, columns)).collect()
}

fn place_of(column: usize, columns: &mut Vec<usize>) -> usize {
    columns.iter().position(|known| *known == column).unwrap_or_else(|| {
        columns.push(column);
        columns.len() - 1
    })
}

struct GraphSink<S> {
    read: ReadRow<S>,
    scalars: Vec<S>,
    /// Those of the group are the last.
    keys: Vec<KeysAt>,
    /// What the rows are sorted by, if they are.
    order: Option<OrderAt>,
    /// How often the rows of a key of the group are wanted, if not once.
    copies: HashMap<Key, usize>,
}

/// A row that is read again: nothing is taken out of it.
struct Kept<'r>(&'r dyn Row);

impl Row for Kept<'_> {
    fn width(&self) -> usize {
        self.0.width()
    }

    fn cell(&self, index: usize) -> Result<Cell<'_>> {
        self.0.cell(index)
    }

    fn integer(&self, index: usize) -> Option<i64> {
        self.0.integer(index)
    }

    fn name(&self, index: usize) -> &str {
        self.0.name(index)
    }
}

/// The keys that stand at some places of the rows.
struct KeysAt {
    places: Vec<usize>,
    kinds: Vec<Kind>,
    keys: Keys,
}

/// The numbers that stand at a place of the rows.
struct OrderAt {
    place: usize,
    numbers: Vec<i64>,
}

impl KeysAt {
    /// Of these columns of a table.
    fn new(places: Vec<usize>, table: &Table, columns: &[usize]) -> Self {
        let kinds = columns.iter().map(|column| table.columns[*column].ty.kind).collect();
        KeysAt { places, kinds, keys: Keys::default() }
    }

    #[inline]
    fn read(&self, row: &dyn Row) -> Result<Key> {
        if let ([place], [kind]) = (&self.places[..], &self.kinds[..]) {
            return Ok(Key::One(part_of(row, *place, *kind)?));
        }
        let parts = self.places.iter().zip(&self.kinds).map(|(place, kind)| part_of(row, *place, *kind));
        Ok(Key::Many(parts.collect::<Result<_>>()?))
    }
}

impl OrderAt {
    fn read(&self, row: &dyn Row) -> Result<i64> {
        Ok(match part_of(row, self.place, Kind::I64)? {
            Part::Integer(number) => number,
            // Those that are sorted by are of 32 bits at most, where they are unsigned, and never NULL.
            _ => 0,
        })
    }
}

#[inline]
fn part_of(row: &dyn Row, place: usize, kind: Kind) -> Result<Part> {
    Ok(match row.integer(place) {
        Some(number) => Part::Integer(number),
        None => Part::of_column(row.cell(place)?, kind),
    })
}

impl<S: Send> Sink for GraphSink<S> {
    fn row(&mut self, row: &mut dyn Row) -> Result<Flow> {
        if let Some(group) = self.keys.last().filter(|_| !self.copies.is_empty()) {
            let key = group.read(row)?;
            for _ in 1..self.copies.get(&key).copied().unwrap_or(1) {
                self.read(&mut Kept(row))?;
            }
        }
        self.read(row)?;
        Ok(Flow::Continue)
    }
}

impl<S> GraphSink<S> {
    fn read(&mut self, row: &mut dyn Row) -> Result<()> {
        // First, as what is read for a field may be gone then.
        for at in &mut self.keys {
            at.keys.0.push(at.read(row)?);
        }
        if let Some(order) = &mut self.order {
            order.numbers.push(order.read(row)?);
        }
        self.scalars.push((self.read)(&mut RowReader::new(row))?);
        Ok(())
    }
}
