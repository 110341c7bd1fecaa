//! `operand IS NULL` (SQL:2016 Foundation 8.8).

use super::{Expression, Node};
use crate::render::{CacheKey, Compile, Precedence, Renderer};

/// Whether a value is NULL. Never NULL itself.
#[derive(Debug, Clone, PartialEq)]
pub struct IsNull {
    /// The value.
    pub operand: Expression,
    /// `IS NOT NULL`.
    pub negated: bool,
}

impl Node for IsNull {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.operand(&self.operand, Precedence::Comparison)?.sql(if self.negated {
            " IS NOT NULL"
        } else {
            " IS NULL"
        });
        Ok(())
    }

    fn precedence(&self) -> Precedence {
        Precedence::Comparison
    }

    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        visit(&self.operand);
    }

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let IsNull { operand, negated } = self;
        key.part(negated).expression(operand);
    }

    fn may_be_null(&self, _: &Renderer<'_>) -> bool {
        false
    }
}
