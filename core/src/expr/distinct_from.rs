//! `left IS [NOT] DISTINCT FROM right` (SQL:2016 Foundation 8.15).

use super::{Expression, Node};
use crate::render::{CacheKey, Compile, Precedence, Renderer};

/// Whether two values differ, NULL being a value like any other. Never NULL itself.
#[derive(Debug, Clone, PartialEq)]
pub struct DistinctFrom {
    /// One value.
    pub left: Expression,
    /// The other.
    pub right: Expression,
    /// `IS NOT DISTINCT FROM`: whether they are the same.
    pub negated: bool,
}

impl Node for DistinctFrom {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        let operator = if self.negated { " IS NOT DISTINCT FROM " } else { " IS DISTINCT FROM " };
        out.infix(&self.left, operator, &self.right, Precedence::Comparison)?;
        Ok(())
    }

    fn precedence(&self) -> Precedence {
        Precedence::Comparison
    }

    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        visit(&self.left);
        visit(&self.right);
    }

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let DistinctFrom { left, right, negated } = self;
        key.part(negated).expression(left).expression(right);
    }

    fn may_be_null(&self, _: &Renderer<'_>) -> bool {
        false
    }
}
