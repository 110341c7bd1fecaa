//! `unique(a, b)`, `index(a, b)`, `foreign_key(a, b, references = …)`, `check("…")`.

use syn::{
    Ident, LitStr, Path, Token,
    parse::{Parse, ParseStream, Parser},
    punctuated::Punctuated,
};

use super::{Action, Reference};
use crate::{
    attr::{self, Item, Value, once},
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
        let expected = format!("the names of fields, as in `{}(field, field)`", item.key);
        for part in attr::items(list.clone(), &expected, context) {
            match &part.value {
                Value::None => columns.fields.push(part.key),
                Value::Expr(_) if part.is("name") => {
                    once(&mut columns.name, &part, part.name(context), context)
                }
                _ => context.error(&part, "expected the name of a field, or `name = \"…\"`"),
            }
        }
        if columns.fields.is_empty() {
            return if context.is_clean() { item.expected("(field, field)", context) } else { None };
        }
        Some(columns)
    }
}

/// `foreign_key(a, b, references = (Other::a, Other::b))`
pub(crate) struct ForeignKey {
    /// Its name.
    pub(crate) name: Option<LitStr>,
    /// The fields.
    pub(crate) fields: Vec<Ident>,
    /// What each of them refers to: as many, all of one entity.
    pub(crate) references: Vec<Reference>,
    /// What it does when the other row goes.
    pub(crate) on_delete: Option<Action>,
    /// What it does when the other row's key changes.
    pub(crate) on_update: Option<Action>,
}

impl ForeignKey {
    pub(super) fn read(item: &Item, entity: &Ident, context: &Context) -> Option<Self> {
        const EXPECTED: &str = "(field, field, references = (Other::field, Other::field))";
        let Value::List(list) = &item.value else { return item.expected(EXPECTED, context) };
        let (mut fields, mut references, mut name) = (Vec::new(), None, None);
        let (mut on_delete, mut on_update) = (None, None);
        for part in attr::items(list.clone(), &format!("`foreign_key{EXPECTED}`"), context) {
            match part.key.to_string().as_str() {
                "references" => {
                    let paths = part.paths("Other::field", context);
                    let read = |paths: Vec<Path>| {
                        paths
                            .into_iter()
                            .map(|path| Reference::of(path, entity, context))
                            .collect::<Option<Vec<_>>>()
                    };
                    once(&mut references, &part, paths.and_then(read), context);
                }
                "on_delete" => once(&mut on_delete, &part, Action::read(&part, context), context),
                "on_update" => once(&mut on_update, &part, Action::read(&part, context), context),
                "name" => once(&mut name, &part, part.name(context), context),
                _ if matches!(part.value, Value::None) => fields.push(part.key),
                _ => context.error(
                    &part,
                    "expected the name of a field, `references`, `on_delete`, `on_update` or `name`",
                ),
            }
        }
        match references {
            Some(references) if !fields.is_empty() => {
                Some(ForeignKey { name, fields, references, on_delete, on_update })
            }
            _ if context.is_clean() => item.expected(EXPECTED, context),
            _ => None,
        }
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
        // `price > 0` without quotes.
        let Ok(parts) = parts else { return item.expected(expected, context) };
        for part in parts {
            match part {
                CheckPart::Condition(condition) => conditions.push(condition),
                CheckPart::Item(part) if part.is("name") => {
                    once(&mut name, &part, part.name(context), context)
                }
                CheckPart::Item(_) => return item.expected(expected, context),
            }
        }
        match (conditions.pop(), conditions.is_empty()) {
            (Some(condition), true) => Some(Check { name, condition }),
            _ => item.expected(expected, context),
        }
    }
}
