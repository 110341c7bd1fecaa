//! Reading rows together with the keys that their edges need.

use std::collections::HashMap;

use relata_core::{
    Error, ErrorClass, Result,
    driver::{BoxFuture, Flow, Job, Mode, Row, Sink},
    entity::Entity,
    expr::{Expression, TableColumn},
    projection::{Item, RowReader},
    render::Statement,
    schema::Table,
    statement::{Core, ReadRow, SelectBody},
    value::Cell,
};
use relata_pool::Executor;

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
        db: &'a mut dyn Executor,
    ) -> BoxFuture<'a, Result<Vec<Self::Output>>>;
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

/// What the rows of a select belong to: the keys that they are wanted for.
#[derive(Clone, Copy)]
pub(crate) struct Group<'g> {
    /// What makes the key: columns of this table.
    pub(crate) table: &'static Table,
    pub(crate) columns: &'static [usize],
    /// A number for each key.
    pub(crate) numbers: &'g HashMap<&'g Key, usize>,
}

/// Runs a select, whose items are still to be chosen, of what `load` needs, and gives what became of its rows.
pub(crate) async fn load_rows<L: Load>(
    load: &L,
    body: SelectBody,
    db: &mut dyn Executor,
) -> Result<Vec<L::Output>> {
    Ok(load_grouped(load, body, None, db).await?.0)
}

/// As [`load_rows`], and for each row the number of the key that it belongs to; `None` if there is no such key.
pub(crate) async fn load_grouped<L: Load>(
    load: &L,
    mut body: SelectBody,
    group: Option<Group<'_>>,
    db: &mut dyn Executor,
) -> Result<(Vec<L::Output>, Vec<Option<usize>>)> {
    let table = L::Entity::TABLE;
    let mut columns = load.columns();
    let edges: Vec<(Vec<usize>, Keys)> =
        load.edge_columns().iter().map(|edge| (places_of(edge, &mut columns), Keys::default())).collect();
    // Those of an association's table stand behind the others.
    let mut aside = Vec::new();
    let group = group.map(|group| {
        let places = if std::ptr::eq(group.table, table) {
            places_of(group.columns, &mut columns)
        } else {
            aside = group.columns.iter().map(|column| item(group.table, *column)).collect();
            (columns.len()..columns.len() + aside.len()).collect()
        };
        Grouping { numbers: group.numbers, places, last: None, found: Vec::new() }
    });
    let items = columns.iter().map(|column| item(table, *column)).chain(aside).collect();
    let Core::Query(query) = &mut body.core else {
        return Err(Error::new(
            ErrorClass::Session,
            "the relationships of the rows of a union cannot be loaded",
        ));
    };
    if query.from.is_none() {
        query.from = query.source().map(relata_core::clause::SourceRef::to_source);
    }
    query.items = items;
    let dialect = db.dialect().clone();
    let compiled = body.compile(&*dialect)?;
    let key_places = edges.iter().map(|(places, _)| &places[..]).chain(group.as_ref().map(|g| &g.places[..]));
    let mut sink = GraphSink::<'_, L::Scalars> {
        read: L::read,
        scalars: Vec::new(),
        watched: key_places.map(bit_of).fold(0, |all, bit| all | bit),
        edges,
        group,
    };
    db.run(&mut [Job::new(&compiled.sql, &compiled.binds, Mode::Cached).with_sink(&mut sink)]).await?;
    let GraphSink { scalars, edges, group, .. } = sink;
    let keys = edges.into_iter().map(|(_, keys)| keys).collect();
    let outputs = load.assemble(scalars, keys, db).await?;
    Ok((outputs, group.map_or(Vec::new(), |group| group.found)))
}

fn item(table: &'static Table, column: usize) -> Item {
    let column = &table.columns[column];
    Item::new(Expression::Column(TableColumn { table, column }), column.nullable)
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

/// The bit of a key of one column, for [`RowReader::watched`].
fn bit_of(places: &[usize]) -> u64 {
    match places {
        [place @ ..64] => 1 << place,
        _ => 0,
    }
}

struct GraphSink<'g, S> {
    read: ReadRow<S>,
    scalars: Vec<S>,
    /// Where keys of one column stand, a bit for each.
    watched: u64,
    /// For each edge the places of its columns in the row, and the keys read there.
    edges: Vec<(Vec<usize>, Keys)>,
    group: Option<Grouping<'g>>,
}

/// Finds out what each row belongs to.
struct Grouping<'g> {
    numbers: &'g HashMap<&'g Key, usize>,
    /// Where the key stands in a row.
    places: Vec<usize>,
    /// The key of the last row and its number: rows of one key often come one after the other.
    last: Option<(Key, Option<usize>)>,
    /// For each row the number of its key.
    found: Vec<Option<usize>>,
}

impl Grouping<'_> {
    fn find(&mut self, key: Key) {
        let number = match &self.last {
            Some((last, number)) if *last == key => *number,
            _ => {
                let number = self.numbers.get(&key).copied();
                self.last = Some((key, number));
                number
            }
        };
        self.found.push(number);
    }
}

impl<S: Send> Sink for GraphSink<'_, S> {
    /// A key of one column is taken when its cell is read for a field: reading cells once more costs as much as the rest. Other
    /// keys are read first, as what is read for a field may be gone then.
    fn row(&mut self, row: &mut dyn Row) -> Result<Flow> {
        let GraphSink { read, scalars, watched, edges, group } = self;
        let before = scalars.len();
        for (places, keys) in edges.iter_mut().filter(|(places, _)| bit_of(places) == 0) {
            keys.0.push(read_key(places, row)?);
        }
        if let Some(group) = group.as_mut().filter(|group| bit_of(&group.places) == 0) {
            group.find(read_key(&group.places, row)?);
        }
        let mut take = |place: usize, cell: Cell<'_>| {
            for (places, keys) in &mut *edges {
                if **places == [place] && keys.0.len() == before {
                    keys.0.push(Key::One(Part::of(cell)));
                }
            }
            if let Some(group) = group
                && *group.places == [place]
                && group.found.len() == before
            {
                group.find(Key::One(Part::of(cell)));
            }
        };
        scalars.push(read(&mut RowReader::new(row).watched(*watched, &mut take))?);
        // Of a column that no field is read from.
        for (places, keys) in edges {
            if keys.0.len() == before {
                keys.0.push(read_key(places, row)?);
            }
        }
        if let Some(group) = group
            && group.found.len() == before
        {
            group.find(read_key(&group.places, row)?);
        }
        Ok(Flow::Continue)
    }
}

fn read_key(places: &[usize], row: &dyn Row) -> Result<Key> {
    let parts: Vec<Part> =
        places.iter().map(|place| row.cell(*place).map(Part::of)).collect::<Result<_>>()?;
    Ok(Key::of(parts.into_iter()))
}
