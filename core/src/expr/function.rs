//! `name(arguments)`: scalar functions.

use super::{Comparable, Expr, Expression, IntoExpr, Node, Numeric, TextLike, operators::node};
use crate::{
    render::{CacheKey, Compile, Renderer},
    types::Type,
};

/// A call of a scalar function.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// The name, written as it is: never from outside of the program.
    pub name: &'static str,
    /// The arguments.
    pub arguments: Vec<Expression>,
    /// How NULL comes out of it.
    pub nullness: Nullness,
}

/// How a function treats NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nullness {
    /// NULL if any argument is.
    AnyArgument,
    /// NULL if all arguments are.
    AllArguments,
}

impl Node for Function {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.sql(self.name).sql("(");
        out.list(&self.arguments, ", ", |out, a| out.expression(a).map(drop))?.sql(")");
        Ok(())
    }

    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        self.arguments.iter().for_each(visit);
    }

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let Function { name, arguments, nullness } = self;
        key.part(name).part(nullness).expressions(arguments);
    }

    fn may_be_null(&self, out: &Renderer<'_>) -> bool {
        let mut arguments = self.arguments.iter();
        match self.nullness {
            Nullness::AnyArgument => arguments.any(|a| a.may_be_null(out)),
            Nullness::AllArguments => !arguments.any(|a| !a.may_be_null(out)),
        }
    }
}

/// What holds the values of both types.
type Common<A, B> = <<A as Type>::Base as Comparable<<B as Type>::Base>>::Common;

fn call<T>(name: &'static str, arguments: Vec<Expression>, nullness: Nullness) -> Expr<T> {
    Expr::new(Expression::Function(Box::new(Function { name, arguments, nullness })))
}

/// Any function of the database, promised to give a `T`: `name(arguments)`.
///
/// The name is written as it is; it is `'static` so that it cannot come from outside. Arguments of several types are
/// expressions without a type: [`IntoExpr::into_expr`], then [`Expr::into_node`]. What takes no parentheses, as `CURRENT_USER`, is
/// [`raw`](super::raw).
///
/// ```
/// use relata_core::{dialect::Standard, expr::{func, val}, render::Statement, statement::select};
///
/// let bits = func::<i64, _>("bit_count", [val(5)]);
/// let line = func::<String, _>("repeat", [val("-").into_node(), val(80).into_node()]);
/// assert_eq!(select((bits, line)).compile(&Standard)?.sql, "SELECT bit_count(?), repeat(?, ?)");
/// # Ok::<(), relata_core::Error>(())
/// ```
pub fn func<T: Type, A: Into<Expression>>(
    name: &'static str,
    arguments: impl IntoIterator<Item = A>,
) -> Expr<T> {
    call(name, arguments.into_iter().map(Into::into).collect(), Nullness::AnyArgument)
}

impl<T> From<Expr<T>> for Expression {
    fn from(expr: Expr<T>) -> Self {
        expr.into_node()
    }
}

/// `COALESCE(value, otherwise)`: the first that is not NULL, of the wider type of the two. Chain it for more than two.
///
/// ```
/// use relata_core::{dialect::Standard, expr::{coalesce, val}, render::Statement, statement::{Select, select}};
///
/// let statement: Select<i64> = select(coalesce(val(None::<i32>), 0_i64));
/// assert_eq!(statement.compile(&Standard)?.sql, "SELECT COALESCE(?, ?)");
/// # Ok::<(), relata_core::Error>(())
/// ```
pub fn coalesce<V: IntoExpr, O: IntoExpr>(
    value: V,
    otherwise: O,
) -> Expr<<O::Sql as Type>::With<Common<V::Sql, O::Sql>>>
where
    <V::Sql as Type>::Base: Comparable<<O::Sql as Type>::Base>,
{
    call("COALESCE", vec![node(value), node(otherwise)], Nullness::AllArguments)
}

/// `NULLIF(value, other)`: NULL if the two are equal, else the value.
///
/// ```
/// use relata_core::{dialect::Standard, expr::{nullif, val}, render::Statement, statement::{Select, select}};
///
/// let statement: Select<Option<String>> = select(nullif(val("unknown"), "unknown"));
/// assert_eq!(statement.compile(&Standard)?.sql, "SELECT NULLIF(?, ?)");
/// # Ok::<(), relata_core::Error>(())
/// ```
pub fn nullif<V: IntoExpr, O: IntoExpr>(value: V, other: O) -> Expr<<V::Sql as Type>::Nullable>
where
    <V::Sql as Type>::Base: Comparable<<O::Sql as Type>::Base>,
{
    call("NULLIF", vec![node(value), node(other)], Nullness::AnyArgument)
}

/// `LOWER(text)`.
pub fn lower<V: IntoExpr<Sql: TextLike>>(text: V) -> Expr<V::Sql> {
    call("LOWER", vec![node(text)], Nullness::AnyArgument)
}

/// `UPPER(text)`.
pub fn upper<V: IntoExpr<Sql: TextLike>>(text: V) -> Expr<V::Sql> {
    call("UPPER", vec![node(text)], Nullness::AnyArgument)
}

/// `TRIM(text)`: without the spaces at both ends.
pub fn trim<V: IntoExpr<Sql: TextLike>>(text: V) -> Expr<V::Sql> {
    call("TRIM", vec![node(text)], Nullness::AnyArgument)
}

/// `CHAR_LENGTH(text)`: how many characters, not bytes.
pub fn char_length<V: IntoExpr<Sql: TextLike>>(text: V) -> Expr<<V::Sql as Type>::With<i32>> {
    call("CHAR_LENGTH", vec![node(text)], Nullness::AnyArgument)
}

/// `ABS(number)`.
pub fn abs<V: IntoExpr>(number: V) -> Expr<V::Sql>
where
    <V::Sql as Type>::Base: Numeric,
{
    call("ABS", vec![node(number)], Nullness::AnyArgument)
}

/// The texts one after another: `first || second`, NULL if one is.
pub fn concat<V: IntoExpr<Sql: TextLike>, W: IntoExpr<Sql: TextLike>>(
    first: V,
    second: W,
) -> Expr<super::operators::Either<V::Sql, W::Sql, String>> {
    super::Operators::concat(first.into_expr(), second)
}
