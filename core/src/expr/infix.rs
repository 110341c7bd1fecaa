//! `left operator right`: comparison, arithmetic, concatenation (SQL:2016 Foundation 8.2, 6.29, 6.31).

use super::{Expression, Node};
use crate::{
    render::{CacheKey, Compile, Precedence, Renderer},
    value::Value,
};

/// Two operands with an operator between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Infix {
    /// What stands before the operator.
    pub left: Expression,
    /// The operator.
    pub operator: Operator,
    /// What stands behind it.
    pub right: Expression,
}

/// An operator between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `=`
    Eq,
    /// `<>`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/` between floats.
    Divide,
    /// `/` between decimals, or of one and an integer: rounded, with a fraction.
    DivideDecimal,
    /// `/` between integers, which cuts off the fraction.
    DivideInteger,
    /// `%`
    Modulo,
    /// `||`
    Concat,
}

impl Operator {
    /// The standard spelling, with spaces around it.
    pub fn as_sql(self) -> &'static str {
        match self {
            Operator::Eq => " = ",
            Operator::Ne => " <> ",
            Operator::Lt => " < ",
            Operator::Le => " <= ",
            Operator::Gt => " > ",
            Operator::Ge => " >= ",
            Operator::Add => " + ",
            Operator::Subtract => " - ",
            Operator::Multiply => " * ",
            Operator::Divide | Operator::DivideDecimal | Operator::DivideInteger => " / ",
            Operator::Modulo => " % ",
            Operator::Concat => " || ",
        }
    }

    /// How tightly it binds.
    pub fn precedence(self) -> Precedence {
        match self {
            Operator::Eq | Operator::Ne | Operator::Lt | Operator::Le | Operator::Gt | Operator::Ge => {
                Precedence::Comparison
            }
            Operator::Concat => Precedence::Other,
            Operator::Add | Operator::Subtract => Precedence::Additive,
            Operator::Multiply
            | Operator::Divide
            | Operator::DivideDecimal
            | Operator::DivideInteger
            | Operator::Modulo => Precedence::Multiplicative,
        }
    }

    /// The comparison that is true where this one is false, and NULL where it is.
    pub(super) fn negated(self) -> Option<Operator> {
        Some(match self {
            Operator::Eq => Operator::Ne,
            Operator::Ne => Operator::Eq,
            Operator::Lt => Operator::Ge,
            Operator::Le => Operator::Gt,
            Operator::Gt => Operator::Le,
            Operator::Ge => Operator::Lt,
            _ => return None,
        })
    }
}

impl Infix {
    /// `left = right`.
    pub fn equals(left: Expression, right: Expression) -> Expression {
        Expression::Infix(Box::new(Infix { left, operator: Operator::Eq, right }))
    }
}

impl Node for Infix {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        out.infix(&self.left, self.operator.as_sql(), &self.right, self.operator.precedence())?;
        Ok(())
    }

    fn precedence(&self) -> Precedence {
        self.operator.precedence()
    }

    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        visit(&self.left);
        visit(&self.right);
    }

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let Infix { left, operator, right } = self;
        key.part(operator).expression(left).expression(right);
    }
}

/// `number + 1`.
pub(crate) fn plus_one(number: Expression) -> Expression {
    Expression::Infix(Box::new(Infix {
        left: number,
        operator: Operator::Add,
        right: Expression::Bind(Value::I32(1)),
    }))
}
