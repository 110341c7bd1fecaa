//! What a statement reads from: tables, aliases, subqueries, CTEs (SQL:2016 Foundation 7.6).

use std::{borrow::Cow, marker::PhantomData, mem::discriminant, sync::Arc};

use super::{
    columns::{Columns, named_column, read_column},
    cte::CteDefinition,
};
use crate::{
    clause::Cte,
    entity::Entity,
    expr::{Alias, Column, Expr, Expression},
    projection::EntityProjection,
    render::{CacheKey, Compile, Renderer, Scope, Statement},
    schema::Table,
    statement::{Core, Select, SelectBody},
    types::Type,
};

/// Something to read from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Source {
    /// A table under its own name.
    Table(&'static Table),
    /// A table under another name.
    Alias(&'static Table, Cow<'static, str>),
    /// A subquery.
    Subquery(Arc<Derived>),
    /// A CTE, under its own name.
    Cte(Arc<CteDefinition>),
    /// A CTE under another name.
    CteAlias(Arc<CteDefinition>, Cow<'static, str>),
}

/// A subquery with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Derived {
    /// Its name.
    pub name: Cow<'static, str>,
    /// What it reads.
    pub select: SelectBody,
    /// The names of its columns.
    pub columns: Vec<Cow<'static, str>>,
}

impl Source {
    /// A look at it, which is cheap to hand around.
    pub fn as_ref(&self) -> SourceRef<'_> {
        match self {
            Source::Table(table) => SourceRef::Table(table),
            Source::Alias(table, name) => SourceRef::Alias(table, name),
            Source::Subquery(derived) => SourceRef::Subquery(derived),
            Source::Cte(cte) => SourceRef::Cte(cte),
            Source::CteAlias(cte, name) => SourceRef::CteAlias(cte, name),
        }
    }

    pub(crate) fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        key.part(&discriminant(self));
        match self {
            Source::Table(table) => drop(key.place(*table)),
            Source::Alias(table, name) => drop(key.place(*table).part(name)),
            Source::Subquery(derived) => {
                let Derived { name, select, columns } = &**derived;
                select.cache_key(key.part(name).part(columns));
            }
            // One that is read twice is written once.
            Source::Cte(_) | Source::CteAlias(..) => key.refuse(),
        }
    }
}

/// Something to read from, borrowed from the statement.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum SourceRef<'s> {
    /// A table under its own name.
    Table(&'static Table),
    /// A table under another name.
    Alias(&'static Table, &'s Cow<'static, str>),
    /// A subquery.
    Subquery(&'s Arc<Derived>),
    /// A CTE, under its own name.
    Cte(&'s Arc<CteDefinition>),
    /// A CTE under another name.
    CteAlias(&'s Arc<CteDefinition>, &'s Cow<'static, str>),
}

impl<'s> SourceRef<'s> {
    /// The table, or alias of one, of which an expression is a column.
    pub(crate) fn of_column(expression: &'s Expression) -> Option<Self> {
        match expression {
            Expression::Column(column) => Some(SourceRef::Table(column.table)),
            Expression::AliasColumn(column) => Some(SourceRef::Alias(column.table?, &column.alias)),
            _ => None,
        }
    }

    /// The name by which columns refer to it.
    pub fn name(self) -> &'s str {
        match self {
            SourceRef::Table(table) => table.name,
            SourceRef::Alias(_, name) | SourceRef::CteAlias(_, name) => name,
            SourceRef::Subquery(derived) => &derived.name,
            SourceRef::Cte(cte) => &cte.name,
        }
    }

    /// The same, owned.
    pub fn to_source(self) -> Source {
        match self {
            SourceRef::Table(table) => Source::Table(table),
            SourceRef::Alias(table, name) => Source::Alias(table, name.clone()),
            SourceRef::Subquery(derived) => Source::Subquery(derived.clone()),
            SourceRef::Cte(cte) => Source::Cte(cte.clone()),
            SourceRef::CteAlias(cte, name) => Source::CteAlias(cte.clone(), name.clone()),
        }
    }

    /// Whether columns of this table are read from it.
    pub(crate) fn is_table(self, table: &'static Table) -> bool {
        matches!(self, SourceRef::Table(own) if std::ptr::eq(own, table))
    }

    /// Whether it has a column of this name, be it in the other case.
    pub(crate) fn has_column(self, name: &str) -> bool {
        let lower = name.to_lowercase();
        let is = |column: &str| column.to_lowercase() == lower;
        match self {
            SourceRef::Table(table) | SourceRef::Alias(table, _) => {
                table.columns.iter().any(|column| is(column.name))
            }
            SourceRef::Subquery(derived) => derived.columns.iter().any(|column| is(column)),
            SourceRef::Cte(cte) | SourceRef::CteAlias(cte, _) => cte.columns.iter().any(|column| is(column)),
        }
    }

    /// Whether it has this name, which the statement gives it.
    pub(crate) fn is_alias(self, name: &str) -> bool {
        !matches!(self, SourceRef::Table(_)) && self.name() == name
    }

    /// How to give it another name.
    pub(crate) fn how_to_alias(self) -> &'static str {
        match self {
            SourceRef::Table(_) | SourceRef::Alias(..) => "`let other = …::alias(\"other\")`",
            _ => "`let other = ….alias(\"other\")`",
        }
    }

    /// How to name a column of what is read inside of it, if that is.
    pub(crate) fn remedy(self, inside: &str) -> Option<String> {
        let select = match self {
            SourceRef::Table(_) | SourceRef::Alias(..) => None,
            SourceRef::Subquery(derived) => Some(&derived.select),
            SourceRef::Cte(cte) | SourceRef::CteAlias(cte, _) => Some(&cte.select),
        }?;
        if !select.leftmost().sources().any(|source| source.name() == inside) {
            return None;
        }
        Some(match select.core {
            Core::Query(_) => format!("{inside} is read inside of {0}: take the column from {0}", self.name()),
            Core::Set(_) => "a set operation gives rows of its own: name them, `let rows = ….subquery(\"rows\")`, and take the \
                column from `rows.columns()`"
                .to_owned(),
        })
    }

    pub(super) fn render(self, out: &mut Renderer<'s>) -> Compile {
        match self {
            SourceRef::Table(table) => out.source_table(table)?,
            SourceRef::Alias(table, name) => out.source_table(table)?.sql(" AS ").identifier(name)?,
            SourceRef::Subquery(derived) => {
                // It cannot name what it is read beside: that would take LATERAL.
                let scope = out.change_scope(Some(Scope::default()));
                out.sql("(");
                derived.select.render(out)?;
                out.change_scope(scope);
                out.sql(") AS ").identifier(&derived.name)?
            }
            SourceRef::Cte(cte) => out.identifier(&cte.name)?,
            SourceRef::CteAlias(cte, name) => out.identifier(&cte.name)?.sql(" AS ").identifier(name)?,
        };
        Ok(())
    }
}

/// What can be read from: an entity, an alias, a subquery, a CTE.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from",
    note = "entities (`User::entity()`), aliases, subqueries and CTEs can"
)]
pub trait IntoSource {
    /// As a source.
    fn into_source(self) -> Source;
}

impl<E: Entity> IntoSource for EntityProjection<E> {
    fn into_source(self) -> Source {
        match self.alias {
            None => Source::Table(E::TABLE),
            Some(alias) => Source::Alias(E::TABLE, alias),
        }
    }
}

impl<E: Entity> IntoSource for Alias<E> {
    fn into_source(self) -> Source {
        Source::Alias(E::TABLE, self.name().clone())
    }
}

impl<E: Entity> IntoSource for &Alias<E> {
    fn into_source(self) -> Source {
        self.clone().into_source()
    }
}

impl IntoSource for Source {
    fn into_source(self) -> Source {
        self
    }
}

/// A subquery to read from, with typed columns. [`Select::subquery`] makes it.
#[derive(Debug, Clone)]
pub struct Subquery<R> {
    derived: Arc<Derived>,
    row: PhantomData<fn() -> R>,
}

impl<R> IntoSource for Subquery<R> {
    fn into_source(self) -> Source {
        Source::Subquery(self.derived)
    }
}

impl<R> IntoSource for &Subquery<R> {
    fn into_source(self) -> Source {
        Source::Subquery(self.derived.clone())
    }
}

impl<R> IntoSource for Cte<R> {
    fn into_source(self) -> Source {
        match self.alias {
            None => Source::Cte(self.definition),
            Some(name) => Source::CteAlias(self.definition, name),
        }
    }
}

impl<R> IntoSource for &Cte<R> {
    fn into_source(self) -> Source {
        self.clone().into_source()
    }
}

impl<R: Columns> Subquery<R> {
    /// Its columns, typed: `let (author, posts) = per_author.columns();`
    pub fn columns(&self) -> R::Exprs {
        // The names were made by `Select::subquery`, one for each item of the row.
        R::exprs(&mut |at, kind| {
            let column = self.derived.columns.get(at).cloned().unwrap_or_default();
            named_column(self.derived.name.clone(), column, kind)
        })
    }
}

impl<R> Subquery<R> {
    pub(crate) fn new(name: Cow<'static, str>, mut select: SelectBody) -> Self {
        let columns = select.name_columns();
        Subquery { derived: Arc::new(Derived { name, select, columns }), row: PhantomData }
    }

    /// The same under another name: to read it twice in one statement. It is then written twice as well; a
    /// [CTE](Select::cte) is not.
    pub fn alias(&self, name: impl Into<Cow<'static, str>>) -> Self {
        Subquery {
            derived: Arc::new(Derived { name: name.into(), ..Derived::clone(&self.derived) }),
            row: PhantomData,
        }
    }

    /// The column that it reads, as it is, from this one. If there is none, it is an error when the statement is compiled.
    pub fn column<E: Entity, T: Type>(&self, column: Column<E, T>) -> Expr<T> {
        let Derived { name, select, columns } = &*self.derived;
        read_column(name.clone(), columns, select, column)
    }
}

impl<R> Select<R> {
    /// The statement as something to read from: `(SELECT …) AS name`.
    pub fn subquery(self, name: impl Into<Cow<'static, str>>) -> Subquery<R> {
        Subquery::new(name.into(), self.into_body())
    }
}
