//! The rows of an INSERT (SQL:2016 Foundation 14.11).

use crate::{
    dialect::Feature,
    entity::Input,
    render::{Compile, CompileError, Renderer},
    schema::Table,
};

/// The rows of an INSERT: for each row a place for each column of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Values<'s> {
    /// The table.
    pub table: &'static Table,
    /// Row after row.
    pub inputs: &'s [Input],
}

impl<'s> Values<'s> {
    /// The rows.
    pub fn rows(self) -> impl ExactSizeIterator<Item = &'s [Input]> + Clone {
        self.inputs.chunks_exact(self.table.columns.len().max(1))
    }

    /// The places of the columns that at least one row has a value for.
    pub fn columns(self) -> Vec<usize> {
        (0..self.table.columns.len())
            .filter(|column| self.rows().any(|row| row[*column] != Input::Default))
            .collect()
    }

    /// Writes ` ("a", "b")`.
    ///
    /// # Errors
    ///
    /// If a name cannot be written.
    pub fn render_columns(self, columns: &[usize], out: &mut Renderer<'s>) -> Compile {
        out.sql(" (");
        out.list(columns, ", ", |out, column| out.identifier(self.table.columns[*column].name).map(drop))?;
        out.sql(")");
        Ok(())
    }

    /// Writes ` VALUES (…), (…)`: all rows, each in the order of these columns. `write_default` writes what stands where a row has no
    /// value for a column, whose place it is told.
    ///
    /// # Errors
    ///
    /// Those of `write_default`; the key of a row that is not there yet.
    pub fn render_rows(
        self,
        columns: &[usize],
        out: &mut Renderer<'s>,
        write_default: impl Fn(&mut Renderer<'s>, usize) -> Compile,
    ) -> Compile {
        let write_row = |out: &mut Renderer<'s>, row: &'s [Input]| {
            out.sql("(").list(columns, ", ", |out, column| match &row[*column] {
                Input::Value(value) => {
                    out.bind(value);
                    Ok(())
                }
                Input::Default => write_default(out, *column),
                Input::Pending(..) => Err(self.pending()),
            })?;
            out.sql(")");
            Ok(())
        };
        let mut rows = self.rows();
        out.sql(" VALUES ");
        rows.next().map_or(Ok(()), |first| write_row(out, first))?;
        while let Some(row) = rows.next() {
            let start = out.mark();
            write_row(out.sql(", "), row)?;
            if !out.dialect().numbers_binds() {
                // Thousands of rows mostly have one text.
                let count = rows.clone().take_while(|next| alike(columns, row, next)).count();
                let values = |row: &'s [Input]| columns.iter().filter_map(|column| row[*column].value());
                out.repeat(start, count, rows.by_ref().take(count).flat_map(values));
            }
        }
        Ok(())
    }

    fn pending(self) -> CompileError {
        CompileError::invalid(format!(
            "a row of {} refers to an entity by its handle, which only its session can follow: add the row to the session, or give it the key",
            self.table.name
        ))
    }

    pub(super) fn render(self, out: &mut Renderer<'s>) -> Compile {
        let columns = self.columns();
        if columns.is_empty() {
            if self.rows().len() > 1 {
                return Err(CompileError::invalid("several rows of defaults only: insert them one by one"));
            }
            out.sql(" DEFAULT VALUES");
            return Ok(());
        }
        self.render_columns(&columns, out)?;
        self.render_rows(&columns, out, |out, _| {
            out.require(Feature::DefaultInValues)?.sql("DEFAULT");
            Ok(())
        })
    }
}

/// Whether two rows have values of the same types in these columns, and nothing else.
fn alike(columns: &[usize], a: &[Input], b: &[Input]) -> bool {
    columns.iter().all(|column| match (a[*column].value(), b[*column].value()) {
        (Some(a), Some(b)) => a.is_alike(b),
        _ => false,
    })
}
