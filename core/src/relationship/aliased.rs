//! A relationship one or both of whose ends have another name in the statement.

use std::borrow::Cow;

use super::{Relationship, correlated::correlated, join::join};
use crate::{
    clause::{IntoJoin, Join, JoinKind, Source},
    expr::Alias,
    render::Compile,
    statement::Select,
};

/// A relationship that leads from an alias of its source, to an alias of its target, or both. [`Relationship::of`] and
/// [`Relationship::to`] make it.
#[derive(Debug, Clone)]
pub struct Aliased<R> {
    relationship: R,
    source: Option<Cow<'static, str>>,
    target: Option<Cow<'static, str>>,
}

impl<R: Relationship> Aliased<R> {
    pub(super) fn new(relationship: R) -> Self {
        Aliased { relationship, source: None, target: None }
    }

    /// With its source under another name, as [`Relationship::of`].
    #[must_use]
    pub fn of(self, alias: &Alias<R::Source>) -> Self {
        Aliased { source: Some(alias.name().clone()), ..self }
    }

    /// With its target under another name, as [`Relationship::to`].
    #[must_use]
    pub fn to(self, alias: &Alias<R::Target>) -> Self {
        Aliased { target: Some(alias.name().clone()), ..self }
    }

    /// The rows at its end, as [`Relationship::correlated`].
    pub fn correlated(self) -> Select<R::Target> {
        correlated(&self.relationship, [self.source, self.target])
    }
}

#[diagnostic::do_not_recommend]
impl<R: Relationship> IntoJoin for Aliased<R> {
    fn into_joins(self, kind: JoinKind, from: Option<&Source>, joins: &mut Vec<Join>) -> Compile {
        join(&self.relationship, [self.source, self.target], kind, from, joins)
    }
}
