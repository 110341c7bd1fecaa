//! Relationships: which columns link two entities, as constants that `#[derive(Entity)]` writes. Data only; loading is
//! done by who uses them.

mod aliased;
mod belongs_to;
mod correlated;
mod has;
mod join;
mod link;
mod many_to_many;

pub use aliased::Aliased;
pub use belongs_to::{BelongsTo, KeyPresence, Optional, OptionalBelongsTo, Presence, Required};
pub use has::{HasMany, HasOne};
pub use link::{Link, RefersTo, refers, refers_to_key};
pub use many_to_many::{ManyToMany, Through};

use crate::{entity::Entity, expr::Alias, statement::Select};

/// A relationship between two entities: `User::posts`, `Post::author`.
///
/// It can be joined along: `select((User::email, Post::title)).join(User::posts)`.
pub trait Relationship: Copy + Send + Sync + 'static {
    /// The entity that has the constant.
    type Source: Entity;

    /// The entity that it leads to.
    type Target: Entity;

    /// Its name, which is that of the constant.
    fn name(&self) -> &'static str;

    /// The places of the columns of the source that the link compares.
    fn source_columns(&self) -> &'static [usize];

    /// The places of the columns of the target that the link compares, in the same order; for a [`ManyToMany`] both are
    /// compared with columns of the association.
    fn target_columns(&self) -> &'static [usize];

    /// The association between the two, if they are not linked directly.
    fn through(&self) -> Option<Through> {
        None
    }

    /// The relationship with its target under another name: `JOIN target AS alias ON …`. Needed where the target is read
    /// from already, as in a relationship of an entity with itself.
    ///
    /// ```ignore
    /// let child = Node::alias("child");
    /// select((Node::name, child.column(Node::name))).join(Node::children.to(&child))
    /// ```
    ///
    /// The association of a [`ManyToMany`] keeps its name, unless that is taken by what is read from or was joined before: it is
    /// then called as the alias with `_link`, `JOIN post_tags AS alias_link ON …`.
    fn to(self, alias: &Alias<Self::Target>) -> Aliased<Self> {
        Aliased::new(self).to(alias)
    }

    /// The relationship with its source under another name: `JOIN target ON target.key = alias.key`. To go on from what was joined as
    /// an alias; of an entity with itself also [to](Aliased::to) another name.
    ///
    /// ```ignore
    /// let (child, grandchild) = (Node::alias("child"), Node::alias("grandchild"));
    /// select((Node::name, grandchild.column(Node::name)))
    ///     .join(Node::children.to(&child))
    ///     .join(Node::children.of(&child).to(&grandchild))
    /// ```
    fn of(self, alias: &Alias<Self::Source>) -> Aliased<Self> {
        Aliased::new(self).of(alias)
    }

    /// The rows at its end for the row of the statement around it, as a subquery: for `exists`, `not_exists`, `scalar`, `in_select`.
    ///
    /// ```sql
    /// SELECT … FROM "posts" WHERE "posts"."author_id" = "users"."id"
    /// ```
    ///
    /// ```ignore
    /// User::select().filter(exists(User::posts.correlated().filter(Post::title.contains("rust"))))
    /// select((User::email, scalar(User::posts.correlated().project(count_all()))))
    /// ```
    ///
    /// Where a relationship leads from an entity to itself, one of the two needs another name: [`to`](Relationship::to) or
    /// [`of`](Relationship::of).
    ///
    /// # Errors
    ///
    /// When the statement is compiled: if nothing around it reads the source; if it reads the source itself, or leads from an entity to
    /// itself, and neither of the two has another name.
    fn correlated(self) -> Select<Self::Target> {
        correlated::correlated(&self, [None, None])
    }
}

/// What all relationships are: plain values, whatever they link.
macro_rules! plain_value {
    ($name:ident<$($parameter:ident),+>) => {
        impl<$($parameter),+> Clone for $name<$($parameter),+> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<$($parameter),+> Copy for $name<$($parameter),+> {}

        impl<$($parameter),+> std::fmt::Debug for $name<$($parameter),+> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({})", stringify!($name), self.name)
            }
        }
    };
}
pub(crate) use plain_value;
