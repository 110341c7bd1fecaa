//! `DELETE` (SQL:2016 Foundation 14.9).

use std::fmt;

use super::{
    ReadRow,
    insert::{check_returning, render_returning},
    placement::check_rows,
};
use crate::{
    clause::Conditions,
    dialect::Feature,
    entity::Entity,
    error::Result,
    expr::{Condition, IntoExpr},
    projection::{Item, Projection, RowReader},
    render::{CacheKey, Compile, Renderer, Scope, Statement},
    schema::Table,
};

/// A DELETE whose returned rows become an `R`; `()` if nothing is returned.
pub struct Delete<R = ()> {
    table: &'static Table,
    filter: Conditions,
    returning: Vec<Item>,
    read: ReadRow<R>,
}

/// Begins `DELETE FROM table`. Without a [`filter`](Delete::filter) it deletes every row.
///
/// ```
/// use relata_core::{dialect::Standard, expr::Operators, render::Statement, statement::delete};
/// # use relata_core::{entity::*, expr::Column, projection::RowReader, schema::*, types::Mismatch, value::*, Result};
/// # const fn column(name: &'static str, ty: Kind) -> ColumnDef { ColumnDef::new(name, name, ColumnType::new(ty), false) }
/// # const FIELDS: &[ColumnDef] = &[column("id", Kind::I64), column("likes", Kind::I32)];
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
/// let statement = delete::<Post>().filter(Post::likes.lt(1)).returning(Post::id);
/// assert_eq!(statement.compile(&Standard)?.sql, r#"DELETE FROM "posts" WHERE "posts"."likes" < ? RETURNING "id""#);
/// # Ok::<(), relata_core::Error>(())
/// ```
pub fn delete<E: Entity>() -> Delete {
    Delete {
        table: E::TABLE,
        filter: Conditions::default(),
        returning: Vec::new(),
        read: |_: &mut RowReader<'_>| -> Result<()> { Ok(()) },
    }
}

impl Delete {
    /// A DELETE of the rows for which all conditions hold.
    pub fn of(table: &'static Table, filter: Conditions) -> Self {
        Delete {
            table,
            filter,
            returning: Vec::new(),
            read: |_: &mut RowReader<'_>| -> Result<()> { Ok(()) },
        }
    }
}

impl<R> Delete<R> {
    /// `WHERE condition`. Called again, both conditions hold.
    #[must_use]
    pub fn filter(mut self, condition: impl IntoExpr<Sql: Condition>) -> Self {
        self.filter.push(condition.into_expr().into_node());
        self
    }

    /// `RETURNING …`: what comes back of each deleted row. Not every database has it.
    pub fn returning<P: Projection>(self, projection: P) -> Delete<P::Row> {
        let mut returning = Vec::new();
        projection.items(&mut returning);
        Delete { table: self.table, filter: self.filter, returning, read: P::read }
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

impl<R> Statement for Delete<R> {
    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let Delete { table, filter, returning, read: _ } = self;
        filter.cache_key(key.part(&b'D').place(*table));
        key.list(returning, Item::cache_key);
    }

    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        check_rows(self.filter.as_expression(), "a filter")?;
        check_returning(&self.returning)?;
        out.enter(Scope::table(self.table));
        out.sql("DELETE FROM ").table(self.table)?;
        self.filter.render(" WHERE ", out)?;
        out.leave();
        render_returning(self.table, Feature::DeleteReturning, &self.returning, out)
    }
}

impl<R> Clone for Delete<R> {
    fn clone(&self) -> Self {
        Delete {
            table: self.table,
            filter: self.filter.clone(),
            returning: self.returning.clone(),
            read: self.read,
        }
    }
}

impl<R> fmt::Debug for Delete<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delete").field("table", &self.table.name).finish_non_exhaustive()
    }
}
