//! `operand LIKE pattern` (SQL:2016 Foundation 8.5).

use super::{Expression, Node};
use crate::{
    render::{CacheKey, Compile, Precedence, Renderer},
    value::Value,
};

/// Whether text matches a pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Like {
    /// The text.
    pub operand: Expression,
    /// The pattern: `%` for any text, `_` for a character, [`Like::ESCAPE`] before one that is meant plainly.
    pub pattern: Expression,
    /// Whether upper and lower case are the same.
    pub ignore_case: bool,
    /// `NOT LIKE`.
    pub negated: bool,
}

impl Like {
    /// The escape character. No backslash: MySQL reads one in a literal as an escape of its own.
    pub const ESCAPE: char = '!';

    /// Whether the last character of a pattern escapes nothing.
    pub(super) fn ends_in_escape(pattern: &str) -> bool {
        pattern.chars().rev().take_while(|character| *character == Like::ESCAPE).count() % 2 == 1
    }

    /// A pattern for text that is meant to the letter, between two that are not escaped.
    pub(super) fn pattern(before: &str, text: &str, after: &str) -> Expression {
        let mut pattern = String::with_capacity(before.len() + text.len() + after.len() + 2);
        pattern.push_str(before);
        for character in text.chars() {
            if matches!(character, '%' | '_' | Like::ESCAPE) {
                pattern.push(Like::ESCAPE);
            }
            pattern.push(character);
        }
        pattern.push_str(after);
        Expression::Bind(Value::Text(pattern))
    }
}

impl Node for Like {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        let operator = if self.negated { " NOT LIKE " } else { " LIKE " };
        if self.ignore_case {
            out.sql("LOWER(").expression(&self.operand)?.sql(")").sql(operator);
            out.sql("LOWER(").expression(&self.pattern)?.sql(")");
        } else {
            out.operand(&self.operand, Precedence::Comparison)?
                .sql(operator)
                .operand(&self.pattern, Precedence::Comparison)?;
        }
        out.sql(" ESCAPE '!'");
        Ok(())
    }

    fn precedence(&self) -> Precedence {
        Precedence::Comparison
    }

    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        visit(&self.operand);
        visit(&self.pattern);
    }

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let Like { operand, pattern, ignore_case, negated } = self;
        key.part(ignore_case).part(negated).expression(operand).expression(pattern);
    }
}
