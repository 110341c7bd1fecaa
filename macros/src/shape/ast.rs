//! What a struct says about the entity it is loaded from.

use syn::{Data, DeriveInput, Fields, Ident, Path, Type};

use crate::{
    attr::{self, Keys, once, ungrouped_type},
    context::Context,
    krate::Krate,
};

const KEYS: Keys = Keys {
    known: &["of", "crate"],
    others: &[(&["from"], "it belongs on a field"), (&["entity", "table"], "the entity is `of = User`")],
};

const KEYS_OF_FIELD: Keys = Keys {
    known: &["from"],
    others: &[
        (&["of", "crate"], "it belongs on the struct"),
        (&["name", "rename", "column"], "write `from = email`"),
    ],
};

/// A struct that is loaded from an entity's table.
pub(crate) struct Shape<'i> {
    /// Its name.
    pub(crate) ident: &'i Ident,
    /// The entity.
    pub(crate) entity: Path,
    /// Where generated code finds what it names.
    pub(crate) krate: Krate,
    /// Its fields.
    pub(crate) fields: Vec<Field<'i>>,
}

/// A field and what fills it.
pub(crate) struct Field<'i> {
    /// Its name.
    pub(crate) ident: &'i Ident,
    /// Its type.
    pub(crate) ty: &'i Type,
    /// The name of the entity's constant.
    pub(crate) from: Ident,
}

impl<'i> Shape<'i> {
    /// Reads a struct with named fields; of anything else, says so.
    pub(crate) fn read(input: &'i DeriveInput, context: &Context) -> Option<Self> {
        let Data::Struct(syn::DataStruct { fields: Fields::Named(fields), .. }) = &input.data else {
            context.error(
                &input.ident,
                "a shape is a struct with named fields: each is filled by the entity's column or relationship of that name",
            );
            return None;
        };
        if let Some(parameter) = input.generics.params.first() {
            context.error(parameter, "a shape is loaded from one entity: it has no generic parameters");
            return None;
        }
        let (mut krate, mut entity) = (Krate::default(), None);
        attr::read(&input.attrs, "shape", &KEYS, context, |item| {
            match item.key.to_string().as_str() {
                "of" => once(&mut entity, item, item.path("User", context), context),
                "crate" => krate.read(item, context),
                _ => return false,
            }
            true
        });
        let fields = fields.named.iter().filter_map(|field| {
            let ident = field.ident.as_ref()?;
            let mut from = None;
            attr::read(&field.attrs, "shape", &KEYS_OF_FIELD, context, |item| {
                let known = item.is("from");
                if known {
                    let name = item.path("email", context).and_then(|path| match path.get_ident() {
                        Some(name) => Some(name.clone()),
                        None => item.expected(" = email", context),
                    });
                    once(&mut from, item, name, context);
                }
                known
            });
            let from = from.unwrap_or_else(|| ident.clone());
            Some(Field { ident, ty: ungrouped_type(&field.ty), from })
        });
        let fields: Vec<Field<'_>> = fields.collect();
        if fields.is_empty() {
            context.error(&input.ident, "a shape without fields reads nothing");
            return None;
        }
        let Some(entity) = entity else {
            if context.is_clean() {
                context.error(&input.ident, "say which entity it is loaded from: `#[shape(of = User)]`");
            }
            return None;
        };
        Some(Shape { ident: &input.ident, entity, krate, fields })
    }
}
