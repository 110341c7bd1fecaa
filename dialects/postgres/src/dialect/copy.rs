//! Thousands of rows in one INSERT: COPY, which does the same in little more than half of the time.

use relata_core::{
    clause::Values,
    dialect::{BulkInsert, Dialect},
    entity::Input,
    render::{Bind, Compile, Compiled, InputColumn, Renderer},
    statement::InsertBody,
    value::{Kind, Value},
};
use tokio_postgres::types::Type;

use crate::driver::bind_type;

/// From how many rows on COPY is worth the question whether it may be.
const FROM_ROWS: usize = 2_000;

/// Whether COPY does the same as INSERT for a table: not if it is a view, has rules, row security or a key that only the database
/// may give ("COPY", Notes; 5.9), nor if a column has another type than its values, which INSERT would convert and COPY does
/// not. `varchar` and `text` are the same bytes.
const CHECK: &str = "\
    SELECT c.relkind IN ('r', 'p') AND NOT c.relhasrules AND NOT ROW_SECURITY_ACTIVE(c.oid) \
    AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attidentity = 'a') \
    AND (SELECT COUNT(*) FROM UNNEST($2::TEXT[], $3::BIGINT[]) AS w (name, type) \
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = w.name \
        WHERE CASE a.atttypid WHEN 1043 THEN 25 ELSE a.atttypid END = w.type) = $4::BIGINT \
    FROM pg_class c WHERE c.oid = TO_REGCLASS($1::TEXT)";

/// `COPY table (columns) FROM STDIN (FORMAT binary)`, if there are enough rows, each with a value for each column, and
/// nothing that COPY cannot do.
pub(super) fn bulk_insert<'s>(
    dialect: &'s dyn Dialect,
    insert: &'s InsertBody,
) -> Compile<Option<BulkInsert<'s>>> {
    let rows = insert.values();
    if rows.rows().len() < FROM_ROWS || insert.conflict.is_some() || !insert.returning.is_empty() {
        return Ok(None);
    }
    let columns = rows.columns();
    if !fits(rows, &columns) {
        return Ok(None);
    }
    let mut name = Renderer::new(dialect);
    name.table(rows.table)?;
    let name = name.finish().sql;
    let types = columns.iter().map(|column| bind_type(rows.table.columns[*column].ty.kind));
    let types: Vec<Value> = types.map(|ty| Value::I64(i64::from(ty.oid()))).collect();
    let names = columns.iter().map(|column| Value::Text(rows.table.columns[*column].name.to_owned()));
    let check = Compiled {
        sql: CHECK.to_owned(),
        binds: vec![
            Bind::from(Value::Text(name)),
            Bind::from(Value::Array(Kind::Text, names.collect())),
            Bind::from(Value::Array(Kind::I64, types)),
            Bind::from(Value::I64(columns.len() as i64)),
        ],
    };
    let mut copy = Renderer::new(dialect);
    copy.sql("COPY ").table(rows.table)?;
    rows.render_columns(&columns, &mut copy)?;
    copy.sql(" FROM STDIN (FORMAT binary)");
    let binds = columns.iter().map(|column| Bind::Column(InputColumn::new(rows, *column))).collect();
    Ok(Some(BulkInsert { check, copy: Compiled { sql: copy.finish().sql, binds } }))
}

/// Whether there is a value for each column of each row, of a type whose number is known.
fn fits(rows: Values<'_>, columns: &[usize]) -> bool {
    let known = |column: &usize| bind_type(rows.table.columns[*column].ty.kind) != Type::UNKNOWN;
    let whole = |row: &[Input]| columns.iter().all(|column| matches!(row[*column], Input::Value(_)));
    !columns.is_empty() && columns.iter().all(known) && rows.rows().all(whole)
}
