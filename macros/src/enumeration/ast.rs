//! What an enum says about its words.

use syn::{Data, DeriveInput, Fields, Ident, LitStr, ext::IdentExt};

use crate::{
    attr::{self, Item, Keys, once},
    case::{Case, snake},
    context::Context,
    krate::Krate,
    suggest,
};

const KEYS: Keys = Keys {
    known: &["name", "native", "rename_all", "crate"],
    others: &[(&["rename"], "it belongs on a variant; `rename_all` is for all of them")],
};

const KEYS_OF_VARIANT: Keys = Keys {
    known: &["rename"],
    others: &[
        (&["native", "rename_all", "crate"], "it belongs on the enum"),
        (&["name", "value"], "write `rename = \"…\"`"),
    ],
};

/// An enum that is stored as words.
pub(crate) struct Enumeration<'i> {
    /// Its name.
    pub(crate) ident: &'i Ident,
    /// Where generated code finds what it names.
    pub(crate) krate: Krate,
    /// The name of the database's type.
    pub(crate) name: String,
    /// Whether the database's own enum type is used.
    pub(crate) native: bool,
    /// Its variants.
    pub(crate) variants: Vec<Variant<'i>>,
}

/// A variant and its word.
pub(crate) struct Variant<'i> {
    /// Its name.
    pub(crate) ident: &'i Ident,
    /// Its word.
    pub(crate) word: String,
    /// The word as it is written, if it is.
    pub(crate) rename: Option<LitStr>,
}

impl<'i> Enumeration<'i> {
    /// Reads an enum without fields; of anything else, says so.
    pub(crate) fn read(input: &'i DeriveInput, context: &Context) -> Option<Self> {
        let Data::Enum(data) = &input.data else {
            context.error(
                &input.ident,
                "only an enum can be stored as words; a struct of one field takes `#[derive(Type)]`",
            );
            return None;
        };
        if let Some(parameter) = input.generics.params.first() {
            context.error(parameter, "an enum that is stored as words has no generic parameters");
            return None;
        }
        let (mut krate, mut name, mut native, mut case) = (Krate::default(), None, None, None);
        attr::read(&input.attrs, "enumeration", &KEYS, context, |item| {
            match item.key.to_string().as_str() {
                "name" => once(&mut name, item, item.name(context), context),
                "native" => once(&mut native, item, item.switch(context), context),
                "rename_all" => once(&mut case, item, read_case(item, context), context),
                "crate" => krate.read(item, context),
                _ => return false,
            }
            true
        });
        let native = native.unwrap_or(false);
        if let (Some(name), false) = (&name, native) {
            context.error(
                name,
                "this is the name of the database's own enum type: add `native`, or leave it out",
            );
        }
        let case = case.unwrap_or(Case::Snake);
        let variants = data.variants.iter().map(|variant| {
            if !matches!(variant.fields, Fields::Unit) {
                context.error(
                    &variant.fields,
                    format!("`{}` has fields, which a word cannot hold: store the enum as JSON, or its parts in columns of their own", variant.ident),
                );
            }
            let mut rename = None;
            attr::read(&variant.attrs, "enumeration", &KEYS_OF_VARIANT, context, |item| {
                let known = item.is("rename");
                if known {
                    once(&mut rename, item, item.name(context), context);
                }
                known
            });
            let word =
                rename.as_ref().map_or_else(|| case.apply(&variant.ident.unraw().to_string()), LitStr::value);
            Variant { ident: &variant.ident, word, rename }
        });
        let variants: Vec<Variant<'_>> = variants.collect();
        if variants.is_empty() {
            context.error(&input.ident, "an enum without variants has no word to store");
        }
        let name = name.map_or_else(|| snake(&input.ident.unraw().to_string()), |name| name.value());
        // With a wrong variant no code fits: the mistake is enough.
        let all_unit = data.variants.iter().all(|variant| matches!(variant.fields, Fields::Unit));
        (all_unit && !variants.is_empty()).then_some(Enumeration {
            ident: &input.ident,
            krate,
            name,
            native,
            variants,
        })
    }
}

fn read_case(item: &Item, context: &Context) -> Option<Case> {
    let text = item.text(context)?;
    let case = Case::NAMES.iter().find(|(name, _)| *name == text.value());
    if case.is_none() {
        context.error(
            &text,
            suggest::unknown("there is no case", &text.value(), &Case::NAMES.map(|(name, _)| name)),
        );
    }
    case.map(|(_, case)| *case)
}
