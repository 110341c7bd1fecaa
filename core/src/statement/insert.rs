//! `INSERT` (SQL:2016 Foundation 14.11), of one row and of many, with upsert and RETURNING.

use std::fmt;

use super::{Assignments, ReadRow, SelectedRows, placement::check_rows};
use crate::{
    clause::{Clause, ConflictAction, ConflictTarget, OnConflict, Values},
    dialect::{Dialect, Feature},
    entity::{Entity, Input, Insertable},
    error::Result,
    projection::{Item, Projection, RowReader},
    render::{Compile, CompileError, Renderer, Scope, Statement},
    schema::Table,
};

/// An INSERT whose returned rows become an `R`; `()` if nothing is returned.
pub struct Insert<R = ()> {
    body: InsertBody,
    read: ReadRow<R>,
}

/// An INSERT without the type of its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct InsertBody {
    /// The table.
    pub table: &'static Table,
    /// Row after row, a place for each column of the table.
    pub inputs: Vec<Input>,
    /// What gives the rows instead.
    pub select: Option<Box<SelectedRows>>,
    /// What happens when a row is there already.
    pub conflict: Option<OnConflict>,
    /// What comes back.
    pub returning: Vec<Item>,
    pub(crate) invalid: Option<CompileError>,
}

/// `INSERT INTO table (…) VALUES (…)` of one row.
pub fn insert<N: Insertable>(row: N) -> Insert {
    insert_many([row])
}

/// `INSERT INTO table (…) VALUES (…), (…), …` of many rows.
///
/// Run on an engine or connection, large lists become several statements in one transaction.
pub fn insert_many<N: Insertable>(rows: impl IntoIterator<Item = N>) -> Insert {
    let table = N::Entity::TABLE;
    let width = table.columns.len();
    let rows = rows.into_iter();
    let mut inputs = Vec::with_capacity(rows.size_hint().0 * width);
    for row in rows {
        let at = inputs.len();
        // Not `resize`, which clones.
        inputs.extend(std::iter::repeat_with(|| Input::Default).take(width));
        row.into_inputs(&mut inputs[at..]);
    }
    Insert::from_inputs(table, inputs)
}

fn nothing(_: &mut RowReader<'_>) -> Result<()> {
    Ok(())
}

impl Insert {
    /// An INSERT of inputs, row after row, a place for each column of the table.
    pub fn from_inputs(table: &'static Table, mut inputs: Vec<Input>) -> Self {
        // A row begins with its first version, unless it says otherwise.
        if let Some(version) = table.version() {
            for input in inputs.iter_mut().skip(version).step_by(table.columns.len()) {
                if *input == Input::Default && table.columns[version].default.is_none() {
                    *input = Input::Value(crate::value::Value::I32(1));
                }
            }
        }
        Insert::new(table, inputs, None, None)
    }

    pub(super) fn from_select(
        table: &'static Table,
        rows: SelectedRows,
        invalid: Option<CompileError>,
    ) -> Self {
        Insert::new(table, Vec::new(), Some(Box::new(rows)), invalid)
    }

    fn new(
        table: &'static Table,
        inputs: Vec<Input>,
        select: Option<Box<SelectedRows>>,
        invalid: Option<CompileError>,
    ) -> Self {
        Insert::from_body(InsertBody {
            table,
            inputs,
            select,
            conflict: None,
            returning: Vec::new(),
            invalid,
        })
    }

    /// An INSERT of a tree that returns nothing yet.
    pub fn from_body(body: InsertBody) -> Self {
        Insert { body, read: nothing }
    }
}

impl<R> Insert<R> {
    /// The tree.
    pub fn body(&self) -> &InsertBody {
        &self.body
    }

    /// The tree, taken out.
    pub fn into_body(self) -> InsertBody {
        self.body
    }

    /// How a returned row becomes an `R`.
    pub fn reader(&self) -> ReadRow<R> {
        self.read
    }

    /// `RETURNING …`: what comes back of each inserted row: a column, an expression, `User::entity()`, a tuple.
    ///
    /// Where the database has no RETURNING, running it reads the rows back by their keys: the result is the same.
    pub fn returning<P: Projection>(mut self, projection: P) -> Insert<P::Row> {
        self.body.returning.clear();
        projection.items(&mut self.body.returning);
        Insert { body: self.body, read: P::read }
    }

    /// `ON CONFLICT (columns)`: what to do about a row that has the same values there. Say what with
    /// [`do_nothing`](Conflict::do_nothing) or [`do_update`](Conflict::do_update).
    ///
    /// MySQL and MariaDB have no target: there it is whichever unique key is hit, so the table should have one only.
    pub fn on_conflict<C: ConflictTarget>(mut self, target: C) -> Conflict<R> {
        if C::Entity::TABLE != self.body.table {
            let why = format!(
                "the conflict target is of {}, the row of {}: name what is unique of `{}`",
                C::Entity::TABLE.name,
                self.body.table.name,
                self.body.table.entity
            );
            self.body.invalid.get_or_insert(CompileError::invalid(why));
        }
        Conflict { target: target.columns(), insert: self }
    }
}

/// An INSERT that knows which rows may be there, but not yet what to do about them.
#[derive(Debug)]
#[must_use = "say what to do: `.do_nothing()` or `.do_update(…)`"]
pub struct Conflict<R> {
    insert: Insert<R>,
    target: Vec<usize>,
}

impl<R> Conflict<R> {
    /// `DO NOTHING`: the row that is there stays, and this one is left out.
    pub fn do_nothing(self) -> Insert<R> {
        self.act(ConflictAction::Nothing)
    }

    /// `DO UPDATE SET …`: the row that is there is changed. Its columns are named as usual, the ones of the row that could
    /// not be inserted by [`excluded`](crate::expr::excluded). The version of the row is counted up.
    ///
    /// ```
    /// use relata_core::{dialect::Standard, expr::excluded, render::Statement, statement::insert};
    /// # use relata_core::{entity::*, expr::Column, projection::RowReader, schema::*, types::Mismatch, value::*, Result};
    /// # const fn column(name: &'static str, ty: Kind) -> ColumnDef { ColumnDef::new(name, name, ColumnType::new(ty), false) }
    /// # const FIELDS: &[ColumnDef] = &[column("email", Kind::Text), column("name", Kind::Text), column("visits", Kind::I32)];
    /// # static TABLE: Table = Table::new("User", "users", FIELDS, &[0]);
    /// # struct User;
    /// # impl User { const email: Column<Self, String> = Column::new(0); const name: Column<Self, String> = Column::new(1); }
    /// # impl User { const visits: Column<Self, i32> = Column::new(2); }
    /// # impl Entity for User {
    /// #     const TABLE: &'static Table = &TABLE; type Key = String; type New = Self;
    /// #     fn read(_: &mut RowReader<'_>) -> Result<Self> { unreachable!() } fn key(&self) -> String { unreachable!() }
    /// #     fn key_values(_: &String) -> Vec<Value> { unreachable!() } fn value(&self, _: usize) -> Value { unreachable!() }
    /// #     fn assign(&mut self, _: usize, _: Cell<'_>) -> Result<(), Mismatch> { unreachable!() }
    /// # }
    /// # impl Insertable for User {
    /// #     type Entity = Self; fn into_inputs(self, row: &mut [Input]) { self.inputs(row) }
    /// #     fn inputs(&self, row: &mut [Input]) { row.fill(Input::Value(Value::I32(1))) }
    /// # }
    /// # let new = User;
    ///
    /// let statement = insert(new)
    ///     .on_conflict(User::email)
    ///     .do_update(|row| row.take(User::name).set(User::visits, User::visits + excluded(User::visits)));
    /// assert_eq!(
    ///     statement.compile(&Standard)?.sql,
    ///     concat!(
    ///         r#"INSERT INTO "users" ("email", "name", "visits") VALUES (?, ?, ?) "#,
    ///         r#"ON CONFLICT ("email") DO UPDATE SET "name" = excluded."name", "#,
    ///         r#""visits" = "users"."visits" + excluded."visits""#,
    ///     ),
    /// );
    /// # Ok::<(), relata_core::Error>(())
    /// ```
    pub fn do_update(mut self, set: impl FnOnce(Assignments) -> Assignments) -> Insert<R> {
        let table = self.insert.body.table;
        match set(Assignments::default()).count_version(table).into_list(table) {
            Ok(list) if list.is_empty() => self.act(ConflictAction::Nothing),
            Ok(list) => self.act(ConflictAction::Update(list)),
            Err(error) => {
                self.insert.body.invalid.get_or_insert(error);
                self.insert
            }
        }
    }

    fn act(mut self, action: ConflictAction) -> Insert<R> {
        if let (Some(rows), None) = (&mut self.insert.body.select, &self.insert.body.conflict) {
            rows.close(self.insert.body.table);
        }
        self.insert.body.conflict = Some(OnConflict { target: self.target, action });
        self.insert
    }
}

impl InsertBody {
    /// How many rows are given: none where a SELECT gives them.
    pub fn len(&self) -> usize {
        self.values().rows().len()
    }

    /// Whether there is nothing to insert.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty() && self.select.is_none()
    }

    /// Whether it can be done at all, on any database.
    ///
    /// # Errors
    ///
    /// If there are no rows, or something was asked for that cannot be, such as to set a column of another table.
    pub fn check(&self) -> Compile {
        if let Some(error) = &self.invalid {
            return Err(error.clone());
        }
        if self.is_empty() {
            return Err(CompileError::invalid(format!("no rows to insert into {}", self.table.name)));
        }
        if let Some(ConflictAction::Update(set)) = self.conflict.as_ref().map(|conflict| &conflict.action) {
            check_rows(set.iter().map(|(_, value)| value), "SET")?;
        }
        check_returning(&self.returning)
    }

    /// The rows.
    pub fn values(&self) -> Values<'_> {
        Values { table: self.table, inputs: &self.inputs }
    }

    /// The same INSERT as several that the dialect can run one by one: not too many rows each, and, where it cannot mix
    /// values with defaults, only rows that have the same columns. The order of the rows stays.
    pub fn batches(&self, dialect: &dyn Dialect) -> Vec<InsertPart<'_>> {
        let width = self.table.columns.len().max(1);
        let count = self.len();
        let used = self.values().columns().len();
        let limit = dialect.insert_batch(used).max(1);
        let mixes = dialect.supports(Feature::DefaultInValues) && used > 0;
        let row = |at: usize| &self.inputs[at * width..(at + 1) * width];
        let same_shape = |a: &[Input], b: &[Input]| {
            a.iter().zip(b).all(|(a, b)| (*a == Input::Default) == (*b == Input::Default))
        };
        let mut parts = Vec::with_capacity(count.div_ceil(limit));
        let mut start = 0;
        for at in 1..=count {
            let full = at - start == limit;
            let differs = at < count && !mixes && {
                let all_default = row(at).iter().all(|input| *input == Input::Default);
                all_default || !same_shape(row(at - 1), row(at))
            };
            if at == count || full || differs {
                parts.push(InsertPart { insert: self, inputs: &self.inputs[start * width..at * width] });
                start = at;
            }
        }
        parts
    }
}

/// Some of the rows of an INSERT, as a statement of its own.
#[derive(Debug, Clone, Copy)]
pub struct InsertPart<'i> {
    insert: &'i InsertBody,
    inputs: &'i [Input],
}

impl InsertPart<'_> {
    /// How many rows: at least one.
    pub fn rows(&self) -> usize {
        self.inputs.len() / self.insert.table.columns.len().max(1)
    }
}

impl Statement for InsertPart<'_> {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        render(self.insert, self.inputs, out)
    }
}

impl Statement for InsertBody {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        render(self, &self.inputs, out)
    }
}

fn render<'s>(insert: &'s InsertBody, inputs: &'s [Input], out: &mut Renderer<'s>) -> Compile {
    insert.check()?;
    let table = insert.table;
    out.sql("INSERT INTO ").table(table)?;
    match &insert.select {
        Some(rows) => rows.render(table, out)?,
        None => drop(out.clause(Clause::Values(Values { table, inputs }))?),
    }
    out.enter(Scope::table(table));
    if let Some(conflict) = &insert.conflict {
        out.with_excluded(table, |out| out.clause(Clause::OnConflict(table, conflict)).map(drop))?;
    }
    out.leave();
    render_returning(table, Feature::InsertReturning, &insert.returning, out)
}

/// Refuses what is not of each row.
pub(super) fn check_returning(items: &[Item]) -> Compile {
    check_rows(items.iter().map(|item| &item.expression), "RETURNING")
}

/// Writes RETURNING, whose columns are written without their table.
pub(super) fn render_returning<'s>(
    table: &'static Table,
    feature: Feature,
    items: &'s [Item],
    out: &mut Renderer<'s>,
) -> Compile {
    if items.is_empty() {
        return Ok(());
    }
    out.enter(Scope::table(table).bare());
    out.require(feature)?.clause(Clause::Returning(items))?;
    out.leave();
    Ok(())
}

impl<R> Statement for Insert<R> {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        self.body.render(out)
    }
}

impl<R> Clone for Insert<R> {
    fn clone(&self) -> Self {
        Insert { body: self.body.clone(), read: self.read }
    }
}

impl<R> fmt::Debug for Insert<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.body.fmt(f)
    }
}
