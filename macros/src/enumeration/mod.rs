//! `#[derive(Enum)]`.

mod ast;
mod expand;
mod valid;

use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::context::Context;

/// What the derive makes of an enum.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let context = Context::default();
    let mut code = TokenStream::new();
    if let Some(enumeration) = ast::Enumeration::read(input, &context) {
        valid::check(&enumeration, &context);
        code = expand::expand(&enumeration);
    }
    code.extend(context.into_tokens());
    code
}
