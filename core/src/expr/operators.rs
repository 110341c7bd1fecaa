//! The methods of columns and expressions.

use super::{
    Arithmetic, Between, Column, Comparable, Condition, DistinctFrom, Expr, Expression, In, InList, Infix,
    IntoExpr, IsNull, Like, ListValue, Negate, Numeric, Operator, TextLike, custom::misplaced, logical,
};
use crate::{
    clause::{Direction, OrderItem},
    entity::Entity,
    projection::Labelled,
    statement::Select,
    types::Type,
    value::{Kind, Value},
};
use std::borrow::Cow;

/// The type of an expression that is NULL when one of its operands is.
pub type Either<A, B, T> = <A as Type>::With<<B as Type>::With<T>>;

/// The operators of SQL, as methods of columns and expressions.
///
/// Comparing with something that may be NULL gives something that may be NULL; a filter takes both.
///
/// ```
/// use relata_core::{expr::{Operators, val}, dialect::Standard, render::Statement, statement::select};
///
/// let in_range = val(5_i64).gt(3).and(val(5_i64).lt(10));
/// assert_eq!(select(in_range).compile(&Standard)?.sql, "SELECT ? > ? AND ? < ?");
/// # Ok::<(), relata_core::Error>(())
/// ```
// The operators take `self` like those of `std::ops`: an expression is built up, not looked at.
#[allow(clippy::wrong_self_convention)]
pub trait Operators: IntoExpr + Sized {
    /// `self = other`. With `None` it is `= NULL`, which holds for no row: [`is_null`](Operators::is_null) asks for NULL, and
    /// [`is_not_distinct_from`](Operators::is_not_distinct_from) for either.
    fn eq<R: IntoExpr>(self, other: R) -> Expr<Either<Self::Sql, R::Sql, bool>>
    where
        <Self::Sql as Type>::Base: Comparable<<R::Sql as Type>::Base>,
    {
        infix(self, Operator::Eq, other)
    }

    /// `self <> other`.
    fn ne<R: IntoExpr>(self, other: R) -> Expr<Either<Self::Sql, R::Sql, bool>>
    where
        <Self::Sql as Type>::Base: Comparable<<R::Sql as Type>::Base>,
    {
        infix(self, Operator::Ne, other)
    }

    /// `self < other`.
    fn lt<R: IntoExpr>(self, other: R) -> Expr<Either<Self::Sql, R::Sql, bool>>
    where
        <Self::Sql as Type>::Base: Comparable<<R::Sql as Type>::Base>,
    {
        infix(self, Operator::Lt, other)
    }

    /// `self <= other`.
    fn le<R: IntoExpr>(self, other: R) -> Expr<Either<Self::Sql, R::Sql, bool>>
    where
        <Self::Sql as Type>::Base: Comparable<<R::Sql as Type>::Base>,
    {
        infix(self, Operator::Le, other)
    }

    /// `self > other`.
    fn gt<R: IntoExpr>(self, other: R) -> Expr<Either<Self::Sql, R::Sql, bool>>
    where
        <Self::Sql as Type>::Base: Comparable<<R::Sql as Type>::Base>,
    {
        infix(self, Operator::Gt, other)
    }

    /// `self >= other`.
    fn ge<R: IntoExpr>(self, other: R) -> Expr<Either<Self::Sql, R::Sql, bool>>
    where
        <Self::Sql as Type>::Base: Comparable<<R::Sql as Type>::Base>,
    {
        infix(self, Operator::Ge, other)
    }

    /// `self IS DISTINCT FROM other`: as `<>`, but NULL is a value like any other, so the answer is never NULL.
    fn is_distinct_from<R: IntoExpr>(self, other: R) -> Expr<bool>
    where
        <Self::Sql as Type>::Base: Comparable<<R::Sql as Type>::Base>,
    {
        distinct_from(self, other, false)
    }

    /// `self IS NOT DISTINCT FROM other`: as `=`, but NULL equals NULL.
    fn is_not_distinct_from<R: IntoExpr>(self, other: R) -> Expr<bool>
    where
        <Self::Sql as Type>::Base: Comparable<<R::Sql as Type>::Base>,
    {
        distinct_from(self, other, true)
    }

    /// `self IS NULL`.
    fn is_null(self) -> Expr<bool> {
        Expr::new(Expression::IsNull(Box::new(IsNull { operand: node(self), negated: false })))
    }

    /// `self IS NOT NULL`.
    fn is_not_null(self) -> Expr<bool> {
        Expr::new(Expression::IsNull(Box::new(IsNull { operand: node(self), negated: true })))
    }

    /// `self BETWEEN low AND high`, both ends included.
    fn between<L: IntoExpr, H: IntoExpr>(
        self,
        low: L,
        high: H,
    ) -> Expr<Either<Self::Sql, L::Sql, Either<H::Sql, bool, bool>>>
    where
        <Self::Sql as Type>::Base: Comparable<<L::Sql as Type>::Base> + Comparable<<H::Sql as Type>::Base>,
    {
        Expr::new(Expression::Between(Box::new(Between {
            operand: node(self),
            low: node(low),
            high: node(high),
            negated: false,
        })))
    }

    /// `self IN (values)`; on PostgreSQL `self = ANY($1)`, unless the values are of an enum. Nothing is in an empty list, not
    /// even NULL.
    ///
    /// So that statements stay prepared, the last of more than 10 values is repeated up to one of a few lengths, and SQLite gets
    /// a long list as one JSON text.
    ///
    /// ```
    /// use relata_core::{expr::{Operators, val}, dialect::Standard, render::Statement, statement::select};
    ///
    /// let statement = select((val(5).in_list([1, 2, 3]), val(5).in_list(Vec::<i32>::new())));
    /// assert_eq!(statement.compile(&Standard)?.sql, "SELECT ? IN (?, ?, ?), 1 = 0");
    /// # Ok::<(), relata_core::Error>(())
    /// ```
    fn in_list<V: ListValue>(
        self,
        values: impl IntoIterator<Item = V>,
    ) -> Expr<Either<Self::Sql, V::Sql, bool>>
    where
        <Self::Sql as Type>::Base: Comparable<<V::Sql as Type>::Base>,
    {
        is_in(self, InList::values(values.into_iter().map(V::into_mapped)), false)
    }

    /// `self NOT IN (values)`; on PostgreSQL `self <> ALL($1)`. The list is written as by [`in_list`](Operators::in_list); an
    /// empty one gives `1 = 1`, for NULL as well.
    fn not_in_list<V: ListValue>(
        self,
        values: impl IntoIterator<Item = V>,
    ) -> Expr<Either<Self::Sql, V::Sql, bool>>
    where
        <Self::Sql as Type>::Base: Comparable<<V::Sql as Type>::Base>,
    {
        is_in(self, InList::values(values.into_iter().map(V::into_mapped)), true)
    }

    /// `self IN (SELECT …)`.
    fn in_select<V: Type>(self, select: Select<V>) -> Expr<Either<Self::Sql, V, bool>>
    where
        <Self::Sql as Type>::Base: Comparable<V::Base>,
    {
        is_in(self, InList::select(select), false)
    }

    /// `self NOT IN (SELECT …)`. Mind that it is never true when the subquery gives a NULL: `not_exists` is often meant.
    fn not_in_select<V: Type>(self, select: Select<V>) -> Expr<Either<Self::Sql, V, bool>>
    where
        <Self::Sql as Type>::Base: Comparable<V::Base>,
    {
        is_in(self, InList::select(select), true)
    }

    /// `self AND other`.
    fn and<C: IntoExpr>(self, other: C) -> Expr<Either<Self::Sql, C::Sql, bool>>
    where
        Self::Sql: Condition,
        C::Sql: Condition,
    {
        Expr::new(logical::connect(logical::Connective::And, node(self), node(other)))
    }

    /// `self OR other`.
    fn or<C: IntoExpr>(self, other: C) -> Expr<Either<Self::Sql, C::Sql, bool>>
    where
        Self::Sql: Condition,
        C::Sql: Condition,
    {
        Expr::new(logical::connect(logical::Connective::Or, node(self), node(other)))
    }

    /// `NOT self`, or the opposite operator where there is one: of `a = b` it is `a <> b`.
    #[allow(clippy::should_implement_trait)] // `std::ops::Not` is there as well; the method reads better in a chain
    fn not(self) -> Expr<Self::Sql>
    where
        Self::Sql: Condition,
    {
        Expr::new(logical::negate(node(self)))
    }

    /// `self + other`.
    fn plus<R: IntoExpr>(self, other: R) -> Calculated<Self::Sql, R::Sql>
    where
        <Self::Sql as Type>::Base: Arithmetic<<R::Sql as Type>::Base>,
    {
        infix(self, Operator::Add, other)
    }

    /// `self - other`.
    fn minus<R: IntoExpr>(self, other: R) -> Calculated<Self::Sql, R::Sql>
    where
        <Self::Sql as Type>::Base: Arithmetic<<R::Sql as Type>::Base>,
    {
        infix(self, Operator::Subtract, other)
    }

    /// `self * other`.
    fn times<R: IntoExpr>(self, other: R) -> Calculated<Self::Sql, R::Sql>
    where
        <Self::Sql as Type>::Base: Arithmetic<<R::Sql as Type>::Base>,
    {
        infix(self, Operator::Multiply, other)
    }

    /// `self / other`: integers are divided as in Rust, cutting off the fraction, on every database.
    ///
    /// A quotient of decimals is rounded: PostgreSQL gives 16 digits or more, MySQL and MariaDB 16 behind the point, and
    /// SQLite divides no decimals.
    ///
    /// The result may be NULL: some databases give NULL for a division by zero, others an error.
    fn divided_by<R: IntoExpr>(self, other: R) -> Divided<Self::Sql, R::Sql>
    where
        <Self::Sql as Type>::Base: Arithmetic<<R::Sql as Type>::Base, Output: Numeric>,
    {
        infix(
            self,
            division::<<<Self::Sql as Type>::Base as Arithmetic<<R::Sql as Type>::Base>>::Output>(),
            other,
        )
    }

    /// `self % other`: the remainder, with the sign of `self`. May be NULL, as a division may. Of integers and, but on SQLite,
    /// decimals: of floats databases have none or one of their own, so it is an error when the statement is compiled.
    fn modulo<R: IntoExpr>(self, other: R) -> Divided<Self::Sql, R::Sql>
    where
        <Self::Sql as Type>::Base: Arithmetic<<R::Sql as Type>::Base>,
    {
        let output = <<Self::Sql as Type>::Base as Arithmetic<<R::Sql as Type>::Base>>::Output::KIND;
        if matches!(output, Kind::F32 | Kind::F64) {
            return Expr::new(misplaced(
                "no remainder of floats is alike on the databases: cast both to a decimal or an integer",
            ));
        }
        infix(self, Operator::Modulo, other)
    }

    /// `-self`.
    fn negative(self) -> Expr<Self::Sql>
    where
        <Self::Sql as Type>::Base: Numeric,
    {
        Expr::new(Expression::Negate(Box::new(Negate { operand: node(self) })))
    }

    /// `self || other`.
    fn concat<R: IntoExpr>(self, other: R) -> Expr<Either<Self::Sql, R::Sql, String>>
    where
        Self::Sql: TextLike,
        R::Sql: TextLike,
    {
        infix(self, Operator::Concat, other)
    }

    /// `self LIKE pattern ESCAPE '!'`, where `%` stands for any text, `_` for one character, and `!` makes the next one plain.
    ///
    /// Upper and lower case differ, on every database.
    fn like<R: IntoExpr>(self, pattern: R) -> Expr<Either<Self::Sql, R::Sql, bool>>
    where
        Self::Sql: TextLike,
        R::Sql: TextLike,
    {
        like(self, node(pattern), false)
    }

    /// As [`like`](Operators::like), with upper and lower case the same: `self ILIKE pattern ESCAPE '!'` on PostgreSQL, and
    /// `LOWER(self) LIKE LOWER(pattern) ESCAPE '!'` elsewhere, on SQLite with a `LOWER` that knows all letters.
    fn ilike<R: IntoExpr>(self, pattern: R) -> Expr<Either<Self::Sql, R::Sql, bool>>
    where
        Self::Sql: TextLike,
        R::Sql: TextLike,
    {
        like(self, node(pattern), true)
    }

    /// Whether the text is in this one, to the letter: `self LIKE '%text%' ESCAPE '!'`. The pattern is bound, with what is
    /// special in the text escaped.
    ///
    /// ```
    /// use relata_core::{dialect::Standard, expr::{Operators, val}, render::{Bind, Statement}, statement::select, value::Value};
    ///
    /// let statement = select(val("now 50% off").contains("50%"));
    /// let compiled = statement.compile(&Standard)?;
    /// assert_eq!(compiled.sql, "SELECT ? LIKE ? ESCAPE '!'");
    /// assert_eq!(compiled.binds[1], Bind::from(Value::Text("%50!%%".into())));
    /// # Ok::<(), relata_core::Error>(())
    /// ```
    fn contains(self, text: impl AsRef<str>) -> Expr<<Self::Sql as Type>::With<bool>>
    where
        Self::Sql: TextLike,
    {
        like(self, Like::pattern("%", text.as_ref(), "%"), false)
    }

    /// Whether this begins with the text, to the letter: `self LIKE 'text%' ESCAPE '!'`, the pattern made as by
    /// [`contains`](Operators::contains).
    fn starts_with(self, text: impl AsRef<str>) -> Expr<<Self::Sql as Type>::With<bool>>
    where
        Self::Sql: TextLike,
    {
        like(self, Like::pattern("", text.as_ref(), "%"), false)
    }

    /// Whether this ends with the text, to the letter: `self LIKE '%text' ESCAPE '!'`, the pattern made as by
    /// [`contains`](Operators::contains).
    fn ends_with(self, text: impl AsRef<str>) -> Expr<<Self::Sql as Type>::With<bool>>
    where
        Self::Sql: TextLike,
    {
        like(self, Like::pattern("%", text.as_ref(), ""), false)
    }

    /// As [`contains`](Operators::contains), with upper and lower case the same: the [`ilike`](Operators::ilike) of its pattern.
    fn icontains(self, text: impl AsRef<str>) -> Expr<<Self::Sql as Type>::With<bool>>
    where
        Self::Sql: TextLike,
    {
        like(self, Like::pattern("%", text.as_ref(), "%"), true)
    }

    /// Orders by this, smallest first: `ORDER BY self`.
    fn asc(self) -> OrderItem {
        OrderItem::new(node(self), Direction::Ascending)
    }

    /// Orders by this, largest first: `ORDER BY self DESC`.
    fn desc(self) -> OrderItem {
        OrderItem::new(node(self), Direction::Descending)
    }

    /// Names it in the row: `self AS name`.
    fn label(self, name: impl Into<Cow<'static, str>>) -> Labelled<Self::Sql> {
        Labelled::new(self.into_expr(), name.into())
    }
}

impl<T: Type> Operators for Expr<T> {}
impl<T: Type> Operators for &Expr<T> {}
impl<E: Entity, T: Type> Operators for Column<E, T> {}

/// What calculating with an `A` and a `B` gives.
pub type Calculated<A, B> = Expr<Either<A, B, <<A as Type>::Base as Arithmetic<<B as Type>::Base>>::Output>>;

/// What dividing an `A` by a `B` gives.
pub type Divided<A, B> =
    Expr<<<<A as Type>::Base as Arithmetic<<B as Type>::Base>>::Output as Type>::Nullable>;

pub(super) fn node(operand: impl IntoExpr) -> Expression {
    operand.into_expr().into_node()
}

fn infix<T>(left: impl IntoExpr, operator: Operator, right: impl IntoExpr) -> Expr<T> {
    Expr::new(Expression::Infix(Box::new(Infix { left: node(left), operator, right: node(right) })))
}

/// The division that gives a `T`.
fn division<T: Numeric>() -> Operator {
    match T::KIND {
        Kind::Decimal => Operator::DivideDecimal,
        _ if T::INTEGER => Operator::DivideInteger,
        _ => Operator::Divide,
    }
}

fn distinct_from(left: impl IntoExpr, right: impl IntoExpr, negated: bool) -> Expr<bool> {
    Expr::new(Expression::DistinctFrom(Box::new(DistinctFrom {
        left: node(left),
        right: node(right),
        negated,
    })))
}

fn is_in<T>(operand: impl IntoExpr, list: InList, negated: bool) -> Expr<T> {
    Expr::new(Expression::In(Box::new(In { operand: node(operand), list, negated })))
}

fn like<T>(operand: impl IntoExpr, pattern: Expression, ignore_case: bool) -> Expr<T> {
    // PostgreSQL refuses it, and the others take it for anything.
    if matches!(&pattern, Expression::Bind(Value::Text(text)) if Like::ends_in_escape(text)) {
        return Expr::new(misplaced(
            "a pattern of LIKE ends in `!`, which makes nothing plain: write `!!` for one of them",
        ));
    }
    Expr::new(Expression::Like(Box::new(Like {
        operand: node(operand),
        pattern,
        ignore_case,
        negated: false,
    })))
}

macro_rules! std_operator {
    ($($trait:ident $method:ident => $ours:ident -> $result:ident $(of $output:ident)?;)*) => {
        $(
            impl<T: Type, R: IntoExpr> std::ops::$trait<R> for Expr<T>
            where
                T::Base: Arithmetic<<R::Sql as Type>::Base $(, Output: $output)?>,
            {
                type Output = $result<T, R::Sql>;

                fn $method(self, other: R) -> Self::Output {
                    self.$ours(other)
                }
            }

            impl<E: Entity, T: Type, R: IntoExpr> std::ops::$trait<R> for Column<E, T>
            where
                T::Base: Arithmetic<<R::Sql as Type>::Base $(, Output: $output)?>,
            {
                type Output = $result<T, R::Sql>;

                fn $method(self, other: R) -> Self::Output {
                    self.$ours(other)
                }
            }
        )*
    };
}

std_operator! {
    Add add => plus -> Calculated;
    Sub sub => minus -> Calculated;
    Mul mul => times -> Calculated;
    Div div => divided_by -> Divided of Numeric;
    Rem rem => modulo -> Divided;
}

impl<T: Condition> std::ops::Not for Expr<T> {
    type Output = Expr<T>;

    fn not(self) -> Expr<T> {
        Operators::not(self)
    }
}

impl<E: Entity, T: Condition> std::ops::Not for Column<E, T> {
    type Output = Expr<T>;

    fn not(self) -> Expr<T> {
        Operators::not(self)
    }
}
