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

/// How many placeholders a list gets. Few numbers occur, so that statements with lists stay prepared: up to 8 as many as there are
/// values, then four numbers between a power of two and the next. Lists of thousands are rarely as long again.
fn padded(length: usize) -> usize {
    if (9..=4096).contains(&length) {
        length.next_multiple_of(length.next_power_of_two() / 8)
    } else {
        length
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
            // The last once more changes nothing, and `values` is not empty.
            let more = padded(values.len()) - values.len();
            let values = values.iter().chain(values.last().into_iter().cycle().take(more));
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

#[cfg(test)]
mod tests {
    use super::padded;

    #[test]
    fn few_lengths_of_lists() {
        assert_eq!(
            [0, 1, 7, 8, 9, 10, 11, 16, 17, 100, 4097].map(padded),
            [0, 1, 7, 8, 10, 10, 12, 16, 20, 112, 4097]
        );
        for length in 1..5000 {
            assert!((length..=length + length / 4).contains(&padded(length)), "{length}");
        }
        let mut lengths: Vec<usize> = (1..=4096).map(padded).collect();
        lengths.dedup();
        assert_eq!(lengths.len(), 8 + 9 * 4);
    }
}
