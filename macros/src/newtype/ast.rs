//! The struct and its one field.

use syn::{Data, DeriveInput, GenericParam, Generics, Ident, Member, Type};

use crate::{
    attr::{self, Keys, misplaced, ungrouped_type},
    context::Context,
    krate::Krate,
};

const KEYS: Keys = Keys { known: &["crate"], others: &[] };

/// A struct that is stored as its field is.
pub(crate) struct Newtype<'i> {
    /// Its name.
    pub(crate) ident: &'i Ident,
    /// Its generic parameters.
    pub(crate) generics: &'i Generics,
    /// Where generated code finds what it names.
    pub(crate) krate: Krate,
    /// The field.
    pub(crate) field: Member,
    /// The field's type.
    pub(crate) ty: &'i Type,
}

impl<'i> Newtype<'i> {
    /// Reads a struct with one field; of anything else, says so.
    pub(crate) fn read(input: &'i DeriveInput, context: &Context) -> Option<Self> {
        let fields = match &input.data {
            Data::Struct(data) => &data.fields,
            Data::Enum(data) => {
                context.error(
                    data.enum_token,
                    "a type of a column is a struct with one field; an enum takes `#[derive(Enum)]`",
                );
                return None;
            }
            Data::Union(data) => {
                context.error(data.union_token, "a type of a column is a struct with one field");
                return None;
            }
        };
        let mut all = fields.iter().zip(fields.members());
        let (Some((field, member)), None) = (all.next(), all.next()) else {
            context.error(
                &input.ident,
                format!(
                    "a type of a column is a struct with one field, and this has {}: store several as JSON, or as columns of their own",
                    fields.len()
                ),
            );
            return None;
        };
        for parameter in &input.generics.params {
            if let GenericParam::Lifetime(lifetime) = parameter {
                context.error(lifetime, "a column owns its values: its type has no lifetime parameters");
                return None;
            }
        }
        misplaced(&field.attrs, "newtype", "the struct", context);
        let mut krate = Krate::default();
        attr::read(&input.attrs, "newtype", &KEYS, context, |item| {
            let known = item.is("crate");
            if known {
                krate.read(item, context);
            }
            known
        });
        Some(Newtype {
            ident: &input.ident,
            generics: &input.generics,
            krate,
            field: member,
            ty: ungrouped_type(&field.ty),
        })
    }
}
