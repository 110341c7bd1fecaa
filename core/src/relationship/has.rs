//! One to many and one to one: the other entity has the key.

use std::marker::PhantomData;

use super::{Link, Relationship, plain_value};
use crate::entity::Entity;

macro_rules! has {
    ($(#[$doc:meta] $name:ident;)*) => {
        $(
            #[$doc]
            pub struct $name<P, C> {
                name: &'static str,
                link: &'static Link,
                ends: PhantomData<fn() -> (P, C)>,
            }

            plain_value!($name<P, C>);

            impl<P, C> $name<P, C> {
                /// A relationship along a link of the child's. `#[derive(Entity)]` calls it.
                pub const fn new(name: &'static str, link: &'static Link) -> Self {
                    $name { name, link, ends: PhantomData }
                }

                /// The child's columns that hold the parent's key.
                pub const fn link(&self) -> &'static Link {
                    self.link
                }
            }

            impl<P: Entity, C: Entity> Relationship for $name<P, C> {
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
        )*
    };
}

has! {
    /// A parent's children: `#[entity(has_many(posts: Post))]`.
    HasMany;
    /// A parent's only child, which may be missing: `#[entity(has_one(profile: Profile))]`.
    HasOne;
}
