//! A dialect without a database: standard SQL, for printing statements and for tests.

use super::{Dialect, Feature};
use crate::{
    render::{Compile, Renderer},
    schema::ColumnType,
    value::Kind,
};

/// Standard SQL, with `?` for binds and every feature claimed. For looking at statements; no database speaks it.
///
/// ```
/// use relata_core::{dialect::Standard, expr::val, render::Statement, statement::select};
///
/// let statement = select(val(1_i64));
/// let compiled = statement.compile(&Standard)?;
/// assert_eq!(compiled.sql, "SELECT ?");
/// # Ok::<(), relata_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Standard;

impl Dialect for Standard {
    fn name(&self) -> &'static str {
        "standard SQL"
    }

    fn supports(&self, feature: Feature) -> bool {
        // A list as one parameter has no standard spelling.
        feature != Feature::ArrayBind
    }

    fn render_type(&self, ty: &ColumnType, out: &mut Renderer<'_>) -> Compile {
        out.sql(match ty.kind {
            Kind::Bool => "BOOLEAN",
            Kind::I8 | Kind::I16 | Kind::U8 => "SMALLINT",
            Kind::I32 | Kind::U16 => "INTEGER",
            Kind::I64 | Kind::U32 | Kind::U64 => "BIGINT",
            Kind::F32 => "REAL",
            Kind::F64 => "DOUBLE PRECISION",
            Kind::Text | Kind::Enum(_) | Kind::Json | Kind::Array(_) => "CHARACTER VARYING",
            Kind::Bytes => "BINARY VARYING",
            Kind::Decimal => "NUMERIC",
            Kind::Uuid => "UUID",
            Kind::Date => "DATE",
            Kind::Time => "TIME",
            Kind::Timestamp => "TIMESTAMP",
            Kind::TimestampTz => "TIMESTAMP WITH TIME ZONE",
        });
        Ok(())
    }
}
