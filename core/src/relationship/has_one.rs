//! One to one: the other entity has the key.

use std::marker::PhantomData;

use super::{Link, Relationship, plain_value};
use crate::entity::Entity;

/// A parent's only child, which may be missing: `#[entity(has_one(profile: Profile))]`.
pub struct HasOne<P, C> {
    name: &'static str,
    link: &'static Link,
    ends: PhantomData<fn() -> (P, C)>,
}

plain_value!(HasOne<P, C>);

impl<P, C> HasOne<P, C> {
    /// A relationship along a link of the child's. `#[derive(Entity)]` calls it.
    pub const fn new(name: &'static str, link: &'static Link) -> Self {
        HasOne { name, link, ends: PhantomData }
    }

    /// The child's columns that hold the parent's key.
    pub const fn link(&self) -> &'static Link {
        self.link
    }
}

impl<P: Entity, C: Entity> Relationship for HasOne<P, C> {
    type Source = P;
    type Target = C;

    fn name(&self) -> &'static str {
        self.name
    }

    fn source_columns(&self) -> &'static [usize] {
        self.link.references
    }

    fn target_columns(&self) -> &'static [usize] {
        self.link.columns
    }
}
