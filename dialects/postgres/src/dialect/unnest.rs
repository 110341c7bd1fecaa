//! Many rows in one INSERT: one array per column instead of a placeholder per value.

use relata_core::{
    clause::{Clause, Values},
    entity::Input,
    render::{Bind, Compile, InputColumn, Renderer},
    schema::ColumnType,
    value::Kind,
};

/// From how many rows on arrays are not slower than VALUES. Measured: 1.02 of its time at 100 rows, 0.81 to 0.89 at 1,000.
const FROM_ROWS: usize = 100;

/// Writes the rows of an INSERT: ` ("a", "b") SELECT … FROM UNNEST($1::BIGINT[], $2::TEXT[]) …` (9.19, "unnest", and
/// 7.2.1.4, WITH ORDINALITY), which is one text for any number of rows; VALUES where that cannot be.
pub(super) fn render<'s>(values: Values<'s>, out: &mut Renderer<'s>) -> Compile {
    let columns = values.columns();
    if !fits(values, &columns) {
        return Clause::Values(values).render(out);
    }
    values.render_columns(&columns, out)?;
    out.sql(" SELECT ");
    out.list(0..columns.len(), ", ", |out, at| {
        out.sql("c").number(at as u64);
        Ok(())
    })?;
    out.sql(" FROM UNNEST(");
    out.list(&columns, ", ", |out, column| {
        let column = InputColumn::new(values, *column);
        out.bind(Bind::Column(column)).sql("::");
        out.dialect().render_type(&ColumnType::new(column.kind()), out)?;
        out.sql("[]");
        Ok(())
    })?;
    // Rows are numbered by the database in the order in which they come; ORDER BY makes it that of the list (7.5).
    out.sql(") WITH ORDINALITY AS r (");
    out.list(0..columns.len(), ", ", |out, at| {
        out.sql("c").number(at as u64);
        Ok(())
    })?;
    out.sql(", n) ORDER BY n");
    Ok(())
}

/// Whether there are enough rows, and each has a value for each column: there is no DEFAULT in an array, nor an array of
/// arrays of different lengths.
fn fits(values: Values<'_>, columns: &[usize]) -> bool {
    let plain = |column: &usize| !matches!(values.table.columns[*column].ty.kind, Kind::Array(_));
    let whole = |row: &[Input]| columns.iter().all(|column| matches!(row[*column], Input::Value(_)));
    values.rows().len() >= FROM_ROWS
        && !columns.is_empty()
        && columns.iter().all(plain)
        && values.rows().all(whole)
}
