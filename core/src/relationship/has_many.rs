//! One to many: the other entity has the key.

use std::marker::PhantomData;

use super::{Link, Relationship, plain_value};
use crate::entity::Entity;

/// A parent's children: `#[entity(has_many(posts: Post))]`.
pub struct HasMany<P, C> {
    name: &'static str,
    link: &'static Link,
    ends: PhantomData<fn() -> (P, C)>,
}

plain_value!(HasMany<P, C>);

impl<P, C> HasMany<P, C> {
    /// A relationship along a link of the child's. `#[derive(Entity)]` calls it.
    pub const fn new(name: &'static str, link: &'static Link) -> Self {
        HasMany { name, link, ends: PhantomData }
    }

    /// The child's columns that hold the parent's key.
    pub const fn link(&self) -> &'static Link {
        self.link
    }
}

impl<P: Entity, C: Entity> Relationship for HasMany<P, C> {
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
