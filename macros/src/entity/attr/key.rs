//! `unique(a, b)`, `index(a, b)`, `check("…")`.

use syn::{
    Ident, LitStr, Token,
    parse::{Parse, ParseStream, Parser},
    punctuated::Punctuated,
};

use crate::{
    attr::{self, Item, Value},
    context::Context,
};

/// Some fields, and a name for them.
pub(crate) struct Columns {
    /// The name.
    pub(crate) name: Option<LitStr>,
    /// The fields.
    pub(crate) fields: Vec<Ident>,
}

impl Columns {
    pub(super) fn read(item: &Item, context: &Context) -> Option<Self> {
        let Value::List(list) = &item.value else { return item.expected("(field, field)", context) };
        let mut columns = Columns { name: None, fields: Vec::new() };
        for part in attr::items(list.clone(), context) {
            match &part.value {
                Value::None => columns.fields.push(part.key),
                Value::Expr(_) if part.is("name") => columns.name = part.name(context),
                _ => context.error(&part, "expected the name of a field, or `name = \"…\"`"),
            }
        }
        if columns.fields.is_empty() {
            return if context.is_clean() { item.expected("(field, field)", context) } else { None };
        }
        Some(columns)
    }
}

/// A condition, and a name for it.
pub(crate) struct Check {
    /// The name.
    pub(crate) name: Option<LitStr>,
    /// The condition.
    pub(crate) condition: LitStr,
}

enum CheckPart {
    Condition(LitStr),
    Item(Item),
}

impl Parse for CheckPart {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            input.parse().map(CheckPart::Condition)
        } else {
            input.parse().map(CheckPart::Item)
        }
    }
}

impl Check {
    pub(super) fn read(item: &Item, context: &Context) -> Option<Self> {
        let expected = "(\"price > 0\")` or `check(name = \"…\", \"price > 0\")";
        let Value::List(list) = &item.value else { return item.expected(expected, context) };
        let parts = Punctuated::<CheckPart, Token![,]>::parse_terminated.parse2(list.clone());
        let (mut name, mut conditions) = (None, Vec::new());
        for part in context.ok(parts)? {
            match part {
                CheckPart::Condition(condition) => conditions.push(condition),
                CheckPart::Item(part) if part.is("name") => name = part.name(context),
                CheckPart::Item(_) => return item.expected(expected, context),
            }
        }
        match (conditions.pop(), conditions.is_empty()) {
            (Some(condition), true) => Some(Check { name, condition }),
            _ => item.expected(expected, context),
        }
    }
}
