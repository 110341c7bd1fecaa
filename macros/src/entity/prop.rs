//! Questions about an entity.

use proc_macro2::Ident;
use syn::{GenericArgument, Path, PathArguments, Type, ext::IdentExt};

use super::{
    ast::{Column, Entity},
    attr::{Link, Relationship},
};
use crate::{attr::ungrouped_type, case::snake};

/// The functions of an entity, such as `User::select()`: a constant of that name would hide one.
const FUNCTIONS: [&str; 4] = ["select", "find", "entity", "alias"];

/// The types of keys that the database generates.
const GENERATED: [&str; 5] = ["i16", "i32", "i64", "u32", "u64"];

impl Entity<'_> {
    /// The table's name.
    pub(super) fn table_name(&self) -> String {
        match &self.attributes.table {
            Some(name) => name.value(),
            None => snake(&self.ident.unraw().to_string()),
        }
    }

    /// The column of a field.
    pub(super) fn column(&self, field: &Ident) -> Option<&Column<'_>> {
        self.columns.iter().find(|column| column.ident.unraw() == field.unraw())
    }

    /// The places of fields; those that are not there are mistakes, said elsewhere.
    pub(super) fn places(&self, fields: &[Ident]) -> Vec<usize> {
        fields.iter().filter_map(|field| self.column(field)).map(|column| column.index).collect()
    }

    /// Whether the name of the relationship at a place is that of no function, no field and no relationship before it.
    pub(super) fn is_free(&self, relationship: usize) -> bool {
        let (before, rest) = self.attributes.relationships.split_at(relationship);
        rest.first().is_some_and(|one| {
            let name = one.name.unraw();
            !hides_function(&name)
                && self.column(&name).is_none()
                && before.iter().all(|other| other.name.unraw() != name)
        })
    }

    /// The columns of the primary key.
    pub(super) fn key(&self) -> Vec<&Column<'_>> {
        self.columns.iter().filter(|column| column.attributes.primary_key.is_some()).collect()
    }

    /// Whether the database generates the column's value: what is said, or a key of one integer that refers to nothing.
    pub(super) fn is_generated(&self, column: &Column<'_>) -> bool {
        column.attributes.generated.unwrap_or_else(|| {
            column.attributes.primary_key.is_some()
                && self.key().len() == 1
                && is_one_of(column.ty, &GENERATED)
                && column.attributes.default.is_none()
                && column.attributes.default_sql.is_none()
                && self.refers_to(column).is_none()
                && !self.is_in_foreign_key(column)
        })
    }

    /// Whether the column is part of a foreign key of the table.
    fn is_in_foreign_key(&self, column: &Column<'_>) -> bool {
        let mut fields = self.attributes.foreign_keys.iter().flat_map(|key| &key.fields);
        fields.any(|field| field.unraw() == column.ident.unraw())
    }

    /// Whether an INSERT takes a value for the column.
    pub(super) fn is_inserted(&self, column: &Column<'_>) -> bool {
        !self.is_generated(column) && column.attributes.version.is_none()
    }

    /// Whether the column is part of a key or index.
    pub(super) fn is_keyed(&self, column: &Column<'_>) -> bool {
        let attributes = &column.attributes;
        let listed = self.attributes.uniques.iter().chain(&self.attributes.indexes);
        attributes.primary_key.is_some()
            || attributes.unique.is_some()
            || attributes.index.is_some()
            || attributes.references.is_some()
            || self.is_in_foreign_key(column)
            || listed
                .chain(&self.attributes.unique_indexes)
                .any(|columns| columns.fields.iter().any(|field| field.unraw() == column.ident.unraw()))
    }

    /// The entity whose key is in the column alone.
    pub(super) fn refers_to<'e>(&'e self, column: &'e Column<'_>) -> Option<&'e Path> {
        if let Some(reference) = &column.attributes.references {
            return Some(&reference.entity);
        }
        self.belongs_to_over(column).map(|relationship| &relationship.target)
    }

    /// The `belongs_to` whose key is in the column alone.
    pub(super) fn belongs_to_over(&self, column: &Column<'_>) -> Option<&Relationship> {
        self.attributes.relationships.iter().find(|relationship| {
            matches!(relationship.link, Link::BelongsTo { .. })
                && self.own_key(relationship) == [column.index]
        })
    }

    /// The places of the key of a `belongs_to`: what is said, or the field with the relationship's name and `_id`.
    pub(super) fn own_key(&self, relationship: &Relationship) -> Vec<usize> {
        match &relationship.link {
            Link::BelongsTo { key: Some(key), .. } => self.places(key),
            Link::BelongsTo { key: None, .. } => self.places(&[relationship.usual_key()]),
            _ => Vec::new(),
        }
    }
}

impl Column<'_> {
    /// Its name in the database.
    pub(super) fn name(&self) -> String {
        match &self.attributes.name {
            Some(name) => name.value(),
            None => self.ident.unraw().to_string(),
        }
    }

    /// Whether an INSERT may leave it out.
    pub(super) fn has_default(&self) -> bool {
        self.attributes.default.is_some() || self.attributes.default_sql.is_some()
    }

    /// What is in its type if that is written as an `Option`.
    pub(super) fn option(&self) -> Option<&Type> {
        let Type::Path(path) = self.ty else { return None };
        let last = path.path.segments.last()?;
        match &last.arguments {
            PathArguments::AngleBracketed(arguments) if last.ident == "Option" => {
                arguments.args.iter().find_map(|argument| match argument {
                    GenericArgument::Type(ty) => Some(ungrouped_type(ty)),
                    _ => None,
                })
            }
            _ => None,
        }
    }
}

impl Relationship {
    /// The field that holds the key unless another is named: `author_id` for `author`.
    pub(super) fn usual_key(&self) -> Ident {
        Ident::new(&format!("{}_id", self.name.unraw()), self.name.span())
    }

    /// The target's name, for messages.
    pub(super) fn target_name(&self) -> String {
        last_name(&self.target)
    }
}

/// Whether a constant of this name would hide a function of the entity.
pub(super) fn hides_function(name: &Ident) -> bool {
    FUNCTIONS.iter().any(|function| name.unraw() == function)
}

/// The name at the end of a path.
pub(super) fn last_name(path: &Path) -> String {
    path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default()
}

/// Whether a type is written as one of these words.
pub(super) fn is_one_of(ty: &Type, words: &[&str]) -> bool {
    matches!(ty, Type::Path(path) if path.qself.is_none()
        && path.path.get_ident().is_some_and(|ident| words.iter().any(|word| ident == word)))
}
