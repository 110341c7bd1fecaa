//! `-operand` (SQL:2016 Foundation 6.29).

use super::{Expression, Node};
use crate::render::{CacheKey, Compile, Precedence, Renderer};

/// A number with the other sign.
#[derive(Debug, Clone, PartialEq)]
pub struct Negate {
    /// The number.
    pub operand: Expression,
}

impl Node for Negate {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        // An operand that is negated itself gets parentheses: two minus signs begin a comment.
        out.sql("-").operand(&self.operand, Precedence::Unary)?;
        Ok(())
    }

    fn precedence(&self) -> Precedence {
        Precedence::Unary
    }

    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        visit(&self.operand);
    }

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let Negate { operand } = self;
        key.expression(operand);
    }
}
