//! Where generated code finds what it names.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Generics, Path, Type, WhereClause, parse_quote};

use crate::attr::{Item, once};
use crate::context::Context;

/// The path of the crate `relata`, if it is another one.
#[derive(Default)]
pub(crate) struct Krate(Option<Path>);

impl Krate {
    /// `crate = "path"`.
    pub(crate) fn read(&mut self, item: &Item, context: &Context) {
        let path = item.text(context).and_then(|text| context.ok(text.parse_with(Path::parse_mod_style)));
        once(&mut self.0, item, path, context);
    }

    fn path(&self) -> Path {
        self.0.clone().unwrap_or_else(|| parse_quote!(::relata))
    }

    /// The core.
    pub(crate) fn core(&self) -> TokenStream {
        let path = self.path();
        quote!(#path::__private::core)
    }

    /// The core, named at a place: where a mistake in the types is then shown.
    pub(crate) fn core_at(&self, span: Span) -> TokenStream {
        respanned(self.core(), span)
    }

    /// What the ORM adds.
    pub(crate) fn private(&self) -> TokenStream {
        let path = self.path();
        quote!(#path::__private)
    }
}

/// The same tokens at another place.
pub(crate) fn respanned(tokens: impl ToTokens, span: Span) -> TokenStream {
    tokens
        .into_token_stream()
        .into_iter()
        .map(|mut token| {
            token.set_span(span);
            token
        })
        .collect()
}

/// The conditions under which a generic struct can be stored: its own, and that its fields can be. One that is not generic
/// has no conditions, for what cannot be stored there is simply wrong.
pub(crate) fn storable<'t>(
    generics: &Generics,
    fields: impl IntoIterator<Item = &'t Type>,
    core: &TokenStream,
) -> Option<WhereClause> {
    let mut generics = generics.clone();
    if !generics.params.is_empty() {
        let conditions = generics.make_where_clause();
        for ty in fields {
            conditions.predicates.push(parse_quote!(#ty: #core::types::Type));
        }
    }
    generics.where_clause
}
