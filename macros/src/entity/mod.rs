//! `#[derive(Entity)]`.

mod ast;
mod attr;
mod expand;
mod prop;
mod valid;

pub(crate) use attr::COLUMN_KEYS;

use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::context::Context;

/// What the derive makes of a struct.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let context = Context::default();
    let Some(entity) = ast::Entity::read(input, &context) else { return context.into_tokens() };
    valid::check(&entity, &context);
    // What was wrong is left out below; the rest is written, so that what uses the entity is not wrong as well.
    let mut code = expand::expand(&entity, context.is_clean());
    code.extend(context.into_tokens());
    code
}
