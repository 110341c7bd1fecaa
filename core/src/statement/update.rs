//! `UPDATE` (SQL:2016 Foundation 14.14).

use std::fmt;

use super::{
    Assignments, ReadRow,
    insert::{check_returning, render_returning},
    placement::check_rows,
};
use crate::{
    clause::{Clause, Conditions},
    dialect::Feature,
    entity::Entity,
    error::Result,
    expr::{Assignable, Column, Condition, Expression, IntoExpr},
    projection::{Item, Projection, RowReader},
    render::{CacheKey, Compile, CompileError, Renderer, Scope, Statement},
    schema::Table,
    types::Type,
};

/// An UPDATE whose returned rows become an `R`; `()` if nothing is returned.
pub struct Update<R = ()> {
    table: &'static Table,
    set: Assignments,
    filter: Conditions,
    returning: Vec<Item>,
    read: ReadRow<R>,
}

/// Begins `UPDATE table SET …`. Without a [`filter`](Update::filter) it changes every row.
///
/// The version of the rows is counted up, if they have one.
///
/// ```
/// use relata_core::{dialect::Standard, expr::Operators, render::Statement, statement::update};
/// # use relata_core::{entity::*, expr::Column, projection::RowReader, schema::*, types::Mismatch, value::*, Result};
/// # const fn column(name: &'static str, ty: Kind) -> ColumnDef { ColumnDef::new(name, name, ColumnType::new(ty), false) }
/// # const FIELDS: &[ColumnDef] = &[column("id", Kind::I64), column("likes", Kind::I32), column("version", Kind::I32).version()];
/// # static TABLE: Table = Table::new("Post", "posts", FIELDS, &[0]);
/// # struct Post;
/// # impl Post { const id: Column<Self, i64> = Column::new(0); const likes: Column<Self, i32> = Column::new(1); }
/// # impl Entity for Post {
/// #     const TABLE: &'static Table = &TABLE; type Key = i64; type New = Self;
/// #     fn read(_: &mut RowReader<'_>) -> Result<Self> { unreachable!() } fn key(&self) -> i64 { unreachable!() }
/// #     fn key_values(_: &i64) -> Vec<Value> { unreachable!() } fn value(&self, _: usize) -> Value { unreachable!() }
/// #     fn assign(&mut self, _: usize, _: Cell<'_>) -> Result<(), Mismatch> { unreachable!() }
/// # }
/// # impl Insertable for Post {
/// #     type Entity = Self; fn into_inputs(self, _: &mut [Input]) {} fn inputs(&self, _: &mut [Input]) {}
/// # }
///
/// let statement = update::<Post>().set(Post::likes, Post::likes + 1).filter(Post::id.eq(7));
/// assert_eq!(
///     statement.compile(&Standard)?.sql,
///     r#"UPDATE "posts" SET "likes" = "posts"."likes" + ?, "version" = "posts"."version" + ? WHERE "posts"."id" = ?"#,
/// );
/// # Ok::<(), relata_core::Error>(())
/// ```
pub fn update<E: Entity>() -> Update {
    Update {
        table: E::TABLE,
        set: Assignments::default(),
        filter: Conditions::default(),
        returning: Vec::new(),
        read: |_: &mut RowReader<'_>| -> Result<()> { Ok(()) },
    }
}

impl Update {
    /// An UPDATE of columns by their places, exactly as given: the version is not counted up by itself.
    pub fn of(table: &'static Table, set: Vec<(usize, Expression)>, filter: Conditions) -> Self {
        Update {
            table,
            set: Assignments::of(set),
            filter,
            returning: Vec::new(),
            read: |_: &mut RowReader<'_>| -> Result<()> { Ok(()) },
        }
    }
}

impl<R> Update<R> {
    /// `SET column = value`. May be called again; of two for one column the later holds.
    #[must_use]
    pub fn set<E: Entity, T: Type + Assignable<V::Sql>, V: IntoExpr>(
        mut self,
        column: Column<E, T>,
        value: V,
    ) -> Self {
        self.set = self.set.set(column, value).count_version(self.table);
        self
    }

    /// `WHERE condition`. Called again, both conditions hold.
    #[must_use]
    pub fn filter(mut self, condition: impl IntoExpr<Sql: Condition>) -> Self {
        self.filter.push(condition.into_expr().into_node());
        self
    }

    /// `RETURNING …`: what comes back of each changed row. Not every database has it.
    pub fn returning<P: Projection>(self, projection: P) -> Update<P::Row> {
        let mut returning = Vec::new();
        projection.items(&mut returning);
        Update { table: self.table, set: self.set, filter: self.filter, returning, read: P::read }
    }

    /// The table.
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// How a returned row becomes an `R`.
    pub fn reader(&self) -> ReadRow<R> {
        self.read
    }
}

impl<R> Statement for Update<R> {
    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let Update { table, set, filter, returning, read: _ } = self;
        let Ok(list) = set.list(table) else { return key.refuse() };
        key.part(&b'U').place(*table).list(list, |(place, value), key| {
            key.part(place).expression(value);
        });
        filter.cache_key(key);
        key.list(returning, Item::cache_key);
    }

    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        let list = self.set.list(self.table)?;
        if list.is_empty() {
            return Err(CompileError::invalid(format!("nothing to set in {}", self.table.name)));
        }
        check_rows(list.iter().map(|(_, value)| value), "SET")?;
        check_rows(self.filter.as_expression(), "a filter")?;
        check_returning(&self.returning)?;
        out.enter(Scope::table(self.table));
        out.sql("UPDATE ").table(self.table)?.sql(" SET ");
        out.clause(Clause::Assignments(self.table, list))?;
        self.filter.render(" WHERE ", out)?;
        out.leave();
        render_returning(self.table, Feature::UpdateReturning, &self.returning, out)
    }
}

impl<R> Clone for Update<R> {
    fn clone(&self) -> Self {
        Update {
            table: self.table,
            set: self.set.clone(),
            filter: self.filter.clone(),
            returning: self.returning.clone(),
            read: self.read,
        }
    }
}

impl<R> fmt::Debug for Update<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Update")
            .field("table", &self.table.name)
            .field("set", &self.set)
            .finish_non_exhaustive()
    }
}
