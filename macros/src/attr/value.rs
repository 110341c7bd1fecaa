//! Values of items: text, flags, numbers, fields, types. What is of another kind is a mistake that says what is expected.

use syn::{Expr, ExprLit, ExprPath, Ident, Lit, LitStr, Path, Token, parse::Parser, punctuated::Punctuated};

use super::{Item, Value};
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
                Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => context.ok(number.base10_parse()),
                _ => self.expected(" = 100", context),
            },
            _ => self.expected(" = 100", context),
        }
    }

    /// `key = Path::to`, without generic arguments.
    pub(crate) fn path(&self, example: &str, context: &Context) -> Option<Path> {
        match &self.value {
            Value::Expr(value) => match &**value {
                Expr::Path(ExprPath { qself: None, path, .. }) => Some(path.clone()),
                _ => self.expected(&format!(" = {example}"), context),
            },
            _ => self.expected(&format!(" = {example}"), context),
        }
    }

    /// `key = Path::to` or `key = (Path::to, Path::to)`, without generic arguments.
    pub(crate) fn paths(&self, example: &str, context: &Context) -> Option<Vec<Path>> {
        let path = |value: &Expr| match value {
            Expr::Path(ExprPath { qself: None, path, .. }) => Some(path.clone()),
            _ => None,
        };
        let paths: Option<Vec<Path>> = match &self.value {
            Value::Expr(value) => match &**value {
                Expr::Paren(one) => path(&one.expr).map(|path| vec![path]),
                Expr::Tuple(many) => many.elems.iter().map(path).collect(),
                one => path(one).map(|path| vec![path]),
            },
            _ => None,
        };
        match paths {
            Some(paths) if !paths.is_empty() => Some(paths),
            _ => self.expected(&format!(" = ({example}, {example})"), context),
        }
    }

    /// `key = field` or `key = (field, field)`.
    pub(crate) fn fields(&self, context: &Context) -> Option<Vec<Ident>> {
        let Value::Expr(value) = &self.value else { return self.expected(" = field", context) };
        let fields: Option<Vec<Ident>> = match &**value {
            Expr::Paren(one) => field(&one.expr).map(|field| vec![field]),
            Expr::Tuple(many) => many.elems.iter().map(field).collect(),
            one => field(one).map(|field| vec![field]),
        };
        match fields {
            Some(fields) if !fields.is_empty() => Some(fields),
            _ => self.expected(" = field` or `key = (field, field)", context),
        }
    }

    /// `key(a, b)`, of whole numbers.
    pub(crate) fn two_numbers(&self, context: &Context) -> Option<(u8, u8)> {
        let expected = "(12, 2)";
        let Value::List(list) = &self.value else { return self.expected(expected, context) };
        let numbers = Punctuated::<syn::LitInt, Token![,]>::parse_terminated.parse2(list.clone());
        let Ok(numbers) = numbers else { return self.expected(expected, context) };
        let mut numbers = numbers.iter();
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(a), Some(b), None) => context.ok(a.base10_parse()).zip(context.ok(b.base10_parse())),
            _ => self.expected(expected, context),
        }
    }

    /// Says how the item should be written.
    pub(crate) fn expected<T>(&self, rest: &str, context: &Context) -> Option<T> {
        context.error(self, format!("expected `{}{rest}`", self.key));
        None
    }
}

fn field(value: &Expr) -> Option<Ident> {
    match value {
        Expr::Path(ExprPath { qself: None, path, .. }) => path.get_ident().cloned(),
        _ => None,
    }
}
