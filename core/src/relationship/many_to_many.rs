//! Many to many: an association has a key of each.

use std::marker::PhantomData;

use super::{Link, Relationship, plain_value};
use crate::{entity::Entity, schema::Table};

/// Entities that are linked by rows of an association: `#[entity(many_to_many(tags: Tag, through = PostTag))]`.
pub struct ManyToMany<P, C> {
    name: &'static str,
    association: &'static Table,
    source: &'static Link,
    target: &'static Link,
    ends: PhantomData<fn() -> (P, C)>,
}

/// The association of a [`ManyToMany`]. Its columns are those that hold the keys of both sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Through {
    /// The table.
    pub table: &'static Table,
    /// The places of its columns that hold the key of the relationship's source.
    pub source_columns: &'static [usize],
    /// The places of its columns that hold the key of the relationship's target.
    pub target_columns: &'static [usize],
}

plain_value!(ManyToMany<P, C>);

impl<P, C> ManyToMany<P, C> {
    /// A relationship along two links of an association. `#[derive(Entity)]` calls it.
    pub const fn new(
        name: &'static str,
        association: &'static Table,
        source: &'static Link,
        target: &'static Link,
    ) -> Self {
        ManyToMany { name, association, source, target, ends: PhantomData }
    }

    /// The association.
    pub const fn association(&self) -> Through {
        Through {
            table: self.association,
            source_columns: self.source.columns,
            target_columns: self.target.columns,
        }
    }
}

impl<P: Entity, C: Entity> Relationship for ManyToMany<P, C> {
    type Source = P;
    type Target = C;

    fn name(&self) -> &'static str {
        self.name
    }

    fn source_columns(&self) -> &'static [usize] {
        self.source.references
    }

    fn target_columns(&self) -> &'static [usize] {
        self.target.references
    }

    fn through(&self) -> Option<Through> {
        Some(self.association())
    }
}
