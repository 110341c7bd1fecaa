//! `#[entity(…)]` and `#[column(…)]`.

mod column;
mod key;
mod relationship;
mod table;

pub(crate) use column::{Action, COLUMN_KEYS, ColumnAttributes, DefaultAttribute, Literal, Reference};
pub(crate) use key::{Check, Columns, ForeignKey};
pub(crate) use relationship::{Link, Relationship};
pub(crate) use table::EntityAttributes;

use syn::{Ident, Path};

/// A path that begins with `Self`, beginning with the name of the struct: constants know no `Self`.
fn named(mut path: Path, entity: &Ident) -> Path {
    if let Some(first) = path.segments.first_mut()
        && first.ident == "Self"
    {
        first.ident = Ident::new(&entity.to_string(), first.ident.span());
    }
    path
}
