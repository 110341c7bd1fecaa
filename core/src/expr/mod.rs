//! Expressions: typed at the leaves, one untyped tree below.
//!
//! [`Expr<T>`] is what users hold: an [`Expression`] with the Rust type of its value. Each construct is one file here: its
//! data, its constructor, its standard rendering.

mod aggregate;
mod alias;
mod between;
mod bind;
mod case;
mod cast;
mod column;
mod custom;
mod distinct_from;
mod excluded;
mod exists;
mod frame;
mod function;
mod in_list;
mod infix;
mod is_null;
mod like;
mod logical;
mod negate;
mod now;
mod operand;
mod operators;
mod raw;
mod subquery;
mod window;

use std::{fmt, marker::PhantomData, sync::Arc};

pub use aggregate::{Aggregate, avg, count, count_all, count_distinct, count_where, max, min, sum};
pub use alias::Alias;
pub use between::Between;
pub use bind::val;
pub use case::{Case, CaseBuilder, CaseStart, case};
pub use cast::{Cast, cast};
pub use column::{AliasColumn, Column, TableColumn};
pub use custom::Construct;
pub(crate) use custom::misplaced;
pub use distinct_from::DistinctFrom;
pub use excluded::{Excluded, excluded};
pub use exists::{Exists, exists, not_exists};
pub use frame::Frame;
pub use function::{
    Function, Nullness, abs, char_length, coalesce, concat, func, lower, nullif, trim, upper,
};
pub use in_list::{In, InList};
pub(crate) use infix::plus_one;
pub use infix::{Infix, Operator};
pub use is_null::IsNull;
pub use like::Like;
pub(crate) use logical::connect;
pub use logical::{Connective, Logical, Not, all_of, any_of, not};
pub use negate::Negate;
pub use now::{Now, now};
pub use operand::{
    Arithmetic, Assignable, BranchOf, Comparable, Condition, IntoExpr, ListValue, Nothing, Numeric, TextLike,
};
pub use operators::{Calculated, Divided, Either, Operators};
pub use raw::{Raw, raw};
pub use subquery::{Scalar, scalar};
pub use window::{
    Window, WindowDefinition, cume_dist, dense_rank, first_value, lag, last_value, lead, nth_value, ntile,
    over, percent_rank, rank, row_number, window,
};

use crate::{
    render::{CacheKey, Compile, Precedence, Renderer},
    statement::SelectBody,
    types::Type,
    value::Value,
};

/// What every construct can do.
pub trait Node {
    /// Writes the construct as the standard spells it.
    ///
    /// # Errors
    ///
    /// If the dialect lacks what it needs, or a column is not in scope.
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile;

    /// How tightly it binds.
    fn precedence(&self) -> Precedence {
        Precedence::Primary
    }

    /// Visits each operand of this level of the statement; subqueries are levels of their own.
    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression));

    /// Says what tells how it is written, but for the values in it, so that statements that are alike are [written
    /// once](crate::render::Compiler). By default nothing does, and a statement with it is compiled each time.
    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        key.refuse();
    }

    /// Whether it may be NULL although its type says otherwise, because a column of an outer join's optional side is in it.
    fn may_be_null(&self, out: &Renderer<'_>) -> bool {
        let mut null = false;
        self.for_each_child(&mut |child| null |= child.may_be_null(out));
        null
    }
}

/// The untyped tree.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Expression {
    /// A column of a table.
    Column(TableColumn),
    /// A column of an alias, a subquery or a CTE.
    AliasColumn(Box<AliasColumn>),
    /// A bind parameter.
    Bind(Value),
    /// `left operator right`.
    Infix(Box<Infix>),
    /// `a AND b AND …`, `a OR b OR …`.
    Logical(Logical),
    /// `NOT operand`.
    Not(Box<Not>),
    /// `-operand`.
    Negate(Box<Negate>),
    /// `operand IS NULL`.
    IsNull(Box<IsNull>),
    /// `left IS DISTINCT FROM right`.
    DistinctFrom(Box<DistinctFrom>),
    /// `operand BETWEEN low AND high`.
    Between(Box<Between>),
    /// `operand LIKE pattern`.
    Like(Box<Like>),
    /// `operand IN (…)`.
    In(Box<In>),
    /// `CASE WHEN … END`.
    Case(Box<Case>),
    /// `CAST(operand AS type)`.
    Cast(Box<Cast>),
    /// `name(arguments)`.
    Function(Box<Function>),
    /// An aggregate function.
    Aggregate(Box<Aggregate>),
    /// `function OVER (…)`.
    Window(Box<Window>),
    /// `EXISTS (SELECT …)`.
    Exists(Box<Exists>),
    /// A subquery that gives one value.
    Subquery(Box<Scalar>),
    /// `excluded.column`.
    Excluded(Excluded),
    /// `CURRENT_TIMESTAMP` and its kin.
    Now(Now),
    /// SQL text with binds.
    Raw(Box<Raw>),
    /// A construct from elsewhere.
    Custom(Arc<dyn Construct>),
}

/// The one list of constructs: each call goes to the node behind the variant.
macro_rules! dispatch {
    ($expression:expr, $node:ident => $call:expr) => {
        match $expression {
            Expression::Column($node) => $call,
            Expression::AliasColumn($node) => $call,
            Expression::Bind($node) => $call,
            Expression::Infix($node) => $call,
            Expression::Logical($node) => $call,
            Expression::Not($node) => $call,
            Expression::Negate($node) => $call,
            Expression::IsNull($node) => $call,
            Expression::DistinctFrom($node) => $call,
            Expression::Between($node) => $call,
            Expression::Like($node) => $call,
            Expression::In($node) => $call,
            Expression::Case($node) => $call,
            Expression::Cast($node) => $call,
            Expression::Function($node) => $call,
            Expression::Aggregate($node) => $call,
            Expression::Window($node) => $call,
            Expression::Exists($node) => $call,
            Expression::Subquery($node) => $call,
            Expression::Excluded($node) => $call,
            Expression::Now($node) => $call,
            Expression::Raw($node) => $call,
            Expression::Custom($node) => $call,
        }
    };
}

impl Node for Expression {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        dispatch!(self, node => node.render(out))
    }

    fn precedence(&self) -> Precedence {
        dispatch!(self, node => node.precedence())
    }

    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        dispatch!(self, node => node.for_each_child(visit))
    }

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        dispatch!(self, node => node.cache_key(key))
    }

    fn may_be_null(&self, out: &Renderer<'_>) -> bool {
        dispatch!(self, node => node.may_be_null(out))
    }
}

impl Expression {
    /// The SELECT in it, if it is a subquery: a [`scalar`], an [`exists`], an `IN`.
    pub fn subquery(&self) -> Option<&SelectBody> {
        match self {
            Expression::Subquery(scalar) => Some(&scalar.select),
            Expression::Exists(exists) => Some(&exists.select),
            Expression::In(list) => match &list.list {
                InList::Select(select) => Some(select),
                InList::Values(_) => None,
            },
            _ => None,
        }
    }
}

/// An expression whose value is a `T`.
///
/// It is made from columns, values and functions; [`Operators`] has its methods.
pub struct Expr<T> {
    node: Expression,
    ty: PhantomData<fn() -> T>,
}

impl<T> Expr<T> {
    /// An expression that is promised to give a `T`. For constructs; users combine what is there.
    pub fn new(node: Expression) -> Self {
        Expr { node, ty: PhantomData }
    }

    /// A construct of one's own that is promised to give a `T`.
    pub fn custom(construct: impl Construct) -> Self {
        Expr::new(Expression::Custom(Arc::new(construct)))
    }

    /// The tree.
    pub fn node(&self) -> &Expression {
        &self.node
    }

    /// The tree, taken out.
    pub fn into_node(self) -> Expression {
        self.node
    }
}

impl<T: Type> Expr<T> {
    /// The same, read as an `Option`: for a column of the side of an outer join that may have no row.
    pub fn optional(self) -> Expr<T::Nullable> {
        Expr::new(self.node)
    }
}

impl<T> Clone for Expr<T> {
    fn clone(&self) -> Self {
        Expr::new(self.node.clone())
    }
}

impl<T> fmt::Debug for Expr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.node.fmt(f)
    }
}
