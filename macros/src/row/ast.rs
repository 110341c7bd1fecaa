//! What a struct says about the row it is read from.

use std::collections::HashMap;

use syn::{Data, DeriveInput, Fields, GenericParam, Generics, Ident, Type, ext::IdentExt};

use crate::{
    attr::{self, Keys, misplaced, once, ungrouped_type},
    context::Context,
    entity::COLUMN_KEYS,
    krate::Krate,
};

const KEYS: Keys = Keys {
    known: &["crate"],
    others: &[(&["name", "rename"], "it belongs on a field: `#[column(name = \"…\")]`")],
};

const KEYS_OF_FIELD: Keys = Keys {
    known: &["name"],
    others: &[
        (&["rename", "from", "column"], "write `name = \"…\"`"),
        (
            COLUMN_KEYS,
            "that is for `#[derive(Entity)]`, and what is an entity is read without `#[derive(Row)]`",
        ),
    ],
};

/// A struct that is read by the names of its fields.
pub(crate) struct Row<'i> {
    /// Its name.
    pub(crate) ident: &'i Ident,
    /// Its generic parameters.
    pub(crate) generics: &'i Generics,
    /// Where generated code finds what it names.
    pub(crate) krate: Krate,
    /// Its fields.
    pub(crate) fields: Vec<Field<'i>>,
}

/// A field that is read.
pub(crate) struct Field<'i> {
    /// Its name.
    pub(crate) ident: &'i Ident,
    /// Its type.
    pub(crate) ty: &'i Type,
    /// The name of what it is read from.
    pub(crate) name: String,
}

impl<'i> Row<'i> {
    /// Reads a struct with named fields; of anything else, says so.
    pub(crate) fn read(input: &'i DeriveInput, context: &Context) -> Option<Self> {
        let expected = "a row is a struct with named fields: each is read from the item of that name";
        let fields = match &input.data {
            Data::Struct(data) => match &data.fields {
                Fields::Named(fields) => &fields.named,
                _ => {
                    context.error(&input.ident, format!("{expected}; a tuple of types needs no derive"));
                    return None;
                }
            },
            Data::Enum(_) | Data::Union(_) => {
                context.error(&input.ident, expected);
                return None;
            }
        };
        for parameter in &input.generics.params {
            if let GenericParam::Lifetime(lifetime) = parameter {
                context.error(lifetime, "a row owns its values: it has no lifetime parameters");
                return None;
            }
        }
        misplaced(&input.attrs, "column", "a field", context);
        for field in fields {
            misplaced(&field.attrs, "row", "the struct; a field takes `#[column(name = \"…\")]`", context);
        }
        let mut krate = Krate::default();
        attr::read(&input.attrs, "row", &KEYS, context, |item| {
            let known = item.is("crate");
            if known {
                krate.read(item, context);
            }
            known
        });

        let mut names = HashMap::new();
        let fields = fields.iter().filter_map(|field| {
            let ident = field.ident.as_ref()?;
            let mut name = None;
            attr::read(&field.attrs, "column", &KEYS_OF_FIELD, context, |item| {
                let known = item.is("name");
                if known {
                    once(&mut name, item, item.name(context), context);
                }
                known
            });
            let text = name.as_ref().map_or_else(|| ident.unraw().to_string(), syn::LitStr::value);
            if let Some(other) = names.insert(text.clone(), ident) {
                let message = format!("`{text}` is read into the field `{other}` already");
                match &name {
                    Some(name) => context.error(name, message),
                    None => context.error(ident, message),
                }
            }
            Some(Field { ident, ty: ungrouped_type(&field.ty), name: text })
        });
        let fields = fields.collect();
        Some(Row { ident: &input.ident, generics: &input.generics, krate, fields })
    }
}
