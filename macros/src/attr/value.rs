//! Values of items: text, flags, numbers, fields, types. What is of another kind is a mistake that says what is expected.

use std::{fmt::Display, str::FromStr};

use syn::{
    Expr, ExprLit, ExprPath, Ident, Lit, LitInt, LitStr, Path, Token, parse::Parser, punctuated::Punctuated,
};

use super::{Item, Value, ungrouped};
use crate::context::Context;

impl Item {
    /// `key`, without more.
    pub(crate) fn flag(&self, context: &Context) -> Option<Ident> {
        match &self.value {
            Value::None => Some(self.key.clone()),
            _ => self.expected("", context),
        }
    }

    /// `key`, `key = true` or `key = false`.
    pub(crate) fn switch(&self, context: &Context) -> Option<bool> {
        match &self.value {
            Value::None => Some(true),
            Value::Expr(value) => match &**value {
                Expr::Lit(ExprLit { lit: Lit::Bool(on), .. }) => Some(on.value),
                _ => self.expected("", context),
            },
            Value::List(_) => self.expected("", context),
        }
    }

    /// `key = "text"`.
    pub(crate) fn text(&self, context: &Context) -> Option<LitStr> {
        match &self.value {
            Value::Expr(value) => match &**value {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.clone()),
                _ => self.expected(" = \"…\"", context),
            },
            _ => self.expected(" = \"…\"", context),
        }
    }

    /// As [`text`](Item::text), which is no name if it is empty.
    pub(crate) fn name(&self, context: &Context) -> Option<LitStr> {
        let text = self.text(context)?;
        if text.value().is_empty() {
            context.error(&text, "a name cannot be empty");
            return None;
        }
        Some(text)
    }

    /// `key = 100`.
    pub(crate) fn number(&self, context: &Context) -> Option<u32> {
        match &self.value {
            Value::Expr(value) => match &**value {
                Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => up_to(u32::MAX, number, context),
                _ => self.expected(" = 100", context),
            },
            _ => self.expected(" = 100", context),
        }
    }

    /// `key = Path::to`, without generic arguments.
    pub(crate) fn path(&self, example: &str, context: &Context) -> Option<Path> {
        match &self.value {
            Value::Expr(value) => path(value),
            _ => None,
        }
        .or_else(|| self.expected(&format!(" = {example}"), context))
    }

    /// `key = Path::to` or `key = (Path::to, Path::to)`, without generic arguments.
    pub(crate) fn paths(&self, example: &str, context: &Context) -> Option<Vec<Path>> {
        self.one_or_more(path).or_else(|| self.expected(&format!(" = ({example}, {example})"), context))
    }

    /// `key = field` or `key = (field, field)`.
    pub(crate) fn fields(&self, context: &Context) -> Option<Vec<Ident>> {
        self.one_or_more(|value| path(value)?.get_ident().cloned())
            .or_else(|| self.expected(&format!(" = field` or `{} = (field, field)", self.key), context))
    }

    /// `key = one` or `key = (one, more)`.
    fn one_or_more<T>(&self, one: impl Fn(&Expr) -> Option<T>) -> Option<Vec<T>> {
        let Value::Expr(value) = &self.value else { return None };
        let all: Vec<T> = match &**value {
            Expr::Paren(value) => vec![one(&value.expr)?],
            Expr::Tuple(values) => values.elems.iter().map(one).collect::<Option<_>>()?,
            value => vec![one(value)?],
        };
        (!all.is_empty()).then_some(all)
    }

    /// `key(a, b)`, of whole numbers.
    pub(crate) fn two_numbers(&self, context: &Context) -> Option<(u8, u8)> {
        let expected = "(12, 2)";
        let Value::List(list) = &self.value else { return self.expected(expected, context) };
        let numbers = Punctuated::<LitInt, Token![,]>::parse_terminated.parse2(list.clone());
        let Ok(numbers) = numbers else { return self.expected(expected, context) };
        let mut numbers = numbers.iter();
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(a), Some(b), None) => up_to(u8::MAX, a, context).zip(up_to(u8::MAX, b, context)),
            _ => self.expected(expected, context),
        }
    }

    /// Says how the item should be written.
    pub(crate) fn expected<T>(&self, rest: &str, context: &Context) -> Option<T> {
        context.error(self, format!("expected `{}{rest}`", self.key));
        None
    }
}

/// A whole number that is not too large.
fn up_to<N: FromStr<Err: Display> + Display>(most: N, number: &LitInt, context: &Context) -> Option<N> {
    let number = number.base10_parse().map_err(|_| context.error(number, format!("this is {most} at most")));
    number.ok()
}

/// A path, without generic arguments of a type before it.
fn path(value: &Expr) -> Option<Path> {
    match ungrouped(value) {
        Expr::Path(ExprPath { qself: None, path, .. }) => Some(path.clone()),
        _ => None,
    }
}
