//! Columns of what has a name in one statement only: of subqueries and CTEs.

use std::borrow::Cow;

use super::source::SourceRef;
use crate::{
    entity::Entity,
    expr::{AliasColumn, Column, Expr, Expression, misplaced},
    schema::{ColumnDef, Table},
    statement::{Query, SelectBody},
    types::Type,
    value::Kind,
};

/// A row of plain values, whose columns can be named as a tuple of expressions.
#[diagnostic::on_unimplemented(
    message = "the columns of `{Self}` cannot be named as a tuple",
    note = "`.column(User::email)` names a column of a selected entity"
)]
pub trait Columns {
    /// An expression for each column: `(Expr<i64>, Expr<String>)`.
    type Exprs;

    /// Makes them, the nth by `column`, which is told its type.
    fn exprs(column: &mut dyn FnMut(usize, Kind) -> Expression) -> Self::Exprs;
}

impl<T: Type> Columns for T {
    type Exprs = Expr<T>;

    fn exprs(column: &mut dyn FnMut(usize, Kind) -> Expression) -> Expr<T> {
        Expr::new(column(0, T::KIND))
    }
}

macro_rules! columns {
    ($($($name:ident $at:literal)+;)*) => {
        $(impl<$($name: Type),+> Columns for ($($name,)+) {
            type Exprs = ($(Expr<$name>,)+);

            fn exprs(column: &mut dyn FnMut(usize, Kind) -> Expression) -> Self::Exprs {
                ($(Expr::new(column($at, $name::KIND)),)+)
            }
        })*
    };
}

columns! {
    A 0;
    A 0 B 1;
    A 0 B 1 C 2;
    A 0 B 1 C 2 D 3;
    A 0 B 1 C 2 D 3 E 4;
    A 0 B 1 C 2 D 3 E 4 F 5;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11 M 12 N 13 O 14 P 15;
}

/// A column by its name, of something that the statement names itself.
pub(super) fn named_column(alias: Cow<'static, str>, column: Cow<'static, str>, kind: Kind) -> Expression {
    Expression::AliasColumn(Box::new(AliasColumn { alias, column, table: None, kind: Some(kind) }))
}

/// The column that a statement which was given a name reads from this one.
pub(super) fn read_column<E: Entity, T: Type>(
    name: Cow<'static, str>,
    columns: &[Cow<'static, str>],
    select: &SelectBody,
    column: Column<E, T>,
) -> Expr<T> {
    let (table, column) = (E::TABLE, column.def());
    Expr::new(match name_of(columns, select, table, column) {
        Some(known) => named_column(name, known.clone(), column.ty.kind),
        None => misplaced(format!(
            "{name} has no column, or several, that it reads as they are from {}.{}: `.columns()` gives all that it has",
            table.name, column.name
        )),
    })
}

/// The name that a statement gives to a column which it reads. If it is read more than once, that of its table itself.
fn name_of<'c>(
    columns: &'c [Cow<'static, str>],
    select: &SelectBody,
    table: &'static Table,
    column: &'static ColumnDef,
) -> Option<&'c Cow<'static, str>> {
    let query = select.leftmost();
    let mut others = Vec::new();
    for (known, item) in columns.iter().zip(&query.items) {
        match &item.expression {
            Expression::Column(c) if std::ptr::eq(c.column, column) => return Some(known),
            Expression::AliasColumn(c) if is_from(query, c, table, column) => others.push(known),
            _ => {}
        }
    }
    Some(others.pop()?).filter(|_| others.is_empty())
}

/// Whether a column of something with another name is this one of the table.
fn is_from(query: &Query, named: &AliasColumn, table: &'static Table, column: &'static ColumnDef) -> bool {
    if named.table.is_some() {
        return named.table == Some(table) && named.column == column.name;
    }
    let known = query.sources().find(|source| source.name() == named.alias).and_then(|source| match source {
        SourceRef::Subquery(derived) => name_of(&derived.columns, &derived.select, table, column),
        SourceRef::Cte(cte) | SourceRef::CteAlias(cte, _) => {
            name_of(&cte.columns, &cte.select, table, column)
        }
        SourceRef::Table(_) | SourceRef::Alias(..) => None,
    });
    known == Some(&named.column)
}
