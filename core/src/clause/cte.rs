//! `WITH name AS (SELECT …)` (SQL:2016 Foundation 7.17).

use std::{borrow::Cow, marker::PhantomData, sync::Arc};

use super::columns::{Columns, named_column, read_column};
use crate::{
    entity::Entity,
    expr::{Column, Expr},
    render::{Compile, Renderer, Statement},
    statement::{Select, SelectBody},
    types::Type,
};

/// A subquery that a statement names at its start, with typed columns. [`Select::cte`] and [`recursive`] make it; whoever
/// reads from it gets the `WITH` as well.
#[derive(Debug)]
pub struct Cte<R> {
    pub(super) definition: Arc<CteDefinition>,
    /// The name that the statement reads it by, if not its own.
    pub(super) alias: Option<Cow<'static, str>>,
    row: PhantomData<fn() -> R>,
}

/// A named subquery.
#[derive(Debug, Clone, PartialEq)]
pub struct CteDefinition {
    /// Its name.
    pub name: Cow<'static, str>,
    /// The names of its columns.
    pub columns: Vec<Cow<'static, str>>,
    /// Whether it reads from itself.
    pub recursive: bool,
    /// What it reads; inside of a recursive one, what that began with.
    pub select: SelectBody,
    /// Whether it is read inside of itself, where the name stands for the rows found so far.
    pub inside: bool,
}

impl CteDefinition {
    /// Whether it is the same one.
    pub(crate) fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || self == other
    }

    /// Writes `name (columns) AS (SELECT …)`.
    pub(crate) fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.identifier(&self.name)?.sql(" (");
        out.list(&self.columns, ", ", |out, column| out.identifier(column).map(drop))?.sql(") AS (");
        self.select.render(out)?;
        out.sql(")");
        Ok(())
    }
}

impl<R> Select<R> {
    /// The statement as a CTE: `WITH name AS (SELECT …)`, written by each statement that reads from it.
    pub fn cte(self, name: impl Into<Cow<'static, str>>) -> Cte<R> {
        let mut select = self.into_body();
        let columns = select.name_columns();
        Cte::new(CteDefinition { name: name.into(), columns, recursive: false, select, inside: false })
    }
}

/// A recursive CTE: rows to begin with, and how more come from those there are (`UNION ALL`).
///
/// ```sql
/// WITH RECURSIVE "tree" ("id") AS (SELECT … UNION ALL SELECT … JOIN "tree" ON …)
/// ```
pub fn recursive<R>(
    name: impl Into<Cow<'static, str>>,
    begin: Select<R>,
    more: impl FnOnce(&Cte<R>) -> Select<R>,
) -> Cte<R> {
    let name = name.into();
    let mut first = begin.body().clone();
    let columns = first.name_columns();
    let inner = Cte::new(CteDefinition {
        name: name.clone(),
        columns: columns.clone(),
        recursive: true,
        select: first,
        inside: true,
    });
    let select = begin.union_all(more(&inner)).into_body();
    Cte::new(CteDefinition { name, columns, recursive: true, select, inside: false })
}

impl<R: Columns> Cte<R> {
    /// Its columns, typed.
    pub fn columns(&self) -> R::Exprs {
        R::exprs(&mut |at, kind| {
            named_column(
                self.name().clone(),
                self.definition.columns.get(at).cloned().unwrap_or_default(),
                kind,
            )
        })
    }
}

impl<R> Clone for Cte<R> {
    fn clone(&self) -> Self {
        Cte { definition: self.definition.clone(), alias: self.alias.clone(), row: PhantomData }
    }
}

impl<R> Cte<R> {
    fn new(definition: CteDefinition) -> Self {
        Cte { definition: Arc::new(definition), alias: None, row: PhantomData }
    }

    /// The same under another name, with columns of its own: to read it twice in one statement.
    ///
    /// ```sql
    /// WITH "tree" ("id") AS (…) SELECT … FROM "tree" JOIN "tree" AS "other" ON …
    /// ```
    pub fn alias(&self, name: impl Into<Cow<'static, str>>) -> Self {
        Cte { alias: Some(name.into()), ..self.clone() }
    }

    fn name(&self) -> &Cow<'static, str> {
        self.alias.as_ref().unwrap_or(&self.definition.name)
    }

    /// The column that it reads, as it is, from this one. If there is none, it is an error when the statement is compiled.
    pub fn column<E: Entity, T: Type>(&self, column: Column<E, T>) -> Expr<T> {
        read_column(self.name().clone(), &self.definition.columns, &self.definition.select, column)
    }
}
