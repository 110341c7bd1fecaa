//! Joining along a relationship: `JOIN target ON target.key = source.key`.

use std::borrow::Cow;

use super::Relationship;
use crate::{
    clause::{IntoJoin, Join, JoinKind, Source},
    entity::Entity,
    expr::{AliasColumn, Connective, Expression, Infix, Operator, TableColumn, connect},
    render::CompileError,
    schema::Table,
};

#[diagnostic::do_not_recommend]
impl<R: Relationship> IntoJoin for R {
    fn into_joins(self, kind: JoinKind, joins: &mut Vec<Join>) {
        join(&self, None, kind, joins);
    }

    fn refuse(&self) -> Option<CompileError> {
        let table = R::Source::TABLE;
        (table == R::Target::TABLE).then(|| {
            CompileError::invalid(format!(
                "{0}::{1} leads from {2} to {2}, so one of them needs another name: `let other = {0}::alias(\"other\")` and `.join({0}::{1}.to(&other))`",
                table.entity,
                self.name(),
                table.name,
            ))
        })
    }
}

/// Appends the joins that lead to the target, or to an alias of it.
pub(super) fn join<R: Relationship>(
    relationship: &R,
    alias: Option<Cow<'static, str>>,
    kind: JoinKind,
    joins: &mut Vec<Join>,
) {
    let source = End { table: R::Source::TABLE, alias: None, columns: relationship.source_columns() };
    let target = End { table: R::Target::TABLE, alias, columns: relationship.target_columns() };
    let Some(through) = relationship.through() else {
        joins.push(target.join(&source, kind));
        return;
    };
    let near = End { table: through.table, alias: None, columns: through.source_columns };
    let far = End { table: through.table, alias: None, columns: through.target_columns };
    joins.push(near.join(&source, kind));
    joins.push(target.join(&far, kind));
}

/// One side of a link.
struct End {
    table: &'static Table,
    alias: Option<Cow<'static, str>>,
    columns: &'static [usize],
}

impl End {
    /// Joins this side to the other.
    fn join(self, other: &End, kind: JoinKind) -> Join {
        let pairs = self.columns.iter().zip(other.columns);
        let conditions = pairs.map(|(own, others)| {
            let (left, right) = (self.column(*own), other.column(*others));
            Expression::Infix(Box::new(Infix { left, operator: Operator::Eq, right }))
        });
        let on = conditions.reduce(|all, next| connect(Connective::And, all, next));
        let source = match self.alias {
            None => Source::Table(self.table),
            Some(alias) => Source::Alias(self.table, alias),
        };
        Join { kind, source, on }
    }

    fn column(&self, place: usize) -> Expression {
        let column = &self.table.columns[place];
        match &self.alias {
            None => Expression::Column(TableColumn { table: self.table, column }),
            Some(alias) => Expression::AliasColumn(Box::new(AliasColumn {
                alias: alias.clone(),
                column: Cow::Borrowed(column.name),
                table: Some(self.table),
                kind: Some(column.ty.kind),
            })),
        }
    }
}
