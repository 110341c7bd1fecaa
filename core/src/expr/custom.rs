//! Constructs from elsewhere: what one database has, or a third party adds.

use std::{any::Any, borrow::Cow, fmt, sync::Arc};

use super::{Expression, Node};
use crate::render::{CacheKey, Compile, CompileError, Precedence, Renderer};

/// A construct that is not in the list of [`Expression`].
///
/// Implement [`Node`], `Debug` and `PartialEq`, then wrap it with [`Expr::custom`](super::Expr::custom).
pub trait Construct: Node + fmt::Debug + Send + Sync + Any {
    /// Whether it is the same construct with the same operands.
    fn same(&self, other: &dyn Construct) -> bool;
}

impl PartialEq for dyn Construct {
    fn eq(&self, other: &Self) -> bool {
        self.same(other)
    }
}

/// What was asked of something that cannot give it: said when the statement is compiled.
#[derive(Debug, PartialEq)]
struct Misplaced(Cow<'static, str>);

/// An expression that cannot be compiled, and why.
pub(crate) fn misplaced(why: impl Into<Cow<'static, str>>) -> Expression {
    Expression::Custom(Arc::new(Misplaced(why.into())))
}

impl Node for Misplaced {
    fn render<'s>(&'s self, _: &mut Renderer<'s>) -> Compile {
        Err(CompileError::invalid(&*self.0))
    }

    fn for_each_child<'s>(&'s self, _: &mut dyn FnMut(&'s Expression)) {}
}

impl Construct for Misplaced {
    fn same(&self, other: &dyn Construct) -> bool {
        (other as &dyn Any).downcast_ref() == Some(self)
    }
}

impl Node for Arc<dyn Construct> {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        (**self).render(out)
    }

    fn precedence(&self) -> Precedence {
        (**self).precedence()
    }

    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        (**self).for_each_child(visit);
    }

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        // What two constructs say of themselves may be the same.
        (**self).cache_key(key.part(&(**self).type_id()));
    }

    fn may_be_null(&self, out: &Renderer<'_>) -> bool {
        (**self).may_be_null(out)
    }
}
