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

    /// Writes one input.
    ///
    /// # Errors
    ///
    /// If it is a default where the database wants a value, or the key of a row that is not there yet.
    pub fn render_input(self, input: &'s Input, out: &mut Renderer<'s>) -> Compile {
        match input {
            Input::Value(value) => out.bind(value),
            Input::Default => out.require(Feature::DefaultInValues)?.sql("DEFAULT"),
            Input::Pending(..) => {
                return Err(CompileError::invalid(format!(
                    "a row of {} refers to an entity that is not inserted yet: add it to the session of that entity",
                    self.table.name
                )));
            }
        };
        Ok(())
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
        out.sql(" VALUES ").list(self.rows(), ", ", |out, row| {
            out.sql("(").list(&columns, ", ", |out, column| self.render_input(&row[*column], out))?.sql(")");
            Ok(())
        })?;
        Ok(())
    }
}
