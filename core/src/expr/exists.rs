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
/// ```sql
/// EXISTS (SELECT "posts"."id" FROM "posts" WHERE "posts"."author_id" = "users"."id")
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
