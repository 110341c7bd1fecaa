//! Expressions that are spelled differently.

use std::fmt::Write;

use relata_core::{
    CompileError,
    clause::Limit,
    dialect::Dialect,
    expr::{Aggregate, Case, Expression, In, InList, Infix, Node, Operator},
    render::{Compile, Precedence, Renderer, Statement},
    statement::{Core, SelectBody, SetOperator},
    value::{DecimalValue, Kind, Value},
};

use super::Mysql;

pub(super) fn render<'s>(dialect: &'s Mysql, expression: &'s Expression, out: &mut Renderer<'s>) -> Compile {
    match expression {
        Expression::Infix(n) => return render_infix(dialect, n, out),
        // No IS DISTINCT FROM; `<=>` is its negation (MySQL 8.4 manual 14.4.2). Wrapped, as NOT binds looser.
        Expression::DistinctFrom(n) => {
            out.sql(if n.negated { "" } else { "(NOT (" });
            out.infix(&n.left, " <=> ", &n.right, Precedence::Comparison)?;
            out.sql(if n.negated { "" } else { "))" });
        }
        // A space, for `--` begins a comment, and mysql_async's reader of parameters would skip a quote mark behind a minus.
        Expression::Negate(n) => {
            out.sql("- ");
            return render_alone(dialect, &n.operand, Precedence::Unary, out);
        }
        Expression::Cast(n) if n.is_of_uuid() => {
            return Err(CompileError::invalid(
                "a UUID is bytes on MySQL and MariaDB, and no cast makes anything else of it: read it, and turn it in Rust",
            ));
        }
        Expression::Cast(n) if (n.from, n.ty.kind) == (Kind::Bool, Kind::Text) => {
            n.render_truth_as_word(out)?
        }
        // There is no cast to a truth value. A fraction is not zero.
        Expression::Cast(n) if n.ty.kind == Kind::Bool => match n.from {
            Kind::Text => {
                out.sql("(CAST(").expression(&n.operand)?.sql(" AS SIGNED) <> 0)");
            }
            _ => {
                out.sql("(").operand(&n.operand, Precedence::Comparison)?.sql(" <> 0)");
            }
        },
        Expression::Aggregate(n) => return n.render_own(out, |out| render_aggregate(dialect, n, out)),
        Expression::Case(n) if n.values().all(is_bind) => return render_case(dialect, n, out),
        // Of binds only, or of the type of one: nothing tells it but they themselves.
        Expression::Function(n)
            if n.arguments.first().is_some_and(is_bind)
                && (n.name == "NULLIF" || n.arguments.iter().all(is_bind)) =>
        {
            out.sql(n.name).sql("(");
            out.list(&n.arguments, ", ", |out, argument| {
                render_alone(dialect, argument, Precedence::Lowest, out)
            })?
            .sql(")");
        }
        // The alias for the new row that MySQL 8.0.19 brought is unknown to MariaDB; VALUES() works on both (MySQL 8.4
        // manual 15.2.7.2; MariaDB KB, "INSERT ON DUPLICATE KEY UPDATE").
        Expression::Excluded(n) => {
            // In a subquery VALUES() is NULL on MySQL, and not understood on MariaDB.
            if out.require_excluded(n.column)?.is_in_subquery_of_upsert() {
                return Err(CompileError::invalid(format!(
                    "MySQL and MariaDB cannot name {} of the row that could not be inserted in a subquery: name it beside one",
                    n.column.name
                )));
            }
            out.sql("VALUES(").identifier(n.column.name)?.sql(")");
        }
        Expression::In(n) => return render_in(dialect, n, expression, out),
        Expression::Exists(n) if is_nested_set(&n.select) => {
            out.sql(if n.negated { "NOT EXISTS (" } else { "EXISTS (" });
            render_rows(&n.select, out)?;
            out.sql(")");
        }
        Expression::Subquery(n) if is_nested_set(&n.select) => {
            out.sql("(");
            render_rows(&n.select, out)?;
            out.sql(")");
        }
        // They are unsigned (MySQL 8.4 manual 14.20.1), and what is calculated with them would be.
        Expression::Window(n) if !dialect.server.is_mariadb() && is_place(&n.function) => {
            out.sql("CAST(");
            n.render(out)?;
            out.sql(" AS SIGNED)");
        }
        Expression::Bind(value) => render_bind(dialect, value, out),
        other => return other.render(out),
    }
    Ok(())
}

fn render_infix<'s>(dialect: &'s Mysql, n: &'s Infix, out: &mut Renderer<'s>) -> Compile {
    let operator = match n.operator {
        // `||` is OR (MySQL 8.4 manual 14.4.3). CONCAT is NULL when an argument is, too (14.8).
        Operator::Concat => {
            out.sql("CONCAT(").expression(&n.left)?.sql(", ").expression(&n.right)?.sql(")");
            return Ok(());
        }
        Operator::DivideDecimal => return render_quotient(n, out),
        // `/` gives a fraction (MySQL 8.4 manual 14.6.1).
        Operator::DivideInteger => " DIV ",
        other => other.as_sql(),
    };
    let precedence = n.operator.precedence();
    if let Operator::Add | Operator::Multiply | Operator::DivideInteger = n.operator
        && let (Some(kind), None) | (None, Some(kind)) = (unsigned(&n.left), unsigned(&n.right))
        && kind != Kind::U64
    {
        render_signed(dialect, &n.left, precedence, out)?;
        out.sql(operator);
        return render_signed(dialect, &n.right, precedence, out);
    }
    if precedence >= Precedence::Additive && has_bind_alone(dialect, n) {
        render_alone(dialect, &n.left, precedence, out)?;
        out.sql(operator);
        render_alone(dialect, &n.right, precedence, out)
    } else {
        out.infix(&n.left, operator, &n.right, precedence).map(drop)
    }
}

/// `/` between decimals gives as many digits behind the point as the left one is declared with, and four more (MySQL 8.4
/// manual 14.6.1; MariaDB KB, "div_precision_increment"): of the 30 of a column without a precision more than a decimal in
/// Rust can hold, of an integer hardly any. So the left one gets 30, and the quotient 16, as many as PostgreSQL gives at
/// least.
/// It is rounded here and not where it is read: it may be stored, and what is stored is read as it is.
fn render_quotient<'s>(n: &'s Infix, out: &mut Renderer<'s>) -> Compile {
    out.sql("CAST(CAST(");
    match &n.left {
        Expression::Bind(value) => out.bind(value),
        left => out.expression(left)?,
    };
    out.sql(" AS DECIMAL(65, 30)) / ").operand(&n.right, Precedence::Multiplicative)?;
    out.sql(" AS DECIMAL(65, 16))");
    Ok(())
}

/// The type of an integer that is unsigned, as far as it shows. With one such operand the result is unsigned, and none below zero
/// (MySQL 8.4 manual 14.6.1); but of a difference (7.1.11, NO_UNSIGNED_SUBTRACTION).
fn unsigned(expression: &Expression) -> Option<Kind> {
    let kind = match expression {
        Expression::Column(n) => n.column.ty.kind,
        Expression::AliasColumn(n) => n.kind?,
        Expression::Aggregate(n) => n.kind,
        Expression::Cast(n) => n.ty.kind,
        Expression::Infix(n) => match n.operator {
            Operator::Add | Operator::Multiply | Operator::DivideInteger | Operator::Modulo => {
                return Some(wider(unsigned(&n.left)?, unsigned(&n.right)?));
            }
            _ => return None,
        },
        Expression::Case(n) => return unsigned_all(n.values()),
        Expression::Function(n) => match n.name {
            "COALESCE" => return unsigned_all(&n.arguments),
            "NULLIF" | "ABS" => return unsigned(n.arguments.first()?),
            _ => return None,
        },
        _ => return None,
    };
    matches!(kind, Kind::U8 | Kind::U16 | Kind::U32 | Kind::U64).then_some(kind)
}

/// The widest of these, if each is unsigned or an integer that is bound.
fn unsigned_all<'e>(values: impl IntoIterator<Item = &'e Expression>) -> Option<Kind> {
    let mut widest = None;
    for value in values {
        if !matches!(value, Expression::Bind(value) if value.kind().is_integer()) {
            let kind = unsigned(value)?;
            widest = Some(widest.map_or(kind, |known| wider(known, kind)));
        }
    }
    widest
}

fn wider(a: Kind, b: Kind) -> Kind {
    if a == Kind::U64 { a } else { b }
}

/// An operand as a signed integer.
fn render_signed<'s>(
    dialect: &'s Mysql,
    operand: &'s Expression,
    than: Precedence,
    out: &mut Renderer<'s>,
) -> Compile {
    if unsigned(operand).is_none() {
        return render_alone(dialect, operand, than, out);
    }
    out.sql("CAST(").expression(operand)?.sql(" AS SIGNED)");
    Ok(())
}

/// Whether an operand is a bind whose type the other one does not tell.
fn has_bind_alone(dialect: &Mysql, n: &Infix) -> bool {
    match (&n.left, &n.right) {
        (Expression::Bind(_), Expression::Bind(_)) => true,
        // On MariaDB it is the value that tells the type, and NULL has none: with it, what is calculated is a DOUBLE,
        // and so is what stands in for it in a COALESCE. No page of its manual says so.
        (Expression::Bind(Value::Null(_)), _) | (_, Expression::Bind(Value::Null(_))) => {
            dialect.server.is_mariadb()
        }
        _ => false,
    }
}

/// No FILTER. Aggregates leave NULL out, and so does a CASE without ELSE: `SUM(CASE WHEN condition THEN x END)`.
fn render_aggregate<'s>(dialect: &'s Mysql, n: &'s Aggregate, out: &mut Renderer<'s>) -> Compile {
    out.sql(n.name).sql(if n.distinct { "(DISTINCT " } else { "(" });
    if let Some(filter) = &n.filter {
        out.sql("CASE WHEN ").expression(filter)?.sql(" THEN ");
    }
    match (&n.operand, &n.filter) {
        // MySQL would take the largest of texts that are all bound for a number or for bytes.
        (Some(operand), _)
            if matches!(n.name, "MIN" | "MAX") && !dialect.server.is_mariadb() && is_bound_text(operand) =>
        {
            out.sql("CAST(").expression(operand)?.sql(" AS CHAR)");
        }
        (Some(operand), _) => render_alone(dialect, operand, Precedence::Lowest, out)?,
        (None, None) => drop(out.sql("*")),
        // COUNT(*) counts rows; any value will do.
        (None, Some(_)) => drop(out.sql("1")),
    }
    out.sql(if n.filter.is_some() { " END)" } else { ")" });
    Ok(())
}

/// A CASE that chooses among binds. What the first one is, all are (MySQL 8.4 manual 15.5.1).
fn render_case<'s>(dialect: &'s Mysql, n: &'s Case, out: &mut Renderer<'s>) -> Compile {
    let mut first = true;
    n.render_values(out, |out, value| match std::mem::take(&mut first) {
        true => render_alone(dialect, value, Precedence::Lowest, out),
        false => out.expression(value).map(drop),
    })
}

/// A subquery with LIMIT cannot stand in IN itself, but inside of one that stands there can (MySQL 8.4 manual 15.2.15.12). Both servers
/// also find rows in EXCEPT ALL and its like that are not there, unless it stands so (no page of their manuals says it).
fn render_in<'s>(dialect: &'s Mysql, n: &'s In, whole: &'s Expression, out: &mut Renderer<'s>) -> Compile {
    match &n.list {
        InList::Select(select) => {
            match &n.operand {
                // Below zero it is in no row that is found by its key, as if it were unsigned (no page of MariaDB's manual says so).
                Expression::Bind(_) => render_key(dialect, &n.operand, out)?,
                operand => out.operand(operand, Precedence::Comparison).map(drop)?,
            }
            if select.limit == Limit::default() && !is_unsafe_in(select) {
                return n.render_list(out);
            }
            out.sql(if n.negated { " NOT IN (" } else { " IN (" });
            render_rows(select, out)?;
            out.sql(")");
            Ok(())
        }
        InList::Values(Value::Array(kind, values)) if values.len() > dialect.max_binds() => {
            render_long_list(n, *kind, values, out)
        }
        // As anywhere in an expression, some values need a cast.
        InList::Values(Value::Array(_, values)) if !values.is_empty() => {
            out.operand(&n.operand, Precedence::Comparison)?;
            n.render_values(values, out, |out, value| render_bind(dialect, value, out))
        }
        _ => whole.render(out),
    }
}

/// Whether it is a set operation of which both servers find other rows in IN. They do not of UNION alone.
fn is_unsafe_in(select: &SelectBody) -> bool {
    let Core::Set(set) = &select.core else { return false };
    !(set.is_flat() && matches!(set.operator, SetOperator::Union | SetOperator::UnionAll))
}

/// Whether it is a set operation with more in it than a chain of plain queries. In EXISTS and as a value, both servers take
/// other rows of such a one for its own, and MariaDB may find it to be of several columns (no page of their manuals says it).
/// MariaDB sees no columns of the statement around it in a derived table, so the others stay as they are.
fn is_nested_set(select: &SelectBody) -> bool {
    matches!(&select.core, Core::Set(set) if !set.is_flat())
}

/// The rows of a subquery, made before anything is asked of them.
fn render_rows<'s>(select: &'s SelectBody, out: &mut Renderer<'s>) -> Compile {
    out.sql("SELECT * FROM (");
    select.render(out)?;
    out.sql(") AS ").identifier("limited").map(drop)
}

/// Whether it is the place of a row in its window.
fn is_place(function: &Expression) -> bool {
    matches!(function, Expression::Function(n) if matches!(n.name, "ROW_NUMBER" | "RANK" | "DENSE_RANK" | "NTILE"))
}

/// A list of more values than there can be binds, as one JSON text (MySQL 8.4 manual 14.17.6; MariaDB KB, "JSON_TABLE").
fn render_long_list<'s>(n: &'s In, kind: Kind, values: &[Value], out: &mut Renderer<'s>) -> Compile {
    let (value, ty) = match kind {
        Kind::U64 => ("value", "BIGINT UNSIGNED"),
        kind if kind.is_integer() || kind == Kind::Bool => ("value", "BIGINT"),
        Kind::Uuid => ("UNHEX(value)", "CHAR(32)"),
        // Text would have to have the collation of what it is compared with, and the others are not exact.
        _ => {
            return Err(CompileError::invalid(format!(
                "MySQL and MariaDB take {} binds, and only a list of integers or UUIDs can be one of them, not one of {} other values: \
                 ask in parts",
                out.dialect().max_binds(),
                values.len()
            )));
        }
    };
    out.operand(&n.operand, Precedence::Comparison)?;
    out.sql(if n.negated { " NOT IN (SELECT " } else { " IN (SELECT " }).sql(value).sql(" FROM JSON_TABLE(");
    out.bind(Value::Text(json(values))).sql(", '$[*]' COLUMNS (value ").sql(ty).sql(" PATH '$')) AS ");
    out.identifier("listed")?.sql(")");
    Ok(())
}

/// Integers and UUIDs as a JSON array, a UUID by its digits.
fn json(values: &[Value]) -> String {
    let mut json = String::with_capacity(2 + values.len() * 8);
    for value in values {
        json.push(if json.is_empty() { '[' } else { ',' });
        // Writing to a String cannot fail.
        let _ = match value {
            Value::Bool(value) => write!(json, "{}", u8::from(*value)),
            Value::I16(value) => write!(json, "{value}"),
            Value::I32(value) => write!(json, "{value}"),
            Value::I64(value) => write!(json, "{value}"),
            Value::U64(value) => write!(json, "{value}"),
            Value::Uuid(bytes) => write!(json, "\"{:032X}\"", u128::from_be_bytes(*bytes)),
            _ => write!(json, "null"),
        };
    }
    json.push(']');
    json
}

/// A bind in an expression. Text is what the protocol has for decimals, documents and bytes; where a column does not say
/// what it is, a cast does.
fn render_bind<'s>(dialect: &Mysql, value: &'s Value, out: &mut Renderer<'s>) {
    // Text would be compared with a decimal as floats are (MySQL 8.4 manual 14.3).
    if value.kind() == Kind::Decimal {
        let (digits, scale) = match value {
            Value::Decimal(decimal) => decimal_size(*decimal),
            _ => DECIMAL_SIZE,
        };
        out.sql("CAST(").bind(value);
        out.sql(" AS DECIMAL(").number(digits).sql(", ").number(scale).sql("))");
        return;
    }
    let ty = match value.kind() {
        // Text is no document but a JSON string (MySQL 8.4 manual 13.5).
        Kind::Json if !dialect.server.is_mariadb() => Some("JSON"),
        Kind::Bytes | Kind::Uuid => Some("BINARY"),
        // mysql_async sends a date as a timestamp; and a parameter that nothing but its first value tells the type of keeps
        // that type in MySQL, be it a time and a timestamp comes later.
        Kind::Date => Some("DATE"),
        Kind::Time => Some("TIME(6)"),
        Kind::Timestamp | Kind::TimestampTz => Some("DATETIME(6)"),
        _ => None,
    };
    match ty {
        Some(ty) => cast_bind(value, ty, out),
        None => {
            out.bind(value);
        }
    }
}

fn cast_bind<'s>(value: &'s Value, ty: &str, out: &mut Renderer<'s>) {
    out.sql("CAST(").bind(value).sql(" AS ").sql(ty).sql(")");
}

/// What is selected by itself. A NULL of no type makes the column of a union or subquery one of text in MySQL; in MariaDB one of no
/// type, with which is calculated as with a DOUBLE, and what stands in for it is text. No page of its manual says so.
pub(super) fn render_item<'s>(expression: &'s Expression, out: &mut Renderer<'s>) -> Compile {
    if let Expression::Bind(value @ Value::Null(kind)) = expression {
        let ty = match kind {
            Kind::F32 | Kind::F64 => Some("DOUBLE"),
            kind => integer(*kind),
        };
        if let Some(ty) = ty {
            cast_bind(value, ty, out);
            return Ok(());
        }
    }
    out.expression(expression).map(drop)
}

/// What is grouped or ordered by, or sought in a subquery. A number that is bound alone is the place of a column on MariaDB (no
/// page of its manual says it).
pub(super) fn render_key<'s>(
    dialect: &'s Mysql,
    expression: &'s Expression,
    out: &mut Renderer<'s>,
) -> Compile {
    if let Expression::Bind(value) = expression
        && dialect.server.is_mariadb()
        && let Some(ty) = integer(value.kind())
    {
        cast_bind(value, ty, out);
        return Ok(());
    }
    out.expression(expression).map(drop)
}

/// What an integer or a truth value is cast to.
fn integer(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::U64 => Some("UNSIGNED"),
        kind if kind.is_integer() || kind == Kind::Bool => Some("SIGNED"),
        _ => None,
    }
}

/// Whether all that it can be is bound, and text.
fn is_bound_text(expression: &Expression) -> bool {
    match expression {
        Expression::Bind(value) => matches!(value.kind(), Kind::Text | Kind::Enum(_)),
        Expression::Case(n) => n.values().all(is_bound_text),
        Expression::Function(n) => !n.arguments.is_empty() && n.arguments.iter().all(is_bound_text),
        _ => false,
    }
}

fn is_bind(expression: &Expression) -> bool {
    matches!(expression, Expression::Bind(_))
}

/// An operand that has to tell its type itself.
fn render_alone<'s>(
    dialect: &'s Mysql,
    operand: &'s Expression,
    than: Precedence,
    out: &mut Renderer<'s>,
) -> Compile {
    match operand {
        Expression::Bind(value) => {
            render_number(dialect, value, out);
            Ok(())
        }
        other => out.operand(other, than).map(drop),
    }
}

/// A bind that no column tells the type of. MySQL would take a number for a DOUBLE (MySQL 8.4 manual 15.5.1), and MariaDB
/// a NULL.
fn render_number<'s>(dialect: &'s Mysql, value: &'s Value, out: &mut Renderer<'s>) {
    let tells = !value.is_null() && (dialect.server.is_mariadb() || value.kind() == Kind::Bool);
    match integer(value.kind()).filter(|_| !tells) {
        Some(ty) => cast_bind(value, ty, out),
        None => render_bind(dialect, value, out),
    }
}

/// Digits in all and behind the point that hold nearly every number.
const DECIMAL_SIZE: (u64, u64) = (65, 30);

/// Digits in all and behind the point that hold the number: for nearly all of them the same, so that few statements are
/// prepared.
fn decimal_size(decimal: DecimalValue) -> (u64, u64) {
    let scale = u64::from(decimal.scale());
    let digits = u64::from(decimal.mantissa().unsigned_abs().checked_ilog10().unwrap_or(0)) + 1;
    if scale <= 30 && digits.saturating_sub(scale) <= 35 {
        DECIMAL_SIZE
    } else {
        // What does not fit into this either is refused when it is bound.
        (65, scale.min(30))
    }
}
