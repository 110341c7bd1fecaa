//! `EXISTS (SELECT …)` (SQL:2016 Foundation 8.10).

use super::{Expr, Expression, Node};
use crate::{
    clause::SourceRef,
    render::{CacheKey, Compile, Renderer, Statement},
    statement::{Core, Select, SelectBody},
};

/// Whether a subquery has a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Exists {
    /// The subquery.
    pub select: SelectBody,
    /// `NOT EXISTS`.
    pub negated: bool,
}

/// `EXISTS (SELECT …)`: whether the subquery has a row. It may use the columns of the statement around it.
///
/// Of an entity the subquery selects the first column only.
///
/// ```
/// use relata_core::{dialect::Standard, expr::{exists, Operators}, render::Statement, statement::select};
/// # use relata_core::{entity::*, expr::Column, projection::RowReader, schema::*, types::Mismatch, value::*, Result};
/// # const fn column(name: &'static str, ty: Kind) -> ColumnDef { ColumnDef::new(name, name, ColumnType::new(ty), false) }
/// # const FIELDS: &[ColumnDef] = &[column("id", Kind::I64), column("parent_id", Kind::I64)];
/// # static TABLE: Table = Table::new("Node", "nodes", FIELDS, &[0]);
/// # struct Node;
/// # impl Node { const id: Column<Self, i64> = Column::new(0); const parent_id: Column<Self, i64> = Column::new(1); }
/// # impl Entity for Node {
/// #     const TABLE: &'static Table = &TABLE; type Key = i64; type New = Self;
/// #     fn read(_: &mut RowReader<'_>) -> Result<Self> { unreachable!() } fn key(&self) -> i64 { unreachable!() }
/// #     fn key_values(_: &i64) -> Vec<Value> { unreachable!() } fn value(&self, _: usize) -> Value { unreachable!() }
/// #     fn assign(&mut self, _: usize, _: Cell<'_>) -> Result<(), Mismatch> { unreachable!() }
/// # }
/// # impl Insertable for Node {
/// #     type Entity = Self; fn into_inputs(self, _: &mut [Input]) {} fn inputs(&self, _: &mut [Input]) {}
/// # }
///
/// let parent = Node::alias("parent");
/// let children = Node::select().filter(Node::parent_id.eq(parent.column(Node::id)));
/// assert_eq!(
///     select(parent.column(Node::id)).filter(exists(children)).compile(&Standard)?.sql,
///     concat!(
///         r#"SELECT "parent"."id" FROM "nodes" AS "parent" "#,
///         r#"WHERE EXISTS (SELECT "nodes"."id" FROM "nodes" WHERE "nodes"."parent_id" = "parent"."id")"#,
///     ),
/// );
/// # Ok::<(), relata_core::Error>(())
/// ```
pub fn exists<R>(select: Select<R>) -> Expr<bool> {
    Expr::new(Expression::Exists(Box::new(Exists { select: any_row(select), negated: false })))
}

/// `NOT EXISTS (SELECT …)`.
pub fn not_exists<R>(select: Select<R>) -> Expr<bool> {
    Expr::new(Expression::Exists(Box::new(Exists { select: any_row(select), negated: true })))
}

/// The subquery, of an entity with its first column only: which columns a row has makes no difference to whether there is
/// one, but all of them make the statement long.
fn any_row<R>(select: Select<R>) -> SelectBody {
    let mut body = select.into_body();
    // Where it is read as a derived table, its columns have to have different names.
    if matches!(body.core, Core::Set(_)) {
        body.name_columns();
    }
    if let Core::Query(query) = &mut body.core {
        // Some databases leave DISTINCT and GROUP BY out of EXISTS, where they seem to change nothing, and then skip rows that are the
        // same.
        if (query.distinct || !query.group_by.is_empty()) && body.limit.offset.is_some_and(|rows| rows > 0) {
            return SelectBody::over(body);
        }
        // Columns of several tables stay, so that one which is out of scope is found; and those that make rows differ.
        let first = query.items.first().and_then(|item| SourceRef::of_column(&item.expression));
        if first.is_some()
            && !query.distinct
            && query.items.iter().all(|item| SourceRef::of_column(&item.expression) == first)
        {
            query.items.truncate(1);
        }
    }
    body
}

impl Node for Exists {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.sql(if self.negated { "NOT EXISTS (" } else { "EXISTS (" });
        self.select.render(out)?;
        out.sql(")");
        Ok(())
    }

    fn precedence(&self) -> crate::render::Precedence {
        if self.negated { crate::render::Precedence::Not } else { crate::render::Precedence::Primary }
    }

    fn for_each_child<'s>(&'s self, _: &mut dyn FnMut(&'s Expression)) {}

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let Exists { select, negated } = self;
        key.part(negated);
        select.cache_key(key);
    }
}
