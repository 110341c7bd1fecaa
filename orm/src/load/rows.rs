//! Reading rows together with the keys that their edges need.

use std::any::Any;

use relata_core::{
    Error, ErrorClass, Result,
    driver::{BoxFuture, Flow, Job, Mode, Row, Sink},
    entity::Entity,
    expr::{Expression, TableColumn},
    projection::{Item, RowReader},
    render::Statement,
    statement::{Core, ReadRow, SelectBody},
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

/// Runs a select, whose items are still to be chosen, of what `load` needs and of `group`, and gives for each row what
/// became of it and the value of `group`.
pub(crate) async fn load_rows<L: Load>(
    load: &L,
    mut body: SelectBody,
    group: Vec<Expression>,
    db: &mut dyn Executor,
) -> Result<(Vec<L::Output>, Vec<Key>)> {
    let table = L::Entity::TABLE;
    let mut columns = load.columns();
    let edges: Vec<Vec<usize>> = load
        .edge_columns()
        .iter()
        .map(|edge| edge.iter().map(|column| place_of(*column, &mut columns)).collect())
        .collect();
    let item = |column: &usize| {
        let column = &table.columns[*column];
        Item::new(Expression::Column(TableColumn { table, column }), column.nullable)
    };
    let mut items: Vec<Item> = columns.iter().map(item).collect();
    let first = items.len();
    let group_places: Vec<usize> = (first..first + group.len()).collect();
    items.extend(group.into_iter().map(|expression| Item::new(expression, true)));
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
    let sink = GraphSink::<L::Scalars> {
        read: L::read,
        scalars: Vec::new(),
        keys: vec![Keys::default(); edges.len()],
        edges,
        group: Vec::new(),
        group_places,
    };
    let mut jobs = [Job::new(&compiled.sql, &compiled.binds, Mode::Cached).with_sink(Box::new(sink))];
    db.run(&mut jobs).await?;
    let [job] = jobs;
    let sink: Option<Box<dyn Any>> = job.sink.map(|sink| sink as Box<dyn Any>);
    let sink = sink
        .and_then(|sink| sink.downcast::<GraphSink<L::Scalars>>().ok())
        .ok_or_else(|| Error::new(ErrorClass::Other, "the driver did not give back the sink"))?;
    let GraphSink { scalars, keys, group, .. } = *sink;
    let outputs = load.assemble(scalars, keys, db).await?;
    Ok((outputs, group))
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
    /// For each edge the places of its columns in the row, and the keys read there.
    edges: Vec<Vec<usize>>,
    keys: Vec<Keys>,
    group_places: Vec<usize>,
    group: Vec<Key>,
}

impl<S: Send + 'static> Sink for GraphSink<S> {
    fn row(&mut self, row: &dyn Row) -> Result<Flow> {
        self.scalars.push((self.read)(&mut RowReader::new(row))?);
        for (places, keys) in self.edges.iter().zip(&mut self.keys) {
            keys.0.push(read_key(places, row)?);
        }
        if !self.group_places.is_empty() {
            self.group.push(read_key(&self.group_places, row)?);
        }
        Ok(Flow::Continue)
    }
}

fn read_key(places: &[usize], row: &dyn Row) -> Result<Key> {
    if let [place] = places {
        return Ok(Key::One(Part::of(row.cell(*place)?)));
    }
    let parts: Vec<Part> =
        places.iter().map(|place| row.cell(*place).map(Part::of)).collect::<Result<_>>()?;
    Ok(Key::of(parts.into_iter()))
}
