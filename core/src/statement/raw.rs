//! Statements written as SQL text.

use std::{borrow::Cow, fmt};

use super::ReadRow;
use crate::{
    clause::Columns,
    driver::Row,
    entity::Entity,
    error::{Error, ErrorClass, Result},
    expr::{IntoExpr, Raw},
    projection::{NamedRow, Projection, RowReader},
    render::{Compile, Renderer, Statement},
    value::Cell,
};

/// SQL text with binds, whose rows become an `R`.
pub struct RawStatement<R = ()> {
    raw: Raw,
    read: ReadRow<R>,
}

/// A statement as SQL text, in which each `?` stands for a bind on every database; `??` is a plain question mark.
///
/// The text is `'static`, so that nothing from outside can be in it.
///
/// ```
/// use relata_core::{dialect::Standard, render::Statement, statement::sql};
///
/// let statement = sql("DELETE FROM users WHERE id = ?").bind(7_i64);
/// assert_eq!(statement.compile(&Standard)?.binds.len(), 1);
/// # Ok::<(), relata_core::Error>(())
/// ```
pub fn sql(text: &'static str) -> RawStatement {
    RawStatement::new(Cow::Borrowed(text))
}

/// As [`sql`], of text that is only known at run time. Whoever can choose the text can do anything to the database: never
/// put together such text from what a user sent.
pub fn sql_unchecked(text: String) -> RawStatement {
    RawStatement::new(Cow::Owned(text))
}

impl RawStatement {
    fn new(sql: Cow<'static, str>) -> Self {
        RawStatement {
            raw: Raw { sql, arguments: Vec::new() },
            // Columns whose types nobody said would be dropped.
            read: |row: &mut RowReader<'_>| {
                row.end()
                    .map_err(|e| e.context("say the types of the columns, `.columns::<(i64, String)>()`"))
            },
        }
    }
}

impl<R> RawStatement<R> {
    /// The value of the next `?`.
    #[must_use]
    pub fn bind(mut self, value: impl IntoExpr) -> Self {
        self.raw.arguments.push(value.into_expr().into_node());
        self
    }

    /// The types of the columns, in order: one type, or a tuple.
    ///
    /// ```
    /// use relata_core::statement::sql;
    ///
    /// let statement = sql("SELECT id, email FROM users").columns::<(i64, String)>();
    /// ```
    pub fn columns<T: Columns<Exprs: Projection<Row = T>>>(self) -> RawStatement<T> {
        RawStatement { raw: self.raw, read: read_all::<T::Exprs> }
    }

    /// Reads each row as an entity: its columns are found by their names, in whatever order they come and whatever else is there.
    ///
    /// One that is not there, or is there twice, is an error of class [`Decode`](crate::ErrorClass::Decode).
    pub fn entities<E: Entity>(self) -> RawStatement<E> {
        RawStatement { raw: self.raw, read: read_entity::<E> }
    }

    /// Reads each row as a struct with `#[derive(Row)]`: its fields take the columns with their names, in whatever order they come and
    /// whatever else is there.
    ///
    /// A column that is not there, or is there twice, is an error of class [`Decode`](crate::ErrorClass::Decode), and so is NULL for a field
    /// that cannot hold it.
    pub fn rows<T: NamedRow>(self) -> RawStatement<T> {
        RawStatement { raw: self.raw, read: read_row::<T> }
    }

    /// How a row becomes an `R`.
    pub fn reader(&self) -> ReadRow<R> {
        self.read
    }
}

/// Reads a row that has no more cells than are wanted.
fn read_all<P: Projection>(row: &mut RowReader<'_>) -> Result<P::Row> {
    let read = P::read(row)?;
    row.end()?;
    Ok(read)
}

fn read_entity<E: Entity>(row: &mut RowReader<'_>) -> Result<E> {
    read_by_name(row, E::TABLE.columns.iter().map(|column| column.name), E::read)
}

fn read_row<T: NamedRow>(row: &mut RowReader<'_>) -> Result<T> {
    read_by_name(row, T::FIELDS.iter().map(|(name, _)| *name), T::read)
}

/// Reads what has columns of these names, which may stand anywhere in the row.
fn read_by_name<R>(
    row: &mut RowReader<'_>,
    names: impl Iterator<Item = &'static str>,
    read: fn(&mut RowReader<'_>) -> Result<R>,
) -> Result<R> {
    let row = row.row();
    let places = names.map(|name| place_of(name, row)).collect::<Result<_>>()?;
    read(&mut RowReader::new(&mut Rearranged { row, places }))
}

/// The place of the column with a name.
fn place_of(name: &str, row: &dyn Row) -> Result<usize> {
    let mut places = (0..row.width()).filter(|place| row.name(*place) == name);
    let why = match (places.next(), places.next()) {
        (Some(place), None) => return Ok(place),
        (Some(_), Some(_)) => {
            format!("the rows have two columns named {name}: select one of them, or under another name")
        }
        (None, _) => {
            let names: Vec<&str> = (0..row.width()).map(|place| row.name(place)).collect();
            format!("the rows have no column {name}, but {}", names.join(", "))
        }
    };
    Err(Error::new(ErrorClass::Decode, why))
}

/// A row with its cells at other places.
struct Rearranged<'r> {
    row: &'r mut dyn Row,
    places: Vec<usize>,
}

impl Rearranged<'_> {
    /// Where a cell stands; behind all others if there is none.
    fn place(&self, index: usize) -> usize {
        self.places.get(index).copied().unwrap_or_else(|| self.row.width())
    }
}

impl Row for Rearranged<'_> {
    fn width(&self) -> usize {
        self.places.len()
    }

    fn cell(&self, index: usize) -> Result<Cell<'_>> {
        self.row.cell(self.place(index))
    }

    fn integer(&self, index: usize) -> Option<i64> {
        self.row.integer(self.place(index))
    }

    fn take_text(&mut self, index: usize) -> Option<String> {
        self.row.take_text(self.place(index))
    }

    fn name(&self, index: usize) -> &str {
        self.row.name(self.place(index))
    }
}

impl<R> Statement for RawStatement<R> {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        self.raw.render_text(out)
    }
}

impl<R> Clone for RawStatement<R> {
    fn clone(&self) -> Self {
        RawStatement { raw: self.raw.clone(), read: self.read }
    }
}

impl<R> fmt::Debug for RawStatement<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RawStatement").field(&self.raw.sql).finish()
    }
}
