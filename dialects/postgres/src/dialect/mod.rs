//! How PostgreSQL spells SQL. Sections are those of the PostgreSQL 17 manual.

mod aggregate;
mod copy;
mod ddl;
mod enums;
mod unnest;

use relata_core::{
    ErrorClass,
    clause::Clause,
    ddl::{CreateEnum, Ddl, DropEnum, Named},
    dialect::{BulkInsert, Dialect, Feature},
    expr::{Cast, Expression, Node},
    render::{Compile, Precedence, Renderer, hex, render_literal, write_number},
    schema::ColumnType,
    statement::InsertBody,
    transaction::AfterError,
    value::{Kind, Value},
};

/// How PostgreSQL spells SQL, from version 12 on.
///
/// ```
/// use relata_core::{expr::{Operators, val}, render::Statement, statement::select};
/// use relata_postgres::Postgres;
///
/// let statement = select(val(1_i64)).filter(val("Äpfel".to_string()).icontains("ä"));
/// assert_eq!(statement.compile(&Postgres)?.sql, "SELECT $1 WHERE $2 ILIKE $3 ESCAPE '!'");
/// # Ok::<(), relata_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Postgres;

impl Dialect for Postgres {
    fn name(&self) -> &'static str {
        "PostgreSQL"
    }

    fn supports(&self, feature: Feature) -> bool {
        use Feature::*;
        // Features are claimed by name, so that one which is added to the list later is refused until somebody has tried it.
        matches!(
            feature,
            InsertReturning
                | UpdateReturning
                | DeleteReturning
                | FullJoin
                | RightJoin
                | Locking
                | SkipLocked
                | IntersectExcept
                | IntersectExceptAll
                | ArrayBind
                | NamedEnum
                | SetDefault
                | ConflictTarget
                | ReadOnlyTransaction
                | AggregateFilter
                | HavingAlone
                | GroupedParts
                | TransactionalDdl
                | DefaultInValues
                | AlterForeignKeys
                | Schemas
                | Pipelining
        )
    }

    // 8.1 to 8.15. There are no unsigned integers and none of 8 bits: the next larger type holds all their values, but for
    // u64, whose values above i64::MAX the driver refuses.
    fn render_type(&self, ty: &ColumnType, out: &mut Renderer<'_>) -> Compile {
        match ty.kind {
            Kind::Bool => out.sql("BOOLEAN"),
            Kind::I8 | Kind::I16 | Kind::U8 => out.sql("SMALLINT"),
            Kind::I32 | Kind::U16 => out.sql("INTEGER"),
            Kind::I64 | Kind::U32 | Kind::U64 => out.sql("BIGINT"),
            Kind::F32 => out.sql("REAL"),
            Kind::F64 => out.sql("DOUBLE PRECISION"),
            Kind::Text => match ty.length {
                Some(length) => out.sql("VARCHAR(").number(u64::from(length)).sql(")"),
                None => out.sql("TEXT"),
            },
            Kind::Bytes => out.sql("BYTEA"),
            Kind::Decimal => match ty.precision {
                Some((digits, scale)) => {
                    out.sql("NUMERIC(").number(u64::from(digits)).sql(", ").number(u64::from(scale)).sql(")")
                }
                None => out.sql("NUMERIC"),
            },
            Kind::Uuid => out.sql("UUID"),
            Kind::Date => out.sql("DATE"),
            Kind::Time => out.sql("TIME"),
            Kind::Timestamp => out.sql("TIMESTAMP"),
            Kind::TimestampTz => out.sql("TIMESTAMPTZ"),
            Kind::Json => out.sql("JSONB"),
            Kind::Enum(ty) if self.stores_enum_natively(ty) => {
                enums::check(ty)?;
                out.identifier(ty.name)?
            }
            Kind::Array(element) => {
                self.render_type(&ColumnType::new(*element), out)?;
                out.sql("[]")
            }
            _ => out.sql("TEXT"),
        };
        Ok(())
    }

    // Appendix A, 25P02 in_failed_sql_transaction, and SAVEPOINT: nothing but ROLLBACK and ROLLBACK TO is done after an error,
    // and COMMIT then rolls back without a word.
    fn after_error(&self, _: ErrorClass) -> AfterError {
        AfterError::Aborted
    }

    // 4.1.1: NAMEDATALEN - 1 bytes; longer names are cut silently.
    fn max_identifier(&self) -> usize {
        63
    }

    // CREATE INDEX, "name": an index is a relation, as a table is, and so is that of a unique constraint.
    fn is_named_in_schema(&self, named: Named) -> bool {
        matches!(named, Named::Index | Named::Unique)
    }

    // Appendix K, "query parameters": the protocol counts them in 16 bits.
    fn max_binds(&self) -> usize {
        65_535
    }

    // COPY, and 14.4.2, "Use COPY".
    fn bulk_insert<'s>(&'s self, insert: &'s InsertBody) -> Compile<Option<BulkInsert<'s>>> {
        copy::bulk_insert(self, insert)
    }

    // 4.1.4 and PREPARE.
    fn numbers_binds(&self) -> bool {
        true
    }

    fn write_placeholder(&self, sql: &mut String, position: usize, _: Kind) {
        sql.push('$');
        write_number(sql, position as u64);
    }

    // 9.9.5: CURRENT_DATE and its kin are in the zone of the session, and what has no zone here is in UTC.
    fn render_now(&self, ty: &ColumnType, out: &mut Renderer<'_>) {
        const UTC: &str = "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')";
        match ty.kind {
            Kind::Date => out.sql("CAST(").sql(UTC).sql(" AS DATE)"),
            Kind::Time => out.sql("CAST(").sql(UTC).sql(" AS TIME)"),
            Kind::Timestamp => out.sql(UTC),
            _ => out.sql("CURRENT_TIMESTAMP"),
        };
    }

    // 8.4.1: bytes are text in a form of its own.
    fn render_literal(&self, value: &Value, out: &mut Renderer<'_>) -> Compile {
        match value {
            Value::Bytes(bytes) => drop(out.literal(&format!("\\x{}", hex(bytes)))),
            value => render_literal(value, out)?,
        }
        Ok(())
    }

    fn render_expression<'s>(&'s self, expression: &'s Expression, out: &mut Renderer<'s>) -> Compile {
        match expression {
            // 9.7.1: ILIKE, by the locale's rules for case, and able to use a trigram index, as LOWER(…) is not.
            Expression::Like(like) if like.ignore_case => {
                out.operand(&like.operand, Precedence::Comparison)?
                    .sql(if like.negated { " NOT ILIKE " } else { " ILIKE " })
                    .operand(&like.pattern, Precedence::Comparison)?
                    .sql(" ESCAPE '!'");
                Ok(())
            }
            Expression::Cast(cast) => render_cast(cast, out),
            Expression::Aggregate(n) => aggregate::render(n, None, out),
            Expression::Window(window) => match &window.function {
                Expression::Aggregate(n) => aggregate::render(n, Some(window), out),
                _ => window.render(out),
            },
            other => other.render(out),
        }
    }

    fn render_clause<'s>(&'s self, clause: Clause<'s>, out: &mut Renderer<'s>) -> Compile {
        match clause {
            Clause::Values(values) => unnest::render(values, out),
            // Nothing else says of which type it is, and then it is text (10.5).
            Clause::Item(Expression::Bind(value)) if matches!(value.kind(), Kind::Enum(ty) if self.stores_enum_natively(ty)) =>
            {
                out.sql("CAST(").bind(value).sql(" AS ");
                self.render_cast_type(&ColumnType::new(value.kind()), out)?;
                out.sql(")");
                Ok(())
            }
            other => other.render(out),
        }
    }

    fn render_ddl<'s>(&'s self, ddl: &'s Ddl, out: &mut Renderer<'s>) -> Compile {
        if let Ddl::CreateEnum(CreateEnum { ty, .. }) | Ddl::DropEnum(DropEnum { ty, .. }) = ddl {
            enums::check(ty)?;
        }
        ddl::render(ddl, out)
    }
}

/// Truth values and numbers: CAST knows INTEGER only (pg_cast, "CREATE CAST").
fn render_cast<'s>(cast: &'s Cast, out: &mut Renderer<'s>) -> Compile {
    match (cast.from, cast.ty.kind) {
        (Kind::Bool, kind) if kind.is_number() => {
            out.sql("CAST(CAST(").expression(&cast.operand)?.sql(" AS INTEGER) AS ");
            out.dialect().render_cast_type(&cast.ty, out)?;
            out.sql(")");
            Ok(())
        }
        (kind, Kind::Bool) if kind.is_number() => {
            out.sql("(").operand(&cast.operand, Precedence::Comparison)?.sql(" <> 0)");
            Ok(())
        }
        _ => cast.render(out),
    }
}
