//! `WHERE` and `HAVING`: conditions that all hold (SQL:2016 Foundation 7.12 and 7.14).

use crate::{
    expr::{Connective, Expression, connect},
    render::{CacheKey, Compile, Renderer},
};

/// Conditions that all hold: one expression, joined by `AND` where there are several.
///
/// ```
/// use relata_core::{expr::{Operators, val}, dialect::Standard, render::Statement, statement::select};
///
/// let either = val(1).eq(1).or(val(2).eq(2));
/// let statement = select(val(0)).filter(either).filter(val(3).eq(3).and(val(4).eq(4)));
/// assert_eq!(
///     statement.compile(&Standard)?.sql,
///     "SELECT ? WHERE (? = ? OR ? = ?) AND ? = ? AND ? = ?"
/// );
/// # Ok::<(), relata_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Conditions(Option<Expression>);

impl Conditions {
    /// Adds a condition: it holds as well.
    pub fn push(&mut self, condition: Expression) {
        self.0 = Some(match self.0.take() {
            None => condition,
            Some(before) => connect(Connective::And, before, condition),
        });
    }

    /// All of them as one expression; `None` if there is none.
    pub fn as_expression(&self) -> Option<&Expression> {
        self.0.as_ref()
    }

    pub(crate) fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        key.expressions(&self.0);
    }

    /// Writes the keyword and the conditions, or nothing if there are none.
    pub(crate) fn render<'s>(&'s self, keyword: &str, out: &mut Renderer<'s>) -> Compile {
        match &self.0 {
            None => Ok(()),
            Some(condition) => out.sql(keyword).expression(condition).map(drop),
        }
    }
}

impl Extend<Expression> for Conditions {
    fn extend<I: IntoIterator<Item = Expression>>(&mut self, conditions: I) {
        conditions.into_iter().for_each(|condition| self.push(condition));
    }
}

impl FromIterator<Expression> for Conditions {
    fn from_iter<I: IntoIterator<Item = Expression>>(conditions: I) -> Self {
        let mut all = Conditions::default();
        all.extend(conditions);
        all
    }
}
