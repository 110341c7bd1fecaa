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
    let fields = columns.len();
    let mut keys: Vec<KeysAt> = load
        .edge_columns()
        .iter()
        .map(|edge| KeysAt::new(places_of(edge, &mut columns, fields), table, edge))
        .collect();
    let order = match table.primary_key {
        [key] if group.as_ref().is_some_and(|group| group.sort) => {
            let place = place_of(*key, &mut columns);
            Some(OrderAt { place, watched: is_watched(place, fields), numbers: Vec::new() })
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
            places_of(group.columns, &mut columns, fields)
        } else {
            aside = group.columns.iter().map(|column| item(group.table, *column)).collect();
            Places::Aside((columns.len()..columns.len() + aside.len()).collect())
        };
        keys.push(KeysAt::new(places, group.table, group.columns));
    }
    let items = columns.iter().map(|column| item(table, *column)).chain(aside).collect();
    if query.from.is_none() {
        query.from = query.source().map(relata_core::clause::SourceRef::to_source);
    }
    query.items = items;
    let keys_watched = keys.iter().filter_map(|at| match at.places {
        Places::Watched(place) => Some(place),
        Places::Aside(_) => None,
    });
    let order_watched = order.iter().filter(|order| order.watched).map(|order| order.place);
    let watched = keys_watched.chain(order_watched).fold(0, |bits, place| bits | 1 << place);
    let (grouped, copies) = (group.is_some(), group.map(|group| group.copies).unwrap_or_default());
    let sink = GraphSink::<L::Scalars> { read: L::read, scalars: Vec::new(), watched, keys, order, copies };
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

/// Where columns stand among those that are read, the first so many of them for fields; they are added if they do not.
fn places_of(wanted: &[usize], columns: &mut Vec<usize>, fields: usize) -> Places {
    Places::new(wanted.iter().map(|column| place_of(*column, columns)).collect(), fields)
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
    /// The places of the keys that are watched, as [`RowReader::watched`] wants them.
    watched: u64,
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

    fn name(&self, index: usize) -> &str {
        self.0.name(index)
    }
}

/// The keys that stand at some places of the rows.
struct KeysAt {
    places: Places,
    kinds: Vec<Kind>,
    keys: Keys,
}

/// The numbers that stand at a place of the rows.
struct OrderAt {
    place: usize,
    /// Whether they are taken when the cell is read for a field.
    watched: bool,
    numbers: Vec<i64>,
}

impl OrderAt {
    fn push(&mut self, cell: Cell<'_>) {
        self.numbers.push(match cell {
            Cell::I64(number) => number,
            // Those that are sorted by are of 32 bits at most, where they are unsigned.
            Cell::U64(number) => number as i64,
            _ => 0,
        });
    }
}

/// Where the parts of a key stand in a row.
enum Places {
    /// In one cell that is read for a field, too: it is taken then, as reading a cell once more costs as much as all the rest.
    Watched(usize),
    /// In these cells, which are read for the key.
    Aside(Vec<usize>),
}

impl Places {
    /// Of rows whose first so many cells are read for fields.
    fn new(places: Vec<usize>, fields: usize) -> Self {
        match places[..] {
            [place] if is_watched(place, fields) => Places::Watched(place),
            _ => Places::Aside(places),
        }
    }
}

/// Whether a cell is read for a field, of which there are so many, and can be watched.
fn is_watched(place: usize, fields: usize) -> bool {
    place < fields.min(64)
}

impl KeysAt {
    /// Of these columns of a table.
    fn new(places: Places, table: &Table, columns: &[usize]) -> Self {
        let kinds = columns.iter().map(|column| table.columns[*column].ty.kind).collect();
        KeysAt { places, kinds, keys: Keys::default() }
    }
}

impl<S: Send> Sink for GraphSink<S> {
    fn row(&mut self, row: &mut dyn Row) -> Result<Flow> {
        if let Some(group) = self.keys.last().filter(|_| !self.copies.is_empty()) {
            let key = match &group.places {
                Places::Watched(place) => read_key(&[*place], &group.kinds, row)?,
                Places::Aside(places) => read_key(places, &group.kinds, row)?,
            };
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
        let GraphSink { read, scalars, watched, keys, order, .. } = self;
        // First, as what is read for a field may be gone then.
        for at in keys.iter_mut() {
            if let Places::Aside(places) = &at.places {
                at.keys.0.push(read_key(places, &at.kinds, row)?);
            }
        }
        if let Some(order) = order
            && !order.watched
        {
            order.push(row.cell(order.place)?);
        }
        let mut watch = |place: usize, cell: Cell<'_>| {
            if let Some(order) = order
                && order.place == place
            {
                order.push(cell);
            }
            for at in keys.iter_mut() {
                if matches!(at.places, Places::Watched(own) if own == place)
                    && let [kind] = at.kinds[..]
                {
                    at.keys.0.push(Key::One(Part::of_column(cell, kind)));
                }
            }
        };
        scalars.push(read(&mut RowReader::new(row).watched(*watched, &mut watch))?);
        Ok(())
    }
}

fn read_key(places: &[usize], kinds: &[Kind], row: &dyn Row) -> Result<Key> {
    if let ([place], [kind]) = (places, kinds) {
        return Ok(Key::One(Part::of_column(row.cell(*place)?, *kind)));
    }
    let mut parts = Vec::with_capacity(places.len());
    for (place, kind) in places.iter().zip(kinds) {
        parts.push(Part::of_column(row.cell(*place)?, *kind));
    }
    Ok(Key::of(parts.into_iter()))
}
