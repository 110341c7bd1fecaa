//! How a database spells SQL: the contract of a dialect.

mod feature;
mod standard;

use std::fmt;

pub use feature::Feature;
pub use standard::Standard;

use crate::{
    clause::Clause,
    ddl::{Ddl, Named},
    error::ErrorClass,
    expr::{Expression, Node},
    render::{Compile, CompileError, Compiled, Renderer, render_literal},
    schema::{ColumnType, Table},
    statement::InsertBody,
    transaction::{AfterError, Isolation, TransactionOptions},
    value::{EnumType, Kind, Value},
};

/// How a database spells SQL.
///
/// Every method but three has a default: the standard's spelling. A dialect overrides what it spells differently, and
/// claims the [`Feature`]s it has.
pub trait Dialect: Send + Sync + fmt::Debug {
    /// The database's name, as in error messages: `PostgreSQL`.
    fn name(&self) -> &'static str;

    /// Whether the database has a feature. Anything not claimed is refused.
    fn supports(&self, feature: Feature) -> bool;

    /// Writes the type of a column, as in `CREATE TABLE` and `CAST`.
    ///
    /// # Errors
    ///
    /// If the database has no such type.
    fn render_type(&self, ty: &ColumnType, out: &mut Renderer<'_>) -> Compile;

    /// Writes a type as the target of `CAST`, where that differs from the type of a column.
    ///
    /// # Errors
    ///
    /// If the database has no such type.
    fn render_cast_type(&self, ty: &ColumnType, out: &mut Renderer<'_>) -> Compile {
        self.render_type(ty, out)
    }

    /// Writes the present time as such a value, in UTC where it has no zone: an expression, and the default of a column. What is
    /// written here is right where sessions are in UTC.
    fn render_now(&self, ty: &ColumnType, out: &mut Renderer<'_>) {
        out.sql(match ty.kind {
            Kind::Date => "CURRENT_DATE",
            Kind::Time => "LOCALTIME",
            Kind::Timestamp => "LOCALTIMESTAMP",
            _ => "CURRENT_TIMESTAMP",
        });
    }

    /// Whether an enum is a type of the database; otherwise it is text with a check.
    fn stores_enum_natively(&self, ty: &EnumType) -> bool {
        ty.native && self.supports(Feature::NamedEnum)
    }

    /// Whether the primary key of this table is written with its column, and not as a constraint of its own.
    fn primary_key_in_column(&self, table: &Table) -> bool {
        let _ = table;
        false
    }

    /// The mark around identifiers.
    fn quote(&self) -> char {
        '"'
    }

    /// The longest identifier that the database keeps.
    fn max_identifier(&self) -> usize {
        usize::MAX
    }

    /// Whether [`max_identifier`](Dialect::max_identifier) counts bytes; otherwise characters.
    fn identifier_limit_in_bytes(&self) -> bool {
        true
    }

    /// Whether identifiers may have characters beyond the first plane of Unicode, such as emoji.
    fn identifiers_in_all_planes(&self) -> bool {
        true
    }

    /// Whether the name of such a thing belongs to the schema, where no other has it; otherwise to its table.
    fn is_named_in_schema(&self, named: Named) -> bool {
        let _ = named;
        false
    }

    /// How many binds one statement may have.
    fn max_binds(&self) -> usize {
        usize::MAX
    }

    /// How many rows to put in one INSERT of this many columns.
    fn insert_batch(&self, columns: usize) -> usize {
        (self.max_binds() / columns.max(1)).clamp(1, 1000)
    }

    /// Another way to insert many rows, where the database has a faster one and it is worth it for this INSERT.
    ///
    /// # Errors
    ///
    /// If a name cannot be written.
    fn bulk_insert<'s>(&'s self, insert: &'s InsertBody) -> Compile<Option<BulkInsert<'s>>> {
        let _ = insert;
        Ok(None)
    }

    /// Whether a placeholder says which bind it stands for, so that another can stand for the same.
    fn numbers_binds(&self) -> bool {
        false
    }

    /// Writes the placeholder of the bind at `position`, counted from 1.
    fn write_placeholder(&self, sql: &mut String, position: usize, kind: Kind) {
        let _ = (position, kind);
        sql.push('?');
    }

    /// Writes text as a literal: the one function of the dialect that does. The default doubles `'` and trusts that a
    /// backslash means itself; override it where that is not so.
    fn write_literal(&self, sql: &mut String, text: &str) {
        sql.push('\'');
        sql.push_str(&text.replace('\'', "''"));
        sql.push('\'');
    }

    /// Writes a value as a literal, in the form in which the database stores one that is bound. Only where a bind is not allowed.
    ///
    /// # Errors
    ///
    /// If the database has no such value.
    fn render_literal(&self, value: &Value, out: &mut Renderer<'_>) -> Compile {
        render_literal(value, out)
    }

    /// Writes an expression. Match what is spelled differently; give the rest to [`Node::render`].
    ///
    /// Statements that differ in their values only are [written once](crate::render::Compiler): of a value that is bound, how it is
    /// written may depend on its kind and on whether it is NULL, and on nothing else but the digits of a decimal.
    ///
    /// # Errors
    ///
    /// If the database cannot express it.
    fn render_expression<'s>(&'s self, expression: &'s Expression, out: &mut Renderer<'s>) -> Compile {
        expression.render(out)
    }

    /// Writes a clause. Match what is spelled differently; give the rest to [`Clause::render`].
    ///
    /// # Errors
    ///
    /// If the database cannot express it.
    fn render_clause<'s>(&'s self, clause: Clause<'s>, out: &mut Renderer<'s>) -> Compile {
        clause.render(out)
    }

    /// Writes a schema statement. Match what is spelled differently; give the rest to [`Ddl::render`].
    ///
    /// # Errors
    ///
    /// If the database cannot express it.
    fn render_ddl<'s>(&'s self, ddl: &'s Ddl, out: &mut Renderer<'s>) -> Compile {
        ddl.render(out)
    }

    /// The texts that begin a transaction. They travel with its first statement.
    ///
    /// # Errors
    ///
    /// If the database has no such transaction.
    fn begin(&self, options: &TransactionOptions) -> Compile<Vec<String>> {
        let mut text = String::from("BEGIN");
        if let Some(isolation) = options.isolation {
            text.push_str(" ISOLATION LEVEL ");
            text.push_str(isolation.as_sql());
        }
        if options.read_only {
            if !self.supports(Feature::ReadOnlyTransaction) {
                return Err(CompileError::unsupported(self.name(), Feature::ReadOnlyTransaction));
            }
            text.push_str(" READ ONLY");
        }
        Ok(vec![text])
    }

    /// The isolation level at which a retried unit of work runs unless told otherwise.
    fn strictest_isolation(&self) -> Option<Isolation> {
        Some(Isolation::Serializable)
    }

    /// What is left of an open transaction when one of its statements has failed with an error of this class.
    ///
    /// By default the others stay, except after a deadlock or a serialization failure: databases then roll back all of it,
    /// or let nothing but that be done.
    fn after_error(&self, class: ErrorClass) -> AfterError {
        match class {
            ErrorClass::Deadlock | ErrorClass::Serialization => AfterError::Ended,
            _ => AfterError::Open,
        }
    }

    /// A query for the distance between the keys that the database generates for the rows of one INSERT, where it may be
    /// another than 1. Only asked of databases without [`Feature::InsertReturning`].
    fn generated_key_step(&self) -> Option<&'static str> {
        None
    }
}

/// An INSERT in the database's own way for many rows, such as PostgreSQL's COPY.
#[derive(Debug)]
pub struct BulkInsert<'s> {
    /// Asks whether that does the same as INSERT for this table: one row of one truth value if so.
    pub check: Compiled<'s>,
    /// Inserts the rows: [`Mode::Copy`](crate::driver::Mode::Copy).
    pub copy: Compiled<'s>,
}
