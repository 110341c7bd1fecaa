//! Reads `#[name(key, key = value, key(…))]`, whatever the keys are.

mod item;
mod value;

pub(crate) use item::{Item, Value};

use proc_macro2::TokenStream;
use syn::{Attribute, Meta, Token, parse::Parser, punctuated::Punctuated};

use crate::{context::Context, suggest};

/// Reads the items of all attributes of this name, handing each to `read`; an item that it does not take is unknown.
pub(crate) fn read(
    attributes: &[Attribute],
    name: &str,
    known: &[&str],
    context: &Context,
    mut read: impl FnMut(&Item) -> bool,
) {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(name)) {
        let tokens = match &attribute.meta {
            Meta::Path(_) => continue,
            Meta::List(list) => list.tokens.clone(),
            Meta::NameValue(_) => {
                context.error(attribute, format!("expected `#[{name}(…)]`"));
                continue;
            }
        };
        for item in items(tokens, context) {
            if !read(&item) {
                let what = format!("`#[{name}]` has no key");
                context.error(&item.key, suggest::unknown(&what, &item.key.to_string(), known));
            }
        }
    }
}

/// The items of a list.
pub(crate) fn items(tokens: TokenStream, context: &Context) -> Vec<Item> {
    let items = Punctuated::<Item, Token![,]>::parse_terminated.parse2(tokens);
    context.ok(items).into_iter().flatten().collect()
}

/// Keeps the first of what may be said once; a second one is a mistake.
pub(crate) fn once<T>(place: &mut Option<T>, item: &Item, value: Option<T>, context: &Context) {
    match (place.is_some(), value) {
        (true, Some(_)) => context.error(&item.key, format!("`{}` is given twice", item.key)),
        (false, Some(value)) => *place = Some(value),
        (_, None) => {}
    }
}
