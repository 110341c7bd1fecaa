//! INSERT … RETURNING where the database has none: rows are read back by what is known of them.
//!
//! That is the keys that the database reports to have generated, the keys that were given, or, for an upsert, the values of the
//! conflict target. All of it is one transaction, and the result is the one that RETURNING gives: rows in the order of the input,
//! without those that `DO NOTHING` left out.

use relata_core::{
    CompileError, Error, ErrorClass, Result,
    clause::{ConflictAction, Direction, Limit, Lock, LockStrength, LockWait, OrderItem, Source},
    dialect::{Dialect, Feature},
    driver::{Job, Mode, Sink},
    entity::Input,
    expr::{Case, Connective, Expression, In, InList, Infix, Logical, TableColumn},
    projection::{Item, RowReader},
    render::Statement,
    schema::Table,
    statement::{Core, InsertBody, InsertPart, Query, SelectBody},
    value::{Kind, Value},
};

use crate::{
    Executor, Ran,
    fetch::run_statement,
    sink::{Collect, Counted},
};

/// By what a row is found again.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    /// By the key that the database reports to have generated for this column.
    Generated(usize),
    /// By the values given for these columns.
    Given(Vec<usize>),
}

/// How many rows are found by one statement where it has to say their order: the database compares each with each.
const ORDERED_ROWS: usize = 100;

/// Inserts rows and reads them back.
pub(crate) async fn read_back(
    db: &mut dyn Executor,
    mut insert: InsertBody,
    sink: &mut dyn Sink,
) -> Result<Ran> {
    let dialect = db.dialect().clone();
    let (table, returning) = (insert.table, std::mem::take(&mut insert.returning));
    let groups = groups(insert, &*dialect)?;
    let several = match groups.as_slice() {
        [(_, group)] => group.batches(&*dialect).len() > 1,
        _ => true,
    };
    let mut tx = db.join().await?;
    // Of a single INSERT that fails there is nothing to take back.
    let mut unit = if several { tx.begin_unit().await? } else { tx.as_unit() };
    let mut back = ReadBack { table, returning, sink, rows_affected: 0, sql: None, step: None };
    for (found, group) in groups {
        match &found {
            Found::Generated(column) => back.by_generated(&mut unit, group, *column).await?,
            Found::Given(columns) => back.by_given(&mut unit, group, columns).await?,
        }
    }
    let ReadBack { rows_affected, sql, .. } = back;
    unit.commit().await?;
    tx.commit().await?;
    Ok(Ran { rows_affected, sql: sql.unwrap_or_default() })
}

/// Rows that follow one another and are found in the same way, as inserts of their own.
fn groups(mut insert: InsertBody, dialect: &dyn Dialect) -> Result<Vec<(Found, InsertBody)>> {
    let width = insert.table.columns.len().max(1);
    let inputs = std::mem::take(&mut insert.inputs);
    let mut groups: Vec<(Found, InsertBody)> = Vec::new();
    let mut inputs = inputs.into_iter();
    loop {
        let row: Vec<Input> = inputs.by_ref().take(width).collect();
        if row.is_empty() {
            return Ok(groups);
        }
        let found = how_found(&insert, &row, dialect)?;
        // An upsert may use up a key without saying so: only the first of several is certain.
        let limit = match (&found, &insert.conflict) {
            (Found::Generated(_), Some(_)) => 1,
            (Found::Generated(_), None) => usize::MAX,
            (Found::Given(_), _) => ORDERED_ROWS,
        };
        match groups.last_mut() {
            Some((same, group)) if *same == found && group.inputs.len() / width < limit => {
                group.inputs.extend(row)
            }
            _ => {
                let mut group = insert.clone();
                group.inputs = row;
                groups.push((found, group));
            }
        }
    }
}

fn how_found(insert: &InsertBody, row: &[Input], dialect: &dyn Dialect) -> Result<Found> {
    let table = insert.table;
    // A key of NULL is none: the database generates one, or refuses the row.
    let given = |column: &usize| match row.get(*column) {
        Some(Input::Value(value)) => !value.is_null(),
        Some(Input::Pending(..)) => true,
        Some(Input::Default) | None => false,
    };
    if let Some(conflict) = &insert.conflict {
        // NULL and a generated key are in no conflict with anything: such a row is inserted for certain.
        if !conflict.target.is_empty() && conflict.target.iter().all(given) {
            return given_for(insert, &conflict.target, dialect);
        }
    }
    if !table.primary_key.is_empty() && table.primary_key.iter().all(given) {
        return given_for(insert, table.primary_key, dialect);
    }
    match table.generated() {
        Some(column) if !given(&column) => Ok(Found::Generated(column)),
        _ => Err(CompileError::invalid(format!(
            "{} has no INSERT … RETURNING, and the key of this row of {} is not known, so it cannot be read back: give it a \
             key, or leave out `.returning(…)`",
            dialect.name(),
            table.name
        ))
        .into()),
    }
}

/// Found by the values given for these columns, unless an upsert gives the row others.
fn given_for(insert: &InsertBody, columns: &[usize], dialect: &dyn Dialect) -> Result<Found> {
    let changed = match insert.conflict.as_ref().map(|conflict| &conflict.action) {
        Some(ConflictAction::Update(set)) => set.iter().find(|(column, value)| {
            let own = &insert.table.columns[*column];
            columns.contains(column)
                && !matches!(value, Expression::Excluded(from) if std::ptr::eq(from.column, own))
        }),
        _ => None,
    };
    match changed {
        None => Ok(Found::Given(columns.to_vec())),
        Some((column, _)) => Err(CompileError::invalid(format!(
            "{} has no INSERT … RETURNING, and a row whose {} the update changes cannot be read back by it: leave out `.returning(…)`, \
             or do not set it",
            dialect.name(),
            insert.table.columns[*column].name
        ))
        .into()),
    }
}

/// Inserts rows in groups and reads them back.
struct ReadBack<'s> {
    table: &'static Table,
    returning: Vec<Item>,
    sink: &'s mut dyn Sink,
    rows_affected: u64,
    sql: Option<String>,
    /// The distance between generated keys.
    step: Option<u64>,
}

impl ReadBack<'_> {
    /// Rows whose keys the database generates: one after another, from the first, which it reports (MySQL 8.4 manual,
    /// 14.15, LAST_INSERT_ID, and 17.6.1.6: so for an INSERT whose number of rows is known, in every lock mode).
    async fn by_generated(&mut self, tx: &mut dyn Executor, group: InsertBody, column: usize) -> Result<()> {
        let dialect = tx.dialect().clone();
        for batch in group.batches(&*dialect) {
            let rows = batch.rows();
            let step = if rows > 1 { self.step(tx).await? } else { 1 };
            let first = self.insert(tx, &batch).await?.ok_or_else(|| {
                Error::new(
                    ErrorClass::Other,
                    format!("{} did not report the key it generated for {}", dialect.name(), self.table.name),
                )
            })?;
            let keys = (0..rows as u64).map(|row| {
                let key = first.checked_add(row.checked_mul(step)?)?;
                match self.table.columns[column].ty.kind {
                    Kind::U64 => Some(Value::U64(key)),
                    _ => i64::try_from(key).ok().map(Value::I64),
                }
            });
            let keys: Vec<Value> = keys.collect::<Option<_>>().ok_or_else(|| {
                Error::new(
                    ErrorClass::Decode,
                    format!("the key generated for {} is too large", self.table.name),
                )
            })?;
            let operand = self.column(column);
            let order = (rows > 1).then(|| operand.clone());
            self.select(tx, any_value(operand, keys), order, Some(rows), None).await?;
        }
        Ok(())
    }

    /// Rows with known values in columns that are unique.
    async fn by_given(
        &mut self,
        tx: &mut dyn Executor,
        mut group: InsertBody,
        columns: &[usize],
    ) -> Result<()> {
        let dialect = tx.dialect().clone();
        let skips =
            group.conflict.as_ref().is_some_and(|conflict| conflict.action == ConflictAction::Nothing);
        if skips {
            self.leave_out_present(tx, &mut group, columns).await?;
            if group.is_empty() {
                return Ok(());
            }
        }
        let rows = self.conditions(&group, columns);
        let filter = self.filter(&group, columns);
        // Two rows of an upsert may be one in the table.
        let expected = group.conflict.is_none().then_some(rows.len());
        // A row that an update left as it was may be newer than the transaction's snapshot, which only a locking read sees past
        // (MySQL 8.4 manual 17.7.2.3); the update has locked it already.
        let lock = group.conflict.as_ref().and_then(|_| for_update(&*dialect));
        for batch in group.batches(&*dialect) {
            self.insert(tx, &batch).await?;
        }
        let order = (rows.len() > 1).then(|| position(rows));
        self.select(tx, filter, order, expected, lock).await
    }

    /// Takes out of a group the rows that `DO NOTHING` will leave out, and keeps others from inserting the rest meanwhile.
    async fn leave_out_present(
        &mut self,
        tx: &mut dyn Executor,
        group: &mut InsertBody,
        columns: &[usize],
    ) -> Result<()> {
        let dialect = tx.dialect().clone();
        let width = self.table.columns.len().max(1);
        // Of rows that are the same to the database, each time the first is found.
        while !group.is_empty() {
            let item = Item::new(position(self.conditions(group, columns)), true);
            let mut select = self.body(vec![item], self.filter(group, columns));
            // Also locks the gaps where there is no row yet (MySQL 8.4 manual 17.7.2.4).
            select.lock = for_update(&*dialect);
            let mut present = Collect::<Option<i64>>::new(|row: &mut RowReader<'_>| row.read());
            run_statement(&select, tx, Some(&mut present), Mode::Cached).await?;
            if present.rows.is_empty() {
                break;
            }
            let mut at = 0;
            group.inputs.retain(|_| {
                let row = (at / width) as i64;
                at += 1;
                !present.rows.contains(&Some(row))
            });
        }
        Ok(())
    }

    /// Inserts a batch, and gives the first key that was generated.
    async fn insert(&mut self, tx: &mut dyn Executor, batch: &InsertPart<'_>) -> Result<Option<u64>> {
        let dialect = tx.dialect().clone();
        let compiled = batch.compile(&*dialect)?;
        let mut jobs = [Job::new(&compiled.sql, &compiled.binds, Mode::Cached)];
        tx.run(&mut jobs).await?;
        let [job] = jobs;
        self.rows_affected += job.rows_affected;
        let first = job.last_insert_id.filter(|id| *id > 0);
        self.sql.get_or_insert(compiled.sql);
        Ok(first)
    }

    /// The distance between generated keys, asked once.
    async fn step(&mut self, tx: &mut dyn Executor) -> Result<u64> {
        if let Some(step) = self.step {
            return Ok(step);
        }
        let mut step = 1;
        if let Some(sql) = tx.dialect().generated_key_step() {
            let mut steps = Collect::<i64>::new(|row: &mut RowReader<'_>| row.read());
            tx.run(&mut [Job::new(sql, &[], Mode::Cached).with_sink(&mut steps)]).await?;
            step = steps.rows.first().and_then(|step| u64::try_from(*step).ok()).unwrap_or(1);
        }
        self.step = Some(step);
        Ok(step)
    }

    /// Reads rows into the sink; as many as expected, or it is an error: none is ever left out silently.
    async fn select(
        &mut self,
        tx: &mut dyn Executor,
        filter: Expression,
        order: Option<Expression>,
        expected: Option<usize>,
        lock: Option<Lock>,
    ) -> Result<()> {
        let mut select = self.body(self.returning.clone(), filter);
        select.lock = lock;
        select.order_by.extend(order.map(|expression| OrderItem {
            expression,
            direction: Direction::Ascending,
            nulls: None,
        }));
        let mut sink = Counted::new(self.sink);
        let ran = run_statement(&select, tx, Some(&mut sink), Mode::Cached).await?;
        if let (Some(rows), Some(expected)) = (sink.rows(), expected)
            && rows != expected as u64
        {
            return Err(Error::new(
                ErrorClass::Other,
                format!(
                    "of {expected} inserted into {}, {rows} are found by their keys: a trigger may have changed them",
                    self.table.name
                ),
            )
            .with_statement(&ran.sql));
        }
        Ok(())
    }

    fn body(&self, items: Vec<Item>, filter: Expression) -> SelectBody {
        let mut query = Query::default();
        query.items = items;
        query.from = Some(Source::Table(self.table));
        query.filter.push(filter);
        SelectBody { core: Core::Query(query), order_by: Vec::new(), limit: Limit::default(), lock: None }
    }

    fn column(&self, column: usize) -> Expression {
        Expression::Column(TableColumn::at(self.table, column))
    }

    /// For each row, the condition that finds it.
    fn conditions(&self, group: &InsertBody, columns: &[usize]) -> Vec<Expression> {
        let width = self.table.columns.len().max(1);
        let rows = group.inputs.chunks_exact(width);
        rows.map(|row| {
            let conditions = columns
                .iter()
                .map(|column| Infix::equals(self.column(*column), Expression::Bind(value_of(row, *column))));
            Logical::joined(Connective::And, conditions.collect())
        })
        .collect()
    }

    /// The condition that finds all of them.
    fn filter(&self, group: &InsertBody, columns: &[usize]) -> Expression {
        let width = self.table.columns.len().max(1);
        match columns {
            [column] => {
                let rows = group.inputs.chunks_exact(width);
                any_value(self.column(*column), rows.map(|row| value_of(row, *column)).collect())
            }
            columns => Logical::joined(Connective::Or, self.conditions(group, columns)),
        }
    }
}

/// `FOR UPDATE`, where there is such a thing.
fn for_update(dialect: &dyn Dialect) -> Option<Lock> {
    let lock = Lock { strength: LockStrength::Update, wait: LockWait::Wait };
    dialect.supports(Feature::Locking).then_some(lock)
}

/// The value that a row gives for a column. Rows that do not are found in another way.
fn value_of(row: &[Input], column: usize) -> Value {
    match row.get(column) {
        Some(Input::Value(value)) => value.clone(),
        _ => Value::Null(Kind::I64),
    }
}

/// `operand IN (…)`.
fn any_value(operand: Expression, mut values: Vec<Value>) -> Expression {
    match (values.len(), values.pop()) {
        (1, Some(value)) => Infix::equals(operand, Expression::Bind(value)),
        (_, last) => {
            let kind = last.as_ref().map_or(Kind::I64, Value::kind);
            values.extend(last);
            let list = InList::Values(Value::Array(kind, values));
            Expression::In(Box::new(In { operand, list, negated: false }))
        }
    }
}

/// Which of the conditions holds, counted from 0.
fn position(conditions: Vec<Expression>) -> Expression {
    let numbered = conditions.into_iter().zip(0..);
    let branches = numbered.map(|(condition, at)| (condition, Expression::Bind(Value::I64(at)))).collect();
    Expression::Case(Box::new(Case { branches, otherwise: None }))
}
