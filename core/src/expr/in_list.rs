//! `operand IN (…)` (SQL:2016 Foundation 8.4).

use super::{Expression, Node};
use crate::{
    dialect::{Dialect, Feature},
    render::{CacheKey, Compile, Precedence, Renderer, Statement},
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

/// Up to how many placeholders it pays to know the text.
const FEW: usize = 20;

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

/// How many placeholders a list gets. Few numbers occur, so that statements with lists stay prepared: up to 10 as many as there
/// are values, then 15 numbers in each decade, among them those that people and programs like. Lists of thousands are rarely as
/// long again.
fn padded(length: usize) -> usize {
    const STEPS: [usize; 16] = [10, 12, 14, 16, 18, 20, 25, 30, 35, 40, 50, 60, 70, 80, 90, 100];
    let scale = match length {
        11..=100 => 1,
        101..=1000 => 10,
        1001..=4000 => 100,
        _ => return length,
    };
    STEPS.iter().map(|step| step * scale).find(|step| *step >= length).unwrap_or(length)
}

/// Whether a list of this kind is bound as one array.
fn is_one_bind(kind: Kind, dialect: &dyn Dialect) -> bool {
    dialect.supports(Feature::ArrayBind) && !matches!(kind, Kind::Enum(_))
}

/// What stands in these placeholders: the last once more changes nothing.
fn placeholders(values: &[Value]) -> impl Iterator<Item = &Value> {
    let more = padded(values.len()) - values.len();
    values.iter().chain(values.last().into_iter().cycle().take(more))
}

impl In {
    /// Writes ` IN (…)`, behind the operand.
    ///
    /// # Errors
    ///
    /// As [`Renderer::expression`].
    pub fn render_list<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        let (kind, values, array) = match &self.list {
            InList::Select(select) => {
                out.sql(if self.negated { " NOT IN (" } else { " IN (" });
                select.render(out)?;
                out.sql(")");
                return Ok(());
            }
            InList::Values(array @ Value::Array(kind, values)) => (*kind, values, array),
            InList::Values(_) => return Err(crate::CompileError::invalid("the list of IN is no array")),
        };
        if is_one_bind(kind, out.dialect()) {
            // `<> ALL` is NOT IN, also where the list holds NULL (SQL:2016 Foundation 8.9).
            out.sql(if self.negated { " <> ALL(" } else { " = ANY(" }).bind(array).sql(")");
            return Ok(());
        }
        self.render_values(values, out, |out, value| {
            out.bind(value);
        })
    }

    /// Writes ` IN (…)`, behind the operand, with these values, of which there is at least one, each in the dialect's own way.
    ///
    /// # Errors
    ///
    /// As [`Renderer::expression`].
    pub fn render_values<'s>(
        &'s self,
        values: &'s [Value],
        out: &mut Renderer<'s>,
        write: impl Fn(&mut Renderer<'s>, &'s Value),
    ) -> Compile {
        out.sql(if self.negated { " NOT IN (" } else { " IN (" });
        out.list(placeholders(values), ", ", |out, value| {
            write(out, value);
            Ok(())
        })?;
        out.sql(")");
        Ok(())
    }
}

impl Node for In {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        // `x IN ()` is no SQL. The answer does not depend on x, not even where x is NULL.
        if matches!(&self.list, InList::Values(Value::Array(_, values)) if values.is_empty()) {
            out.sql(if self.negated { "1 = 1" } else { "1 = 0" });
            return Ok(());
        }
        out.operand(&self.operand, Precedence::Comparison)?;
        self.render_list(out)
    }

    fn precedence(&self) -> Precedence {
        Precedence::Comparison
    }

    fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
        visit(&self.operand);
    }

    fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let In { operand, list, negated } = self;
        key.part(negated).expression(operand);
        match list {
            InList::Select(select) => select.cache_key(key.part(&0_u8)),
            // There is one placeholder, whatever its length is.
            InList::Values(array @ Value::Array(kind, values))
                if !values.is_empty() && is_one_bind(*kind, key.dialect()) =>
            {
                key.part(&1_u8).value(array);
            }
            InList::Values(Value::Array(_, values)) if (1..=FEW).contains(&values.len()) => {
                key.part(&2_u8).part(&padded(values.len()));
                for value in placeholders(values) {
                    key.value(value);
                }
            }
            InList::Values(_) => key.refuse(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::padded;

    #[test]
    fn few_lengths_of_lists() {
        assert_eq!(
            [0, 1, 9, 10, 11, 17, 21, 100, 101, 500, 1001, 4000, 4001].map(padded),
            [0, 1, 9, 10, 12, 18, 25, 100, 120, 500, 1200, 4000, 4001]
        );
        for length in 1..5000 {
            assert!((length..=length + length / 4).contains(&padded(length)), "{length}");
        }
        let mut lengths: Vec<usize> = (1..=4000).map(padded).collect();
        lengths.dedup();
        assert_eq!(lengths.len(), 10 + 15 + 15 + 9);
    }
}
