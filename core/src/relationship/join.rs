//! Joining along a relationship: `JOIN target ON target.key = source.key`.

use std::borrow::Cow;

use super::Relationship;
use crate::{
    clause::{IntoJoin, Join, JoinKind, Source},
    entity::Entity,
    expr::{AliasColumn, Connective, Expression, Infix, Logical, Operator, TableColumn},
    render::CompileError,
    schema::Table,
};

#[diagnostic::do_not_recommend]
impl<R: Relationship> IntoJoin for R {
    fn into_joins(self, kind: JoinKind) -> Vec<Join> {
        joins(&self, None, kind)
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

/// The joins that lead to the target, or to an alias of it.
pub(super) fn joins<R: Relationship>(
    relationship: &R,
    alias: Option<Cow<'static, str>>,
    kind: JoinKind,
) -> Vec<Join> {
    let source = End { table: R::Source::TABLE, alias: None, columns: relationship.source_columns() };
    let target = End { table: R::Target::TABLE, alias, columns: relationship.target_columns() };
    let Some(through) = relationship.through() else {
        return vec![target.join(&source, kind)];
    };
    let near = End { table: through.table, alias: None, columns: through.source_columns };
    let far = End { table: through.table, alias: None, columns: through.target_columns };
    vec![near.join(&source, kind), target.join(&far, kind)]
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
        let mut conditions: Vec<Expression> = (0..self.columns.len().min(other.columns.len()))
            .map(|at| {
                let (left, right) = (self.column(at), other.column(at));
                Expression::Infix(Box::new(Infix { left, operator: Operator::Eq, right }))
            })
            .collect();
        let on = if conditions.len() == 1 {
            conditions.remove(0)
        } else {
            Expression::Logical(Logical { connective: Connective::And, operands: conditions })
        };
        let source = match self.alias {
            None => Source::Table(self.table),
            Some(alias) => Source::Alias(self.table, alias),
        };
        Join { kind, source, on: Some(on) }
    }

    fn column(&self, at: usize) -> Expression {
        let column = &self.table.columns[self.columns[at]];
        match &self.alias {
            None => Expression::Column(TableColumn { table: self.table, column }),
            Some(alias) => Expression::AliasColumn(Box::new(AliasColumn {
                alias: alias.clone(),
                column: Cow::Borrowed(column.name),
                table: Some(self.table),
            })),
        }
    }
}
