//! Where aggregates and window functions may stand (SQL:2016 Foundation 6.9 and 6.10): an aggregate is of a group, so it
//! cannot decide which rows are in it; a window function is over the rows that are left.

use crate::{
    expr::{Expression, Node},
    render::{Compile, CompileError},
};

/// What is in an expression, subqueries left out: they are statements of their own.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Contents {
    pub(super) aggregate: bool,
    /// One that is not only what a window is over.
    pub(super) plain_aggregate: bool,
    pub(super) window: bool,
    /// An aggregate in an aggregate, or a window function in either.
    nested: bool,
}

impl Contents {
    pub(super) fn of(expression: &Expression) -> Contents {
        let mut contents = Contents::default();
        contents.look(expression, false);
        contents
    }

    fn look(&mut self, expression: &Expression, inside: bool) {
        match expression {
            Expression::Column(_) | Expression::Bind(_) => {}
            Expression::Aggregate(_) => {
                self.nested |= inside;
                self.aggregate = true;
                self.plain_aggregate = true;
                expression.for_each_child(&mut |child| self.look(child, true));
            }
            Expression::Window(window) => {
                self.nested |= inside;
                self.window = true;
                // An aggregate over a window is none of the group; what it is over may be one, but no other window function.
                let mut operands = Contents::default();
                window.function.for_each_child(&mut |child| operands.look(child, false));
                if let Some(definition) = &window.definition {
                    definition.partition_by.iter().for_each(|part| operands.look(part, false));
                    definition.order_by.iter().for_each(|item| operands.look(&item.expression, false));
                }
                self.aggregate |= operands.aggregate;
                self.nested |= operands.nested | operands.window;
            }
            other => other.for_each_child(&mut |child| self.look(child, inside)),
        }
    }

    /// What may be selected, ordered by, or asked of a group.
    pub(super) fn check_nesting(self) -> Compile<Contents> {
        match self.nested {
            true => Err(CompileError::invalid(
                "an aggregate cannot be in an aggregate, nor a window function in either: select the inner one in a subquery",
            )),
            false => Ok(self),
        }
    }
}

/// Refuses aggregates and window functions in what is asked of each row.
pub(super) fn check_rows<'e>(expressions: impl IntoIterator<Item = &'e Expression>, place: &str) -> Compile {
    for expression in expressions {
        let contents = Contents::of(expression);
        if contents.aggregate {
            return Err(CompileError::invalid(format!(
                "an aggregate cannot be in {place}: select it in a subquery; a condition on groups is `.having(…)`"
            )));
        }
        if contents.window {
            return Err(CompileError::invalid(format!(
                "a window function cannot be in {place}: select it in a subquery, and use its column"
            )));
        }
    }
    Ok(())
}
