//! `#[derive(Shape)]`.

mod ast;
mod expand;

use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::context::Context;

/// What the derive makes of a struct.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let context = Context::default();
    let mut code = ast::Shape::read(input, &context).map(|shape| expand::expand(&shape)).unwrap_or_default();
    code.extend(context.into_tokens());
    code
}
