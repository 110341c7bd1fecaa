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
    value::{Kind, Value},
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

    /// The value of a column of the entity, if what was read has it. A key that is a number is then not read a second time.
    fn value(scalars: &Self::Scalars, column: usize) -> Option<Value> {
        let _ = (scalars, column);
        None
    }

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
pub(crate) struct Group {
    /// What makes the key: columns of this table.
    pub(crate) table: &'static Table,
    pub(crate) columns: &'static [usize],
    /// A number for each key.
    pub(crate) numbers: HashMap<Key, usize>,
}

/// Runs a select, whose items are still to be chosen, of what `load` needs, and gives what became of its rows.
pub(crate) async fn load_rows<L: Load>(
    load: &L,
    body: SelectBody,
    db: &mut dyn Executor,
) -> Result<Vec<L::Output>> {
    Ok(load_grouped(load, body, None, db).await?.0)
}

/// As [`load_rows`], with the group, and for each row the number of the key that it belongs to; `None` if there is no such key.
pub(crate) async fn load_grouped<L: Load>(
    load: &L,
    mut body: SelectBody,
    group: Option<Group>,
    db: &mut dyn Executor,
) -> Result<(Vec<L::Output>, Option<Group>, Vec<Option<usize>>)> {
    let table = L::Entity::TABLE;
    let mut columns = load.columns();
    let edges: Vec<KeyColumns> =
        load.edge_columns().iter().map(|edge| KeyColumns::of(table, edge, &mut columns)).collect();
    // Those of an association's table stand behind the others.
    let mut aside = Vec::new();
    let group = group.map(|group| {
        let key = if std::ptr::eq(group.table, table) {
            KeyColumns::of(table, group.columns, &mut columns)
        } else {
            aside = group.columns.iter().map(|column| item(group.table, *column)).collect();
            KeyColumns { places: (columns.len()..columns.len() + aside.len()).collect(), number: None }
        };
        Grouping { group, key, last: None, found: Vec::new() }
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
    let mut sink = GraphSink::<L::Scalars> {
        read: L::read,
        value: L::value,
        scalars: Vec::new(),
        keys: vec![Keys::default(); edges.len()],
        edges,
        group,
    };
    db.run(&mut [Job::new(&compiled.sql, &compiled.binds, Mode::Cached).with_sink(&mut sink)]).await?;
    let GraphSink { scalars, keys, group, .. } = sink;
    let outputs = load.assemble(scalars, keys, db).await?;
    let (group, found) = group.map_or((None, Vec::new()), |grouping| (Some(grouping.group), grouping.found));
    Ok((outputs, group, found))
}

fn item(table: &'static Table, column: usize) -> Item {
    let column = &table.columns[column];
    Item::new(Expression::Column(TableColumn { table, column }), column.nullable)
}

/// The columns of a key.
struct KeyColumns {
    /// Where they stand in a row.
    places: Vec<usize>,
    /// The place in the entity's table of the only one, if that is a number.
    number: Option<usize>,
}

impl KeyColumns {
    /// Finds columns of the entity's table among those that are read; they are added if they are not there.
    fn of(table: &'static Table, wanted: &[usize], columns: &mut Vec<usize>) -> Self {
        use Kind::{I8, I16, I32, I64, U8, U16, U32, U64};
        let is_number = |column: usize| {
            matches!(table.columns[column].ty.kind, I8 | I16 | I32 | I64 | U8 | U16 | U32 | U64)
        };
        let number =
            if let [column] = wanted { Some(*column).filter(|column| is_number(*column)) } else { None };
        KeyColumns { places: wanted.iter().map(|column| place_of(*column, columns)).collect(), number }
    }

    /// Reads the key of a row, or takes it from what was read of it.
    fn read<S>(&self, row: &dyn Row, scalars: &S, value: fn(&S, usize) -> Option<Value>) -> Result<Key> {
        if let Some(number) = self.number.and_then(|column| value(scalars, column)) {
            return Ok(Key::of_values([&number].into_iter()));
        }
        if let [place] = self.places[..] {
            return Ok(Key::One(Part::of(row.cell(place)?)));
        }
        let parts = self.places.iter().map(|place| row.cell(*place).map(Part::of));
        Ok(Key::of(parts.collect::<Result<Vec<_>>>()?.into_iter()))
    }
}

fn place_of(column: usize, columns: &mut Vec<usize>) -> usize {
    columns.iter().position(|known| *known == column).unwrap_or_else(|| {
        columns.push(column);
        columns.len() - 1
    })
}

struct GraphSink<S> {
    read: ReadRow<S>,
    value: fn(&S, usize) -> Option<Value>,
    scalars: Vec<S>,
    /// For each edge its columns, and the keys read there.
    edges: Vec<KeyColumns>,
    keys: Vec<Keys>,
    group: Option<Grouping>,
}

/// Finds out what each row belongs to.
struct Grouping {
    group: Group,
    key: KeyColumns,
    /// The key of the last row and its number: rows of one key often come one after the other.
    last: Option<(Key, Option<usize>)>,
    /// For each row the number of its key.
    found: Vec<Option<usize>>,
}

impl Grouping {
    fn row(&mut self, key: Key) {
        let number = match &self.last {
            Some((last, number)) if *last == key => *number,
            _ => {
                let number = self.group.numbers.get(&key).copied();
                self.last = Some((key, number));
                number
            }
        };
        self.found.push(number);
    }
}

impl<S: Send + 'static> Sink for GraphSink<S> {
    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        let scalars = (self.read)(&mut RowReader::new(row))?;
        for (columns, keys) in self.edges.iter().zip(&mut self.keys) {
            keys.0.push(columns.read(row, &scalars, self.value)?);
        }
        if let Some(group) = &mut self.group {
            group.row(group.key.read(row, &scalars, self.value)?);
        }
        self.scalars.push(scalars);
        Ok(Flow::Continue)
    }
}
