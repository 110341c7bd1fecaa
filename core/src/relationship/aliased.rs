//! A relationship whose target has another name in the statement.

use std::borrow::Cow;

use super::{Relationship, join::join};
use crate::{
    clause::{IntoJoin, Join, JoinKind, Source},
    render::Compile,
};

/// A relationship that leads to an alias of its target. [`Relationship::to`] makes it.
#[derive(Debug, Clone)]
pub struct Aliased<R> {
    relationship: R,
    alias: Cow<'static, str>,
}

impl<R: Relationship> Aliased<R> {
    pub(super) fn new(relationship: R, alias: Cow<'static, str>) -> Self {
        Aliased { relationship, alias }
    }
}

#[diagnostic::do_not_recommend]
impl<R: Relationship> IntoJoin for Aliased<R> {
    fn into_joins(self, kind: JoinKind, from: Option<&Source>, joins: &mut Vec<Join>) -> Compile {
        join(&self.relationship, Some(self.alias), kind, from, joins)
    }
}
