//! Joining along a relationship: `JOIN target ON target.key = source.key`.

use std::borrow::Cow;

use super::Relationship;
use crate::{
    clause::{IntoJoin, Join, JoinKind, Source},
    entity::Entity,
    expr::{AliasColumn, Connective, Expression, Infix, TableColumn, connect},
    render::{Compile, CompileError, Scope},
    schema::Table,
};

#[diagnostic::do_not_recommend]
impl<R: Relationship> IntoJoin for R {
    fn into_joins(self, kind: JoinKind, from: Option<&Source>, joins: &mut Vec<Join>) -> Compile {
        if R::Source::TABLE == R::Target::TABLE {
            return Err(to_itself(&self, |aliased| format!(".join({aliased})")));
        }
        join(&self, [None, None], kind, from, joins)
    }
}

/// Appends the joins that lead from the source to the target, or from and to aliases of them.
pub(super) fn join<R: Relationship>(
    relationship: &R,
    [source, target]: [Option<Cow<'static, str>>; 2],
    kind: JoinKind,
    from: Option<&Source>,
    joins: &mut Vec<Join>,
) -> Compile {
    let source = End { table: R::Source::TABLE, alias: source, columns: relationship.source_columns() };
    let Some(through) = relationship.through() else {
        let target = End { table: R::Target::TABLE, alias: target, columns: relationship.target_columns() };
        joins.push(target.join(&source, kind));
        return Ok(());
    };
    let before = Scope::new(from.map(Source::as_ref), joins);
    let link = match &target {
        _ if !before.contains(through.table.name) => None,
        Some(alias) => Some(Cow::Owned(link_name(alias, before))),
        None => return Err(read_already(relationship, through.table)),
    };
    let near = End { table: through.table, alias: link.clone(), columns: through.source_columns };
    let far = End { table: through.table, alias: link, columns: through.target_columns };
    let target = End { table: R::Target::TABLE, alias: target, columns: relationship.target_columns() };
    joins.push(near.join(&source, kind));
    joins.push(target.join(&far, kind));
    Ok(())
}

/// A name for an association that is read already under its own: that of the alias behind it and `_link`, with a number if
/// something else has that name. It is short, so that it is too long only where the alias nearly is.
fn link_name(alias: &str, before: Scope<'_>) -> String {
    let mut name = format!("{alias}_link");
    let mut number = 2;
    while before.contains(&name) {
        name = format!("{alias}_link_{number}");
        number += 1;
    }
    name
}

/// What is said where both ends would have one name.
pub(super) fn to_itself<R: Relationship>(relationship: &R, usage: impl Fn(&str) -> String) -> CompileError {
    let Table { entity, name, .. } = R::Source::TABLE;
    let relationship = format!("{entity}::{}", relationship.name());
    let usage = usage(&format!("{relationship}.to(&other)"));
    CompileError::invalid(format!(
        "{relationship} leads from {name} to {name}, so one of them needs another name: `let other = {entity}::alias(\"other\")` and `{usage}`"
    ))
}

fn read_already<R: Relationship>(relationship: &R, through: &Table) -> CompileError {
    CompileError::invalid(format!(
        "{0} is read from already, and {1}::{2} leads through it: give the other end another name, `let other = {3}::alias(\"other\")` and `.join({1}::{2}.to(&other))`",
        through.name,
        R::Source::TABLE.entity,
        relationship.name(),
        R::Target::TABLE.entity,
    ))
}

/// One side of a link.
#[derive(Clone)]
pub(super) struct End {
    pub(super) table: &'static Table,
    pub(super) alias: Option<Cow<'static, str>>,
    pub(super) columns: &'static [usize],
}

impl End {
    /// Joins this side to the other.
    pub(super) fn join(&self, other: &End, kind: JoinKind) -> Join {
        Join { kind, source: self.source(), on: self.equals(other) }
    }

    /// That the two belong together.
    pub(super) fn equals(&self, other: &End) -> Option<Expression> {
        let pairs = self.columns.iter().zip(other.columns);
        let conditions = pairs.map(|(own, others)| Infix::equals(self.column(*own), other.column(*others)));
        conditions.reduce(|all, next| connect(Connective::And, all, next))
    }

    pub(super) fn source(&self) -> Source {
        match &self.alias {
            None => Source::Table(self.table),
            Some(alias) => Source::Alias(self.table, alias.clone()),
        }
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
