//! `operand IN (…)` (SQL:2016 Foundation 8.4).

use super::{Expression, Node};
use crate::{
    dialect::Feature,
    render::{Compile, Precedence, Renderer, Statement},
    statement::{Select, SelectBody},
    types::Type,
    value::{Kind, Value},
};

/// Whether a value is among others.
#[derive(Debug, Clone, PartialEq)]
pub struct In {
    /// The value.
    pub operand: Expression,
    /// The others.
    pub list: InList,
    /// `NOT IN`.
    pub negated: bool,
}

/// What a value may be in.
#[derive(Debug, Clone, PartialEq)]
pub enum InList {
    /// A list of values, bound as one array where the database can: always a [`Value::Array`].
    Values(Value),
    /// The rows of a subquery.
    Select(Box<SelectBody>),
}

impl InList {
    /// A list of values.
    pub fn values<V: Type>(values: impl IntoIterator<Item = V>) -> Self {
        InList::Values(Value::Array(V::KIND, values.into_iter().map(V::into_value).collect()))
    }

    /// The rows of a subquery.
    pub fn select<R>(select: Select<R>) -> Self {
        InList::Select(Box::new(select.into_body()))
    }
}

impl Node for In {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        let (kind, values, array) = match &self.list {
            InList::Select(select) => {
                out.operand(&self.operand, Precedence::Comparison)?;
                out.sql(if self.negated { " NOT IN (" } else { " IN (" });
                select.render(out)?;
                out.sql(")");
                return Ok(());
            }
            InList::Values(array @ Value::Array(kind, values)) => (*kind, values, array),
            InList::Values(_) => return Err(crate::CompileError::invalid("the list of IN is no array")),
        };
        // `x IN ()` is no SQL. The answer does not depend on x, not even where x is NULL.
        if values.is_empty() {
            out.sql(if self.negated { "1 = 1" } else { "1 = 0" });
            return Ok(());
        }
        out.operand(&self.operand, Precedence::Comparison)?;
        if out.dialect().supports(Feature::ArrayBind) && !matches!(kind, Kind::Enum(_)) {
            // `<> ALL` is NOT IN, also where the list holds NULL (SQL:2016 Foundation 8.9).
            out.sql(if self.negated { " <> ALL(" } else { " = ANY(" }).bind(array).sql(")");
        } else {
            out.sql(if self.negated { " NOT IN (" } else { " IN (" });
            out.list(values, ", ", |out, value| {
                out.bind(value);
                Ok(())
            })?;
            out.sql(")");
        }
        Ok(())
    }

    fn precedence(&self) -> Precedence {
        Precedence::Comparison
    }

    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        visit(&self.operand);
    }
}
