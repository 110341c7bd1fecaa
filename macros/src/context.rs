//! Collects the mistakes of one derive, so that all are reported in one go.

use std::{cell::RefCell, fmt::Display};

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Context(RefCell<Option<syn::Error>>);

impl Context {
    /// A mistake at the place of some tokens.
    pub(crate) fn error(&self, at: impl ToTokens, message: impl Display) {
        self.add(syn::Error::new_spanned(at, message));
    }

    /// A mistake that syn found.
    pub(crate) fn add(&self, error: syn::Error) {
        match &mut *self.0.borrow_mut() {
            Some(all) => all.combine(error),
            none => *none = Some(error),
        }
    }

    /// What is right, or `None` and a mistake.
    pub(crate) fn ok<T>(&self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// Whether there is no mistake so far.
    pub(crate) fn is_clean(&self) -> bool {
        self.0.borrow().is_none()
    }

    /// The mistakes as `compile_error!`.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0.into_inner().map(|error| error.to_compile_error()).unwrap_or_default()
    }
}
