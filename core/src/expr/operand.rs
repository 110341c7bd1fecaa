//! What may stand where: the small traits behind the type checks, with the messages that users see.

use super::{Column, Expr, Expression};
use crate::{entity::Entity, types::Type};

/// Anything that can be an SQL expression: a column, an expression, a value.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an SQL expression",
    note = "columns, expressions made of them, and values of mapped types are; a select is one as `scalar(…)`",
    note = "what is borrowed is copied or cloned: `*id`, `name.map(str::to_owned)`; a `usize` is converted: `n as i64`"
)]
pub trait IntoExpr {
    /// The Rust type of its value.
    type Sql: Type;

    /// As an expression.
    fn into_expr(self) -> Expr<Self::Sql>;
}

#[diagnostic::do_not_recommend]
impl<T: Type> IntoExpr for T {
    type Sql = T;

    fn into_expr(self) -> Expr<T> {
        Expr::new(Expression::Bind(self.into_value()))
    }
}

#[diagnostic::do_not_recommend]
impl<T: Type> IntoExpr for Expr<T> {
    type Sql = T;

    fn into_expr(self) -> Expr<T> {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<T: Type> IntoExpr for &Expr<T> {
    type Sql = T;

    fn into_expr(self) -> Expr<T> {
        self.clone()
    }
}

#[diagnostic::do_not_recommend]
impl<E: Entity, T: Type> IntoExpr for Column<E, T> {
    type Sql = T;

    fn into_expr(self) -> Expr<T> {
        Expr::new(self.node())
    }
}

#[diagnostic::do_not_recommend]
impl IntoExpr for &str {
    type Sql = String;

    fn into_expr(self) -> Expr<String> {
        self.to_owned().into_expr()
    }
}

#[diagnostic::do_not_recommend]
impl IntoExpr for &String {
    type Sql = String;

    fn into_expr(self) -> Expr<String> {
        self.clone().into_expr()
    }
}

// Not `Option<&str>`: with it, nobody knows what a `None` is an `Option` of.

/// A value in a list: of a mapped type, or borrowed text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be in a list of values",
    note = "values of mapped types can, and `&str`; of what is borrowed take `.iter().copied()` or `.iter().cloned()`; a `usize` is converted: `n as i64`"
)]
pub trait ListValue {
    /// The mapped type.
    type Sql: Type;

    /// As a value of it.
    fn into_mapped(self) -> Self::Sql;
}

#[diagnostic::do_not_recommend]
impl<T: Type> ListValue for T {
    type Sql = T;

    fn into_mapped(self) -> T {
        self
    }
}

#[diagnostic::do_not_recommend]
impl ListValue for &str {
    type Sql = String;

    fn into_mapped(self) -> String {
        self.to_owned()
    }
}

#[diagnostic::do_not_recommend]
impl ListValue for &String {
    type Sql = String;

    fn into_mapped(self) -> String {
        self.clone()
    }
}

/// Two SQL types that can be compared.
#[diagnostic::on_unimplemented(
    message = "cannot compare SQL `{Self}` with `{Rhs}`",
    label = "`{Rhs}` is not comparable with `{Self}`",
    note = "`cast` changes the SQL type of an expression"
)]
pub trait Comparable<Rhs> {
    /// What holds the values of both.
    type Common: Type;
}

#[diagnostic::do_not_recommend]
impl<T: Type> Comparable<T> for T {
    type Common = T;
}

/// No type of SQL. With an implementation for it, no type has one implementation only, which the compiler would take for
/// the one that is meant: `type mismatch` instead of the message above.
#[derive(Debug)]
pub enum Nothing {}

#[diagnostic::do_not_recommend]
impl<T: Type> Comparable<Nothing> for T {
    type Common = T;
}

#[diagnostic::do_not_recommend]
impl<T: Type> Assignable<Nothing> for T {}

/// A value of type `Rhs` that a column of this type can take.
#[diagnostic::on_unimplemented(
    message = "cannot assign `{Rhs}` to a column of type `{Self}`",
    label = "this column is of type `{Self}`",
    note = "a nullable column takes a value or an `Option`; a column that is not takes no `Option`",
    note = "a number fits a column of a wider type; any other is converted: `i32::try_from(n)?`"
)]
pub trait Assignable<Rhs> {}

#[diagnostic::do_not_recommend]
impl<T: Type> Assignable<T> for T {}

#[diagnostic::do_not_recommend]
impl<T: Type> Assignable<T> for Option<T> {}

/// The type of a branch of a `CASE` whose first one is of type `T`.
#[diagnostic::on_unimplemented(
    message = "a branch of a CASE is SQL `{Self}`, and the first one `{T}`",
    label = "this is not of type `{T}`",
    note = "all branches have one type: `cast` changes that of an expression, and beside what may be NULL a value is written `Some(…)`"
)]
pub trait BranchOf<T> {}

#[diagnostic::do_not_recommend]
impl<T: Type> BranchOf<T> for T {}

#[diagnostic::do_not_recommend]
impl<T: Type> BranchOf<Nothing> for T {}

/// Numbers.
#[diagnostic::on_unimplemented(message = "arithmetic needs numbers, found SQL `{Self}`")]
pub trait Numeric: Type {
    /// Whether `/` cuts off the fraction, as integer division does in Rust.
    const INTEGER: bool;

    /// What a sum of these is; `None` of it when there is no row.
    type Sum: Type;
}

/// Two numbers that can be calculated with, and what comes out.
#[diagnostic::on_unimplemented(
    message = "cannot calculate with SQL `{Self}` and `{Rhs}`",
    note = "`cast` changes the SQL type of an expression"
)]
pub trait Arithmetic<Rhs> {
    /// The wider of the two.
    type Output: Type;
}

/// Text, or text that may be NULL.
#[diagnostic::on_unimplemented(message = "this needs text, found SQL `{Self}`")]
pub trait TextLike: Type {}

impl TextLike for String {}
impl TextLike for Option<String> {}

/// A truth value, or one that may be NULL: what a filter is.
#[diagnostic::on_unimplemented(
    message = "a condition must be a boolean SQL expression, found `{Self}`",
    note = "compare it with something: `.eq(…)`, `.gt(…)`, `.is_null()`; a list or an `Option` of conditions is one as `all_of(…)`"
)]
pub trait Condition: Type {}

impl Condition for bool {}
impl Condition for Option<bool> {}

macro_rules! numeric {
    ($($ty:ty: integer $integer:literal, sum $sum:ty;)*) => {
        $(
            impl Numeric for $ty {
                const INTEGER: bool = $integer;
                type Sum = $sum;
            }
            impl Arithmetic<$ty> for $ty {
                type Output = $ty;
            }
        )*
    };
}

numeric! {
    i8: integer true, sum i64;
    i16: integer true, sum i64;
    i32: integer true, sum i64;
    i64: integer true, sum i64;
    u8: integer true, sum i64;
    u16: integer true, sum i64;
    u32: integer true, sum i64;
    u64: integer true, sum u64;
    f32: integer false, sum f64;
    f64: integer false, sum f64;
}

#[cfg(feature = "decimal")]
numeric! {
    rust_decimal::Decimal: integer false, sum rust_decimal::Decimal;
}

/// `narrow < wide`: they compare both ways, calculate to the wide one, and the wide one takes the narrow one.
macro_rules! widens {
    ($($narrow:ty => $($wide:ty),+;)*) => {
        $($(
            #[diagnostic::do_not_recommend]
            impl Comparable<$narrow> for $wide {
                type Common = $wide;
            }
            #[diagnostic::do_not_recommend]
            impl Comparable<$wide> for $narrow {
                type Common = $wide;
            }
            #[diagnostic::do_not_recommend]
            impl Arithmetic<$narrow> for $wide {
                type Output = $wide;
            }
            #[diagnostic::do_not_recommend]
            impl Arithmetic<$wide> for $narrow {
                type Output = $wide;
            }
            #[diagnostic::do_not_recommend]
            impl Assignable<$narrow> for $wide {}
            #[diagnostic::do_not_recommend]
            impl Assignable<$narrow> for Option<$wide> {}
        )+)*
    };
}

widens! {
    i8 => i16, i32, i64, f32, f64;
    u8 => i16, u16, i32, u32, i64, u64, f32, f64;
    i16 => i32, i64, f32, f64;
    u16 => i32, u32, i64, u64, f32, f64;
    i32 => i64, f64;
    u32 => i64, u64, f64;
    f32 => f64;
}

#[cfg(feature = "decimal")]
widens! {
    i8 => rust_decimal::Decimal;
    u8 => rust_decimal::Decimal;
    i16 => rust_decimal::Decimal;
    u16 => rust_decimal::Decimal;
    i32 => rust_decimal::Decimal;
    u32 => rust_decimal::Decimal;
    i64 => rust_decimal::Decimal;
    u64 => rust_decimal::Decimal;
}

/// Pairs that compare though neither takes the other: an integer literal is an `i32` in Rust, and each side of a
/// comparison keeps its own type.
macro_rules! also_compares {
    ($($a:ty, $b:ty => $common:ty;)*) => {
        $(
            #[diagnostic::do_not_recommend]
            impl Comparable<$a> for $b {
                type Common = $common;
            }
            #[diagnostic::do_not_recommend]
            impl Comparable<$b> for $a {
                type Common = $common;
            }
        )*
    };
}

also_compares! {
    i32, u64 => u64;
    i32, u32 => i64;
    i64, u64 => i64;
    i64, f64 => f64;
    i32, f32 => f64;
}
