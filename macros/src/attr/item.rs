//! One item of an attribute.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Expr, Ident, Token, Type,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream},
    token,
};

/// `key`, `key = value` or `key(…)`.
pub(crate) struct Item {
    /// The key.
    pub(crate) key: Ident,
    /// What is said about it.
    pub(crate) value: Value,
}

/// What is said about a key.
pub(crate) enum Value {
    /// Nothing.
    None,
    /// `= value`
    Expr(Box<Expr>),
    /// `(…)`
    List(TokenStream),
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key = input.call(Ident::parse_any)?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Value::Expr(Box::new(ungrouped(&input.parse()?).clone()))
        } else if input.peek(token::Paren) {
            let list;
            parenthesized!(list in input);
            Value::List(list.parse()?)
        } else {
            Value::None
        };
        Ok(Item { key, value })
    }
}

/// The expression in the invisible marks that `macro_rules` puts around what it passes on, such as `$table:literal`.
pub(crate) fn ungrouped(expression: &Expr) -> &Expr {
    match expression {
        Expr::Group(group) => ungrouped(&group.expr),
        other => other,
    }
}

/// The type in such marks, which are around a `$ty:ty`, or in parentheses.
pub(crate) fn ungrouped_type(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped_type(&group.elem),
        Type::Paren(paren) => ungrouped_type(&paren.elem),
        other => other,
    }
}

impl Item {
    /// Whether this is its key.
    pub(crate) fn is(&self, key: &str) -> bool {
        self.key == key
    }
}

impl ToTokens for Item {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.key.to_tokens(tokens);
        match &self.value {
            Value::None => {}
            Value::Expr(value) => value.to_tokens(tokens),
            Value::List(list) if list.is_empty() => {}
            Value::List(list) => list.to_tokens(tokens),
        }
    }
}
