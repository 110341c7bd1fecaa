//! What a struct says about its table.

use syn::{Data, DeriveInput, Fields, GenericParam, Ident, Type, Visibility};

use super::attr::{ColumnAttributes, EntityAttributes};
use crate::{
    attr::{misplaced, ungrouped_type},
    context::Context,
    krate::Krate,
};

/// A struct that is to be mapped.
pub(crate) struct Entity<'i> {
    /// Its name.
    pub(crate) ident: &'i Ident,
    /// Its visibility.
    pub(crate) vis: &'i Visibility,
    /// Where generated code finds what it names.
    pub(crate) krate: Krate,
    /// What is said about the table.
    pub(crate) attributes: EntityAttributes,
    /// Its fields.
    pub(crate) columns: Vec<Column<'i>>,
}

/// A field that is to be a column.
pub(crate) struct Column<'i> {
    /// Its place.
    pub(crate) index: usize,
    /// Its name.
    pub(crate) ident: &'i Ident,
    /// Its visibility.
    pub(crate) vis: &'i Visibility,
    /// Its type.
    pub(crate) ty: &'i Type,
    /// What is said about it.
    pub(crate) attributes: ColumnAttributes,
}

impl<'i> Entity<'i> {
    /// Reads a struct with named fields; of anything else, says so.
    pub(crate) fn read(input: &'i DeriveInput, context: &Context) -> Option<Self> {
        let fields = match &input.data {
            Data::Struct(data) => match &data.fields {
                Fields::Named(fields) => &fields.named,
                Fields::Unnamed(_) | Fields::Unit => {
                    context.error(
                        &input.ident,
                        "an entity is a struct with named fields: each field is a column of that name",
                    );
                    return None;
                }
            },
            Data::Enum(data) => {
                context.error(
                    data.enum_token,
                    "an entity is a struct with named fields; an enum in a column takes `#[derive(Enum)]`",
                );
                return None;
            }
            Data::Union(data) => {
                context.error(data.union_token, "an entity is a struct with named fields, not a union");
                return None;
            }
        };
        if let Some(parameter) = input.generics.params.first() {
            let what = match parameter {
                GenericParam::Lifetime(_) => "an entity owns its values: it has no lifetime parameters",
                _ => "an entity is mapped to one table: it has no generic parameters",
            };
            context.error(parameter, what);
            return None;
        }
        misplaced(&input.attrs, "column", "a field; the struct takes `#[entity(…)]`", context);
        for field in fields {
            misplaced(&field.attrs, "entity", "the struct; a field takes `#[column(…)]`", context);
        }
        let mut krate = Krate::default();
        let attributes = EntityAttributes::read(&input.attrs, &input.ident, &mut krate, context);
        let columns = fields
            .iter()
            .enumerate()
            .filter_map(|(index, field)| {
                Some(Column {
                    index,
                    ident: field.ident.as_ref()?,
                    vis: &field.vis,
                    ty: ungrouped_type(&field.ty),
                    attributes: ColumnAttributes::read(&field.attrs, &input.ident, context),
                })
            })
            .collect();
        Some(Entity { ident: &input.ident, vis: &input.vis, krate, attributes, columns })
    }
}
