//! Expressions that are decimals, spelled so that their value is exact and compares as a number.
//!
//! `CAST(… AS TEXT) COLLATE decimal` around a result gives it what a column has by its declaration: numbers that it is compared
//! with become text, and texts are compared as numbers, also behind a subquery (SQLite, "Datatypes in SQLite", 3.2 and 4.2; 7.1).

use relata_core::{
    CompileError,
    expr::{Aggregate, Expression, Function, In, InList, Node, Operator, Window},
    render::{Compile, Precedence, Renderer},
    statement::SelectBody,
    value::{Kind, Value},
};

use super::COLLATION;

/// Whether the expression is known to be a decimal.
pub(crate) fn is_decimal(expression: &Expression) -> bool {
    match expression {
        Expression::Column(n) => n.column.ty.kind == Kind::Decimal,
        Expression::AliasColumn(n) => n.kind == Some(Kind::Decimal),
        Expression::Excluded(n) => n.column.ty.kind == Kind::Decimal,
        Expression::Bind(value) => value.kind() == Kind::Decimal,
        Expression::Cast(n) => n.ty.kind == Kind::Decimal,
        Expression::Negate(n) => is_decimal(&n.operand),
        Expression::Infix(n) => match n.operator {
            Operator::DivideDecimal => true,
            operator => is_arithmetic(operator) && (is_decimal(&n.left) || is_decimal(&n.right)),
        },
        Expression::Function(n) if n.name == "NULLIF" => n.arguments.first().is_some_and(is_decimal),
        Expression::Function(n) => keeps_type(n) && n.arguments.iter().any(is_decimal),
        Expression::Aggregate(n) => {
            matches!(n.name, "SUM" | "MIN" | "MAX") && n.operand.as_ref().is_some_and(is_decimal)
        }
        Expression::Window(n) => is_decimal(&n.function),
        Expression::Case(n) => n.values().any(is_decimal),
        Expression::Subquery(n) => first_is_decimal(&n.select),
        _ => false,
    }
}

/// Whether a list has decimals among which something else is looked for.
pub(crate) fn is_mixed_list(n: &In) -> bool {
    let of_decimals = match &n.list {
        InList::Values(Value::Array(kind, values)) => *kind == Kind::Decimal && !values.is_empty(),
        InList::Values(_) => false,
        InList::Select(select) => first_is_decimal(select),
    };
    of_decimals && !is_decimal(&n.operand)
}

/// Refuses to look for a decimal among numbers that are none: they would not become text either.
pub(crate) fn check_list(n: &In) -> Compile {
    match &n.list {
        InList::Select(select) if is_decimal(&n.operand) && !first_is_decimal(select) => {
            Err(CompileError::invalid(
                "SQLite looks for a decimal among decimals only: cast what the subquery selects, `cast::<Decimal, _>(…)`",
            ))
        }
        _ => Ok(()),
    }
}

/// Whether a query selects decimals.
fn first_is_decimal(select: &SelectBody) -> bool {
    select.leftmost().items.first().is_some_and(|item| is_decimal(&item.expression))
}

/// Writes it so that what is looked for is compared as a decimal.
pub(crate) fn render_mixed_list<'s>(n: &'s In, out: &mut Renderer<'s>) -> Compile {
    render_mixed(&n.operand, out)?;
    n.render_list(out)
}

/// Whether decimals are compared with what is none, other than a value, which becomes text beside one. A column of integers would make a
/// float of the decimal ("Datatypes in SQLite", 4.2); one of a union would stay what it is (3.3), and on the left it would be compared by
/// its own collation (7.1).
pub(crate) fn is_mixed_comparison(operands: &[&Expression]) -> bool {
    operands.iter().any(|operand| is_decimal(operand)) && operands.iter().any(|operand| is_mixed(operand))
}

fn is_mixed(operand: &Expression) -> bool {
    !matches!(operand, Expression::Bind(_)) && !is_decimal(operand)
}

/// Writes an operand of a comparison [with decimals](is_mixed_comparison).
pub(crate) fn render_operand<'s>(operand: &'s Expression, out: &mut Renderer<'s>) -> Compile {
    if is_mixed(operand) {
        render_mixed(operand, out)
    } else {
        out.operand(operand, Precedence::Comparison).map(drop)
    }
}

/// Writes what is compared with decimals as one.
fn render_mixed<'s>(operand: &'s Expression, out: &mut Renderer<'s>) -> Compile {
    out.sql("CAST(").expression(operand)?.sql(" AS TEXT) COLLATE ").sql(COLLATION);
    Ok(())
}

/// Whether it is no decimal, and would be compared like one: the collation of a part is that of the whole, such as of a CASE that asks
/// about a decimal, or of a decimal that is cast ("Datatypes in SQLite", 7.1).
pub(crate) fn passes_collation_on(expression: &Expression) -> bool {
    fn has_decimal(expression: &Expression) -> bool {
        let mut found = false;
        expression.for_each_child(&mut |child| found = found || is_decimal(child) || has_decimal(child));
        found
    }
    let may_pass = match expression {
        Expression::Case(_) | Expression::Function(_) => true,
        Expression::Cast(n) => n.ty.kind == Kind::Text,
        _ => false,
    };
    may_pass && !is_decimal(expression) && has_decimal(expression)
}

/// Whether a decimal and something else are compared by NULLIF.
pub(crate) fn is_mixed_nullif(n: &Function) -> bool {
    matches!((n.name, &*n.arguments), ("NULLIF", [value, other]) if is_decimal(value) != is_decimal(other))
}

/// Writes NULLIF by what it stands for (SQL:2016 Foundation 6.12): in itself the two would not be made one type.
pub(crate) fn render_nullif<'s>(n: &'s Function, out: &mut Renderer<'s>) -> Compile {
    let [value, other] = &*n.arguments else { return n.render(out) };
    render_operand(value, out.sql("CASE WHEN "))?;
    render_operand(other, out.sql(" = "))?;
    out.sql(" THEN NULL ELSE ").expression(value)?.sql(" END");
    Ok(())
}

fn keeps_type(n: &Function) -> bool {
    matches!(n.name, "COALESCE" | "ABS" | "LAG" | "LEAD" | "FIRST_VALUE" | "LAST_VALUE" | "NTH_VALUE")
}

fn is_arithmetic(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Add
            | Operator::Subtract
            | Operator::Multiply
            | Operator::Divide
            | Operator::DivideInteger
            | Operator::Modulo
    )
}

/// Writes an expression that [is a decimal](is_decimal).
pub(crate) fn render<'s>(expression: &'s Expression, out: &mut Renderer<'s>) -> Compile {
    match expression {
        // They have type and collation by their declaration, or by what the subquery selects.
        Expression::Column(_) | Expression::AliasColumn(_) | Expression::Excluded(_) => {
            expression.render(out)
        }
        other => {
            out.sql("CAST(");
            render_bare(other, out)?;
            out.sql(" AS TEXT) COLLATE ").sql(COLLATION);
            Ok(())
        }
    }
}

fn render_bare<'s>(expression: &'s Expression, out: &mut Renderer<'s>) -> Compile {
    match expression {
        Expression::Infix(n) => {
            let name = match n.operator {
                Operator::Add => "decimal_add(",
                Operator::Subtract => "decimal_sub(",
                Operator::Multiply => "decimal_mul(",
                _ => {
                    return Err(CompileError::invalid(
                        "SQLite has neither division nor remainder of decimals: cast one to f64, or calculate with what was read",
                    ));
                }
            };
            call(name, [&n.left, &n.right], out)
        }
        Expression::Negate(n) => {
            out.sql("decimal_sub(0, ").expression(&n.operand)?.sql(")");
            Ok(())
        }
        Expression::Function(n) if is_mixed_nullif(n) => render_nullif(n, out),
        Expression::Function(n) if n.name == "ABS" => call("decimal_abs(", &n.arguments, out),
        // Its operand, and not the cast of it again.
        Expression::Cast(n) => out.expression(&n.operand).map(drop),
        Expression::Aggregate(n) if n.name == "SUM" => n.render_own(out, |out| sum(n, out)),
        Expression::Window(n) => window(n, out),
        other => other.render(out),
    }
}

fn call<'s>(
    name: &str,
    arguments: impl IntoIterator<Item = &'s Expression>,
    out: &mut Renderer<'s>,
) -> Compile {
    out.sql(name).list(arguments, ", ", |out, argument| out.expression(argument).map(drop))?.sql(")");
    Ok(())
}

fn sum<'s>(n: &'s Aggregate, out: &mut Renderer<'s>) -> Compile {
    out.sql(if n.distinct { "decimal_sum(DISTINCT " } else { "decimal_sum(" });
    if let Some(operand) = &n.operand {
        out.expression(operand)?;
    }
    out.sql(")");
    if let Some(filter) = &n.filter {
        out.sql(" FILTER (WHERE ").expression(filter)?.sql(")");
    }
    Ok(())
}

/// What surrounds a result comes behind the window.
fn window<'s>(n: &'s Window, out: &mut Renderer<'s>) -> Compile {
    render_bare(&n.function, out)?;
    n.render_over(out)
}
