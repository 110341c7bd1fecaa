//! `operand BETWEEN low AND high` (SQL:2016 Foundation 8.3).

use super::{Expression, Node};
use crate::render::{CacheKey, Compile, Precedence, Renderer};

/// Whether a value lies in a range, both ends included.
#[derive(Debug, Clone, PartialEq)]
pub struct Between {
    /// The value.
    pub operand: Expression,
    /// The lower end.
    pub low: Expression,
    /// The upper end.
    pub high: Expression,
    /// `NOT BETWEEN`.
    pub negated: bool,
}

impl Node for Between {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.operand(&self.operand, Precedence::Comparison)?
            .sql(if self.negated { " NOT BETWEEN " } else { " BETWEEN " })
            .operand(&self.low, Precedence::Comparison)?
            .sql(" AND ")
            .operand(&self.high, Precedence::Comparison)?;
        Ok(())
    }

    fn precedence(&self) -> Precedence {
        Precedence::Comparison
    }

    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        visit(&self.operand);
        visit(&self.low);
        visit(&self.high);
    }

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let Between { operand, low, high, negated } = self;
        key.part(negated).expression(operand).expression(low).expression(high);
    }
}
