//! Many to one, or one to one: this entity has the key.

use std::marker::PhantomData;

use super::{Link, Relationship, plain_value};
use crate::entity::Entity;

/// A child's parent: `#[entity(belongs_to(author: User, key = author_id))]`.
///
/// `N` says whether there always is one: it is [`Required`] unless the key may be NULL or the relationship is declared
/// `optional`; then the parent is read as an `Option`.
pub struct BelongsTo<C, P, N = Required> {
    name: &'static str,
    link: &'static Link,
    ends: PhantomData<fn() -> (C, P, N)>,
}

/// A child's parent that may be missing.
pub type OptionalBelongsTo<C, P> = BelongsTo<C, P, Optional>;

/// There always is a parent.
#[derive(Debug, Clone, Copy)]
pub enum Required {}

/// There may be no parent.
#[derive(Debug, Clone, Copy)]
pub enum Optional {}

/// What the nullness of a key says of the parent; of a key of type `K`, `K::With<bool>` is asked.
pub trait KeyPresence {
    /// [`Required`] or [`Optional`].
    type Presence: 'static;
}

impl KeyPresence for bool {
    type Presence = Required;
}

impl KeyPresence for Option<bool> {
    type Presence = Optional;
}

/// [`Required`] or [`Optional`]: `Presence<<K as Type>::With<bool>>`.
pub type Presence<B> = <B as KeyPresence>::Presence;

plain_value!(BelongsTo<C, P, N>);

impl<C, P, N> BelongsTo<C, P, N> {
    /// A relationship along a link of the child's. `#[derive(Entity)]` calls it.
    pub const fn new(name: &'static str, link: &'static Link) -> Self {
        BelongsTo { name, link, ends: PhantomData }
    }

    /// The child's columns that hold the parent's key.
    pub const fn link(&self) -> &'static Link {
        self.link
    }
}

impl<C: Entity, P: Entity, N: 'static> Relationship for BelongsTo<C, P, N> {
    type Source = C;
    type Target = P;

    fn name(&self) -> &'static str {
        self.name
    }

    fn source_columns(&self) -> &'static [usize] {
        self.link.columns
    }

    fn target_columns(&self) -> &'static [usize] {
        self.link.references
    }
}
