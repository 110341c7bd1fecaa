//! What links two tables: columns of one that hold a key of the other, with or without a constraint.

use crate::{
    entity::Entity,
    expr::{Column, Nothing},
    schema::Table,
    types::Type,
};

/// Columns of a table that hold a key of another one.
///
/// There is one for each `references`, `foreign_key` and `belongs_to` of an entity, in [`Entity::LINKS`].
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// The places of the columns that hold the key.
    pub columns: &'static [usize],
    /// The table whose key it is.
    pub target: &'static Table,
    /// The places of the key's columns there.
    pub references: &'static [usize],
}

impl Link {
    /// The one link to a table, found while the program is compiled: `#[derive(Entity)]` calls it.
    ///
    /// # Panics
    ///
    /// With `none` if there is none, with `several` if there are more. In a constant, that is an error of the compiler.
    pub const fn only(
        links: &'static [Link],
        target: &'static Table,
        none: &'static str,
        several: &'static str,
    ) -> &'static Link {
        let mut found = None;
        let mut at = 0;
        while at < links.len() {
            if same_table(links[at].target, target) {
                assert!(found.is_none(), "{}", several);
                found = Some(&links[at]);
            }
            at += 1;
        }
        match found {
            Some(link) => link,
            None => panic_with(none),
        }
    }

    /// The link to a table over these columns, found while the program is compiled: `#[derive(Entity)]` calls it.
    ///
    /// # Panics
    ///
    /// With `none` if there is none. In a constant, that is an error of the compiler.
    pub const fn over(
        links: &'static [Link],
        target: &'static Table,
        columns: &'static [usize],
        none: &'static str,
    ) -> &'static Link {
        let mut at = 0;
        while at < links.len() {
            if same_table(links[at].target, target) && same_places(links[at].columns, columns) {
                return &links[at];
            }
            at += 1;
        }
        panic_with(none)
    }
}

// Only constants call it, where this is how an error is reported.
#[allow(clippy::panic)]
const fn panic_with(message: &'static str) -> ! {
    panic!("{}", message)
}

/// As `==` of tables, which constants cannot call.
const fn same_table(a: &Table, b: &Table) -> bool {
    let schemas = match (a.schema, b.schema) {
        (Some(a), Some(b)) => same_text(a, b),
        (None, None) => true,
        _ => false,
    };
    schemas && same_text(a.name, b.name)
}

const fn same_text(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

const fn same_places(a: &[usize], b: &[usize]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// A type of key columns that can hold a key of type `Key`: the same type. Rows are matched by their values, and MySQL
/// demands it of a foreign key (MySQL 8.4 manual, 15.1.20.5).
#[diagnostic::on_unimplemented(
    message = "a column of type `{Self}` cannot hold a key of type `{Key}`",
    label = "the key it refers to is of type `{Key}`",
    note = "the columns of a relationship have the same type on both sides; only one of them may be an `Option`"
)]
pub trait RefersTo<Key> {}

#[diagnostic::do_not_recommend]
impl<K> RefersTo<K> for K {}

// As for `Comparable`: a second implementation keeps the compiler from guessing.
#[diagnostic::do_not_recommend]
impl<K: Type> RefersTo<Nothing> for K {}

/// The place of the column that a column refers to. It compiles only if the types fit: `#[derive(Entity)]` calls it.
pub const fn refers<A: Entity, K: Type, B: Entity, T: Type>(_: Column<A, K>, to: Column<B, T>) -> usize
where
    K::Base: RefersTo<T::Base>,
{
    to.index()
}

/// The places of the primary key of `P`. It compiles only if columns of type `K` can hold it: `#[derive(Entity)]` calls it.
pub const fn refers_to_key<K: RefersTo<P::Key>, P: Entity>() -> &'static [usize] {
    P::TABLE.primary_key
}
