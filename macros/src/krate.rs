//! Where generated code finds what it names.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Path, parse_quote};

use crate::attr::Item;
use crate::context::Context;

/// The path of the crate `relata`.
pub(crate) struct Krate(Path);

impl Default for Krate {
    fn default() -> Self {
        Krate(parse_quote!(::relata))
    }
}

impl Krate {
    /// `crate = "path"`.
    pub(crate) fn read(&mut self, item: &Item, context: &Context) {
        if let Some(text) = item.text(context)
            && let Some(path) = context.ok(text.parse_with(Path::parse_mod_style))
        {
            self.0 = path;
        }
    }

    /// The core.
    pub(crate) fn core(&self) -> TokenStream {
        let path = &self.0;
        quote!(#path::__private::core)
    }

    /// What the ORM adds.
    pub(crate) fn private(&self) -> TokenStream {
        let path = &self.0;
        quote!(#path::__private)
    }
}

impl ToTokens for Krate {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}
