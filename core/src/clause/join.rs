//! Joins (SQL:2016 Foundation 7.10).

use super::{Clause, Source};
use crate::{
    dialect::Feature,
    expr::Expression,
    render::{CacheKey, Compile, CompileError, Renderer},
};

/// A join: what is joined, and on which condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// What becomes of rows without a match.
    pub kind: JoinKind,
    /// What is joined.
    pub source: Source,
    /// The condition; none for a cross join.
    pub on: Option<Expression>,
}

/// What becomes of rows without a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JoinKind {
    /// They are left out.
    Inner,
    /// Those of the left side are kept: the right side is optional.
    Left,
    /// Those of the right side are kept: the left side is optional.
    Right,
    /// All are kept: both sides are optional.
    Full,
    /// There is no condition.
    Cross,
}

/// What can be joined by itself because it knows its condition: a relationship.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be joined without a condition",
    note = "a relationship such as `User::posts` can; anything else takes `.join_on(source, condition)`"
)]
pub trait IntoJoin {
    /// Appends the joins that lead to it, behind those that are there: one, or two through an association table. All are of the
    /// kind given. `from` is what the statement reads from, if that was said.
    ///
    /// # Errors
    ///
    /// Why it cannot be joined: said when the statement is compiled.
    fn into_joins(self, kind: JoinKind, from: Option<&Source>, joins: &mut Vec<Join>) -> Compile;
}

impl Join {
    pub(crate) fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
        let Join { kind, source, on } = self;
        source.cache_key(key.part(kind));
        key.expressions(on);
    }

    pub(super) fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        match self.kind {
            JoinKind::Inner => out.sql(" JOIN "),
            JoinKind::Left => out.sql(" LEFT JOIN "),
            JoinKind::Right => out.require(Feature::RightJoin)?.sql(" RIGHT JOIN "),
            JoinKind::Full => out.require(Feature::FullJoin)?.sql(" FULL JOIN "),
            JoinKind::Cross => out.sql(" CROSS JOIN "),
        };
        out.clause(Clause::Source(self.source.as_ref()))?;
        match &self.on {
            Some(on) => out.sql(" ON ").expression(on).map(drop),
            None if self.kind == JoinKind::Cross => Ok(()),
            None => Err(CompileError::invalid(format!(
                "{} is joined without a condition: a cross join is meant",
                self.source.as_ref().name()
            ))),
        }
    }
}
