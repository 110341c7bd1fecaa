//! How SQLite spells SQL: what differs from the standard, and nothing else. The manual's pages are named by their titles.

use relata_core::{
    CompileError, ErrorClass,
    clause::{Clause, Limit},
    ddl::{CreateIndex, CreateTable, Ddl, Named, render_nullness_and_default},
    dialect::{Dialect, Feature},
    expr::{Cast, Expression, Function, In, InList, Infix, Node, Operator},
    render::{Compile, Precedence, Renderer, Statement, hex, render_literal},
    schema::{ColumnDef, ColumnType, Table},
    transaction::{AfterError, TransactionOptions},
    value::{Kind, Value},
};

use crate::{
    decimal,
    json::{self, Elements},
    letters,
    store::{Stored, stored},
};

/// What keeps a connection from writing; the driver ends it with the transaction ("PRAGMA query_only").
pub(crate) const QUERY_ONLY: &str = "PRAGMA query_only = ON";

/// From how many values on a list is bound as one JSON text. Shorter ones are faster as placeholders: by a tenth at 100.
const JSON_LIST: usize = 129;

/// The present time as this crate stores it: SQLite knows milliseconds ("Date and time functions").
const NOW: &str = "STRFTIME('%Y-%m-%d %H:%M:%f000', 'now')";

/// How a transaction begins that does not promise to only read ("Transaction", 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BeginMode {
    /// `BEGIN IMMEDIATE`: it waits for its turn to write at once. It never fails midway because another one wrote.
    #[default]
    Immediate,
    /// `BEGIN DEFERRED`: it waits at its first write, and fails there if another one wrote since it began to read.
    Deferred,
}

/// The dialect of SQLite 3.45 and later.
///
/// ```
/// use relata_core::{expr::{Operators, val}, render::Statement, statement::select};
/// use relata_sqlite::Sqlite;
///
/// let statement = select(val(7_i64)).offset(2);
/// assert_eq!(statement.compile(&Sqlite::new())?.sql, "SELECT ? LIMIT -1 OFFSET 2");
/// # Ok::<(), relata_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sqlite {
    begin: BeginMode,
}

impl Sqlite {
    /// The dialect, with transactions that begin `IMMEDIATE`.
    pub const fn new() -> Self {
        Sqlite { begin: BeginMode::Immediate }
    }

    /// The same, with transactions that begin so.
    #[must_use]
    pub const fn begin_mode(mut self, begin: BeginMode) -> Self {
        self.begin = begin;
        self
    }
}

impl Dialect for Sqlite {
    fn name(&self) -> &'static str {
        "SQLite"
    }

    fn supports(&self, feature: Feature) -> bool {
        match feature {
            Feature::InsertReturning
            | Feature::UpdateReturning
            | Feature::DeleteReturning
            | Feature::FullJoin
            | Feature::RightJoin
            | Feature::IntersectExcept
            | Feature::SetDefault
            | Feature::ConflictTarget
            | Feature::ReadOnlyTransaction
            | Feature::AggregateFilter
            | Feature::GroupedParts
            | Feature::TransactionalDdl => true,
            // The jobs of one call run on one hop between threads, but there is no network that they could share.
            _ => false,
        }
    }

    fn render_type(&self, ty: &ColumnType, out: &mut Renderer<'_>) -> Compile {
        // The name tells what is in the column; what it does to a value is decided by the INT, CHAR, TEXT, BLOB or REAL in it
        // ("Datatypes in SQLite", 3.1).
        out.sql(match ty.kind {
            Kind::Bool => "BOOLEAN",
            // All of one name, so that a key of one integer is the rowid ("CREATE TABLE", 5).
            kind if kind.is_integer() => "INTEGER",
            Kind::F32 | Kind::F64 => "REAL",
            Kind::Text => match ty.length {
                Some(length) => {
                    out.sql("VARCHAR(").number(u64::from(length)).sql(")");
                    return Ok(());
                }
                None => "TEXT",
            },
            Kind::Enum(_) => "TEXT",
            Kind::Bytes => "BLOB",
            // Text, as NUMERIC would make it a float.
            Kind::Decimal => match ty.precision {
                Some((digits, scale)) => {
                    out.sql("DECIMAL_TEXT(")
                        .number(u64::from(digits))
                        .sql(", ")
                        .number(u64::from(scale))
                        .sql(")");
                    return Ok(());
                }
                None => "DECIMAL_TEXT",
            },
            Kind::Uuid => "UUID_BLOB",
            Kind::Date => "DATE_TEXT",
            Kind::Time => "TIME_TEXT",
            Kind::Timestamp => "TIMESTAMP_TEXT",
            Kind::TimestampTz => "TIMESTAMPTZ_TEXT",
            Kind::Json | Kind::Array(_) => "JSON_TEXT",
            other => return Err(CompileError::invalid(format!("SQLite has no place for {other:?}"))),
        });
        Ok(())
    }

    fn render_now(&self, ty: &ColumnType, out: &mut Renderer<'_>) {
        // A default that is an expression stands in parentheses ("CREATE TABLE", 3.2). All are in UTC, and as long as what is
        // stored for the same moment.
        out.sql(match ty.kind {
            Kind::Date => "CURRENT_DATE",
            Kind::Time => "(STRFTIME('%H:%M:%f000', 'now'))",
            _ => {
                out.sql("(").sql(NOW).sql(")");
                return;
            }
        });
    }

    fn primary_key_in_column(&self, table: &Table) -> bool {
        // Only a column that says so itself is generated.
        matches!(table.primary_key, [key] if table.columns[*key].generated)
    }

    fn is_named_in_schema(&self, named: Named) -> bool {
        // "CREATE INDEX": it has its name beside the tables.
        named == Named::Index
    }

    fn max_binds(&self) -> usize {
        // "Implementation limits", 9.
        32_766
    }

    fn insert_batch(&self, columns: usize) -> usize {
        // Measured: a statement of 50 rows that stays prepared takes a third of the time of 50 statements; longer ones gain no more.
        (self.max_binds() / columns.max(1)).clamp(1, 50)
    }

    fn write_literal(&self, sql: &mut String, text: &str) {
        if text.contains('\0') {
            // A NUL would end the statement.
            sql.push_str("(CAST(X'");
            for byte in text.bytes() {
                sql.push_str(&format!("{byte:02X}"));
            }
            sql.push_str("' AS TEXT))");
        } else {
            sql.push('\'');
            sql.push_str(&text.replace('\'', "''"));
            sql.push('\'');
        }
    }

    fn render_literal(&self, value: &Value, out: &mut Renderer<'_>) -> Compile {
        match stored(value).map_err(CompileError::invalid)? {
            Stored::OwnedText(text) => drop(out.literal(&text)),
            Stored::Blob(bytes) => drop(out.sql("X'").sql(&hex(bytes)).sql("'")),
            _ => render_literal(value, out)?,
        }
        Ok(())
    }

    fn render_expression<'s>(&'s self, expression: &'s Expression, out: &mut Renderer<'s>) -> Compile {
        match expression {
            _ if decimal::is_decimal(expression) => decimal::render(expression, out),
            _ if decimal::passes_collation_on(expression) => {
                render_plain(expression, out)?;
                out.sql(" COLLATE BINARY");
                Ok(())
            }
            _ => render_plain(expression, out),
        }
    }

    fn render_clause<'s>(&'s self, clause: Clause<'s>, out: &mut Renderer<'s>) -> Compile {
        match clause {
            Clause::Limit(limit) => {
                render_limit(limit, out);
                Ok(())
            }
            // No parentheses around an operand ("SELECT", 3).
            Clause::SetOperand(select) => {
                out.sql("SELECT * FROM (");
                select.render(out)?;
                out.sql(")");
                Ok(())
            }
            Clause::Assignments(_, assignments) => {
                let reads = assignments.iter().any(|(_, value)| has_subquery(value));
                clause.render(out)?;
                // With a FROM all values are found before a row is changed ("UPDATE", 2.2); without it a subquery would read rows that
                // are changed already.
                if reads {
                    out.sql(" FROM (SELECT 1)");
                }
                Ok(())
            }
            other => other.render(out),
        }
    }

    fn render_ddl<'s>(&'s self, ddl: &'s Ddl, out: &mut Renderer<'s>) -> Compile {
        match ddl {
            Ddl::CreateTable(create) => create_table(create, out),
            Ddl::CreateIndex(create) if create.if_not_exists => create_index_if_not_exists(ddl, create, out),
            // "PRAGMA defer_foreign_keys": until the end of the transaction.
            Ddl::DeferForeignKeys(_) => {
                out.sql("PRAGMA defer_foreign_keys = ON");
                Ok(())
            }
            other => other.render(out),
        }
    }

    fn after_error(&self, class: ErrorClass) -> AfterError {
        match class {
            // A full disk, a failed read or an interrupt may end the transaction ("Transaction", 3); one whose snapshot is too old
            // can do nothing but end.
            ErrorClass::Timeout | ErrorClass::Other | ErrorClass::Serialization => AfterError::Ended,
            _ => AfterError::Open,
        }
    }

    fn begin(&self, options: &TransactionOptions) -> Compile<Vec<String>> {
        // Every transaction is serializable ("Isolation in SQLite"), which is all that the weaker levels promise, and more.
        Ok(match (options.read_only, self.begin) {
            (true, _) => vec![QUERY_ONLY.to_owned(), "BEGIN DEFERRED".to_owned()],
            (false, BeginMode::Immediate) => vec!["BEGIN IMMEDIATE".to_owned()],
            (false, BeginMode::Deferred) => vec!["BEGIN DEFERRED".to_owned()],
        })
    }
}

fn has_subquery(expression: &Expression) -> bool {
    let mut found = expression.subquery().is_some();
    expression.for_each_child(&mut |child| found = found || has_subquery(child));
    found
}

/// What is no decimal.
fn render_plain<'s>(expression: &'s Expression, out: &mut Renderer<'s>) -> Compile {
    match expression {
        Expression::Infix(n)
            if n.operator.precedence() == Precedence::Comparison
                && decimal::is_mixed_comparison(&[&n.left, &n.right]) =>
        {
            decimal::render_operand(&n.left, out)?;
            decimal::render_operand(&n.right, out.sql(n.operator.as_sql()))
        }
        Expression::Infix(n) => infix(n, out),
        Expression::DistinctFrom(n) if decimal::is_mixed_comparison(&[&n.left, &n.right]) => {
            decimal::render_operand(&n.left, out)?;
            out.sql(if n.negated { " IS NOT DISTINCT FROM " } else { " IS DISTINCT FROM " });
            decimal::render_operand(&n.right, out)
        }
        Expression::Between(n) if decimal::is_mixed_comparison(&[&n.operand, &n.low, &n.high]) => {
            decimal::render_operand(&n.operand, out)?;
            decimal::render_operand(&n.low, out.sql(if n.negated { " NOT BETWEEN " } else { " BETWEEN " }))?;
            decimal::render_operand(&n.high, out.sql(" AND "))
        }
        Expression::In(n) if decimal::is_mixed_list(n) => decimal::render_mixed_list(n, out),
        Expression::In(n) => {
            decimal::check_list(n)?;
            in_list(n, out)
        }
        Expression::Cast(n) => cast(n, out),
        Expression::Function(n) if decimal::is_mixed_nullif(n) => decimal::render_nullif(n, out),
        Expression::Function(n) => function(n, out),
        Expression::Like(n) if n.ignore_case => letters::render_like(n, out),
        other => other.render(out),
    }
}

fn infix<'s>(n: &'s Infix, out: &mut Renderer<'s>) -> Compile {
    match n.operator {
        // `||` binds tighter than arithmetic here ("SQL language expressions", 2).
        Operator::Concat => {
            if matches!(&n.left, Expression::Infix(left) if left.operator == Operator::Concat) {
                out.expression(&n.left)?;
            } else {
                out.operand(&n.left, Precedence::Unary)?;
            }
            out.sql(" || ").operand(&n.right, Precedence::Unary)?;
            Ok(())
        }
        // A float that came to be an integer on the way would be divided as one.
        Operator::Divide => {
            out.sql("CAST(")
                .expression(&n.left)?
                .sql(" AS REAL) / ")
                .operand(&n.right, Precedence::Multiplicative)?;
            Ok(())
        }
        _ => n.render(out),
    }
}

/// A list as one JSON text: one statement for any length, which stays prepared ("JSON functions", 4.24).
fn in_list<'s>(n: &'s In, out: &mut Renderer<'s>) -> Compile {
    let InList::Values(Value::Array(kind, values)) = &n.list else { return n.render(out) };
    if values.len() < JSON_LIST {
        return n.render(out);
    }
    let list = json::elements(*kind).and_then(|elements| Some((elements, json::encode(values)?)));
    // Floats, decimals, and texts that hold a NUL are binds of their own.
    let Some((elements, list)) = list else { return n.render(out) };
    out.operand(&n.operand, Precedence::Comparison)?;
    out.sql(if n.negated { " NOT IN (SELECT " } else { " IN (SELECT " })
        .sql(match elements {
            Elements::Plain => "value",
            Elements::Hex => "UNHEX(value)",
        })
        .sql(" FROM JSON_EACH(")
        .bind(Value::Text(list))
        .sql("))");
    Ok(())
}

fn cast<'s>(n: &'s Cast, out: &mut Renderer<'s>) -> Compile {
    if n.is_of_uuid() {
        return Err(CompileError::invalid(
            "a UUID is bytes on SQLite, and no cast makes anything else of it: read it, and turn it in Rust",
        ));
    }
    match (n.from, n.ty.kind) {
        // Days and times are text of fixed width: the day of a timestamp is how it begins.
        (_, Kind::Date) => {
            out.sql("SUBSTR(").expression(&n.operand)?.sql(", 1, 10)");
        }
        (Kind::Bool, Kind::Text) => n.render_truth_as_word(out)?,
        // A truth value is a number here, and any number would stay what it is.
        (from, Kind::Bool) if from != Kind::Bool => {
            out.sql("(CAST(").expression(&n.operand)?.sql(" AS REAL) <> 0)");
        }
        // Its own cast cuts off what is behind the point; the others round.
        (Kind::F32 | Kind::F64, kind) if kind.is_integer() => {
            out.sql("CAST(ROUND(").expression(&n.operand)?.sql(") AS INTEGER)");
        }
        (Kind::Decimal, kind) if kind.is_integer() => {
            out.sql("decimal_round(").expression(&n.operand)?.sql(")");
        }
        _ => n.render(out)?,
    }
    Ok(())
}

fn function<'s>(n: &'s Function, out: &mut Renderer<'s>) -> Compile {
    match n.name {
        // "Built-in scalar SQL functions": it counts characters, up to the first NUL.
        "CHAR_LENGTH" => {
            out.sql("LENGTH(").list(&n.arguments, ", ", |out, a| out.expression(a).map(drop))?.sql(")");
            Ok(())
        }
        name => match letters::name_of(name) {
            Some(name) => letters::render(name, n, out),
            None => n.render(out),
        },
    }
}

fn render_limit(limit: &Limit, out: &mut Renderer<'_>) {
    let Limit { limit, offset } = limit.countable();
    // OFFSET needs a LIMIT, and a negative one is none ("SELECT", 5).
    match (limit, offset) {
        (Some(rows), _) => drop(out.sql(" LIMIT ").number(rows)),
        (None, Some(_)) => drop(out.sql(" LIMIT -1")),
        (None, None) => {}
    }
    if let Some(rows) = offset {
        out.sql(" OFFSET ").number(rows);
    }
}

/// `IF NOT EXISTS` looks at the name only: an index of another table would take the place of this one without a word. A
/// query fails if it is so; that of a JSON path is the one error whose words SQLite lets a query choose.
fn create_index_if_not_exists<'s>(ddl: &'s Ddl, create: &CreateIndex, out: &mut Renderer<'s>) -> Compile {
    ddl.render(out)?;
    let name = create.name(out.dialect().max_identifier());
    out.sql("; SELECT JSON_EXTRACT('{}', 'index ' || name || ' is one of table ' || tbl_name)")
        .sql(" FROM sqlite_schema WHERE type = 'index' AND name = ")
        .literal(&name)
        .sql(" COLLATE NOCASE AND tbl_name <> ")
        .literal(create.table.name)
        .sql(" COLLATE NOCASE");
    Ok(())
}

fn create_table<'s>(create: &'s CreateTable, out: &mut Renderer<'s>) -> Compile {
    let key_in_column = out.dialect().primary_key_in_column(create.table);
    create.render_parts(out, |column, out| render_column(create.table, key_in_column, column, out))
}

fn render_column(
    table: &Table,
    key_in_column: bool,
    column: &'static ColumnDef,
    out: &mut Renderer<'_>,
) -> Compile {
    out.identifier(column.name)?.sql(" ");
    if column.generated {
        // The rowid is what SQLite generates, and a column is the rowid only if it is called exactly so ("ROWIDs and the INTEGER
        // PRIMARY KEY").
        if !key_in_column || !column.ty.kind.is_integer() {
            return Err(CompileError::invalid(format!(
                "SQLite generates a value only for a primary key of one integer column, which {}.{} is not",
                table.name, column.name
            )));
        }
        out.sql("INTEGER PRIMARY KEY");
        return Ok(());
    }
    let is_key = matches!(table.primary_key, [key] if table.columns[*key].name == column.name);
    if is_key && column.default.is_some() && column.ty.kind.is_integer() {
        // As INTEGER it would be the rowid, which SQLite generates though there is a default ("ROWIDs and the INTEGER PRIMARY
        // KEY").
        out.sql("INT");
    } else {
        let dialect = out.dialect();
        dialect.render_type(&column.ty, out)?;
    }
    if column.ty.kind == Kind::Decimal {
        out.sql(" COLLATE ").sql(decimal::COLLATION);
    }
    render_nullness_and_default(table, column, out)
}
