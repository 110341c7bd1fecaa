//! `ON CONFLICT` (PostgreSQL manual, INSERT; SQLite "UPSERT"); MySQL says ON DUPLICATE KEY UPDATE.

use crate::{
    dialect::Feature,
    entity::Entity,
    expr::{Column, Expression},
    render::{Compile, CompileError, Renderer},
    schema::Table,
    types::Type,
};

/// What an INSERT does when a row with the same unique values is there.
#[derive(Debug, Clone, PartialEq)]
pub struct OnConflict {
    /// The places of the columns whose uniqueness is meant; none for any.
    pub target: Vec<usize>,
    /// What to do.
    pub action: ConflictAction,
}

/// What to do about a row that is there already.
#[derive(Debug, Clone, PartialEq)]
pub enum ConflictAction {
    /// `DO NOTHING`.
    Nothing,
    /// `DO UPDATE SET column = value, …`, by the places of the columns.
    Update(Vec<(usize, Expression)>),
}

/// Columns whose uniqueness an upsert is about: one, or a tuple.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no conflict target",
    note = "a unique column or a tuple of columns is"
)]
pub trait ConflictTarget {
    /// The entity whose columns they are.
    type Entity: Entity;

    /// The places of the columns.
    fn columns(&self) -> Vec<usize>;
}

impl<E: Entity, T: Type> ConflictTarget for Column<E, T> {
    type Entity = E;

    fn columns(&self) -> Vec<usize> {
        vec![self.index()]
    }
}

macro_rules! targets {
    ($($($name:ident $at:tt)+;)*) => {
        $(impl<EN: Entity, $($name: Type),+> ConflictTarget for ($(Column<EN, $name>,)+) {
            type Entity = EN;

            fn columns(&self) -> Vec<usize> {
                vec![$(self.$at.index()),+]
            }
        })*
    };
}

targets! {
    A 0;
    A 0 B 1;
    A 0 B 1 C 2;
    A 0 B 1 C 2 D 3;
}

impl OnConflict {
    pub(super) fn render<'s>(&'s self, table: &'static Table, out: &mut Renderer<'s>) -> Compile {
        out.sql(" ON CONFLICT");
        if !self.target.is_empty() {
            out.require(Feature::ConflictTarget)?;
            out.sql(" (");
            out.list(&self.target, ", ", |out, column| {
                out.identifier(table.columns[*column].name).map(drop)
            })?;
            out.sql(")");
        }
        match &self.action {
            ConflictAction::Nothing => out.sql(" DO NOTHING"),
            // Neither PostgreSQL nor SQLite could tell the two.
            ConflictAction::Update(_) if table.name.eq_ignore_ascii_case("excluded") => {
                return Err(CompileError::invalid(format!(
                    "a row of {} cannot be changed by an upsert: the row that could not be inserted is named excluded, too",
                    table.name
                )));
            }
            ConflictAction::Update(assignments) => {
                out.sql(" DO UPDATE SET ");
                render_assignments(table, assignments, out)?
            }
        };
        Ok(())
    }
}

/// Writes `"a" = …, "b" = …`.
///
/// # Errors
///
/// As rendering the values.
pub fn render_assignments<'s, 'o>(
    table: &'static Table,
    assignments: &'s [(usize, Expression)],
    out: &'o mut Renderer<'s>,
) -> Compile<&'o mut Renderer<'s>> {
    out.list(assignments, ", ", |out, (column, value)| {
        out.identifier(table.columns[*column].name)?.sql(" = ").expression(value).map(drop)
    })
}
