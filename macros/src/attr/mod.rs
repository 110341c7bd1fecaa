//! Reads `#[name(key, key = value, key(…))]`, whatever the keys are.

mod item;
mod value;

pub(crate) use item::{Item, Value, ungrouped, ungrouped_type};

use proc_macro2::TokenStream;
use syn::{
    Attribute, Ident, Meta, Token,
    ext::IdentExt,
    parse::{ParseStream, Parser},
};

use crate::{context::Context, suggest};

/// The keys that there are at a place.
pub(crate) struct Keys {
    /// The keys.
    pub(crate) known: &'static [&'static str],
    /// Words that are none here, as they belong elsewhere or are those of another library, with what to write.
    pub(crate) others: &'static [(&'static [&'static str], &'static str)],
}

impl Keys {
    /// Says of a key that it is unknown, and what was meant.
    pub(crate) fn unknown(&self, what: &str, key: &Ident, context: &Context) {
        let word = key.to_string();
        let meant = self.others.iter().find(|(words, _)| words.contains(&word.as_str()));
        let message = match meant {
            Some((_, meant)) => format!("{what} has no key `{word}`: {meant}"),
            None => suggest::unknown(&format!("{what} has no key"), &word, self.known),
        };
        context.error(key, message);
    }
}

/// Reads the items of all attributes of this name, handing each to `read`; an item that it does not take is unknown.
pub(crate) fn read(
    attributes: &[Attribute],
    name: &str,
    keys: &Keys,
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
        let example = format!("a key, as in `#[{name}({} = …)]`", keys.known.first().unwrap_or(&"key"));
        for item in items(tokens, &example, context) {
            if !read(&item) {
                keys.unknown(&format!("`#[{name}]`"), &item.key, context);
            }
        }
    }
}

/// Says of all attributes of this name where they belong: here they would do nothing.
pub(crate) fn misplaced(attributes: &[Attribute], name: &str, place: &str, context: &Context) {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(name)) {
        context.error(attribute, format!("`#[{name}]` belongs on {place}"));
    }
}

/// The items of a list; what is none, or does not end with one, is a mistake that says what is expected.
pub(crate) fn items(tokens: TokenStream, expected: &str, context: &Context) -> Vec<Item> {
    let items = |input: ParseStream<'_>| {
        let mut items = Vec::new();
        while !input.is_empty() {
            if !input.peek(Ident::peek_any) {
                return Err(input.error(format!("expected {expected}")));
            }
            items.push(input.parse::<Item>()?);
            if !input.is_empty() && !input.peek(Token![,]) {
                return Err(input.error(format!("expected `,` or the end of {expected}")));
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(items)
    };
    context.ok(items.parse2(tokens)).unwrap_or_default()
}

/// Keeps the first of what may be said once; a second one is a mistake.
pub(crate) fn once<T>(place: &mut Option<T>, item: &Item, value: Option<T>, context: &Context) {
    match (place.is_some(), value) {
        (true, Some(_)) => context.error(&item.key, format!("`{}` is given twice", item.key)),
        (false, Some(value)) => *place = Some(value),
        (_, None) => {}
    }
}
