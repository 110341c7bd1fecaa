//! What depends on the types of the fields, which only the compiler knows: checked in constants.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{Ident, spanned::Spanned};

use crate::entity::{
    ast::{Column, Entity},
    attr::{Action, DefaultAttribute, ForeignKey, Literal},
};

pub(super) fn expand(entity: &Entity<'_>) -> TokenStream {
    let of_keys = entity.attributes.foreign_keys.iter().flat_map(|key| of_foreign_key(entity, key));
    entity.columns.iter().flat_map(|column| of_column(entity, column)).chain(of_keys).collect()
}

fn of_foreign_key(entity: &Entity<'_>, key: &ForeignKey) -> Vec<TokenStream> {
    let core = entity.krate.core();
    let mut all = Vec::new();
    for (action, name) in [(&key.on_delete, "on_delete"), (&key.on_update, "on_update")] {
        let Some(action) = action.as_ref().filter(|action| action.variant == "SetNull") else { continue };
        for column in key.fields.iter().filter_map(|field| entity.column(field)) {
            let (ty, ident) = (column.ty, column.ident);
            all.push(must_be_nullable(action, name, ident, quote!(<#ty as #core::types::Type>::NULLABLE)));
        }
    }
    all
}

fn must_be_nullable(action: &Action, name: &str, field: &Ident, nullable: TokenStream) -> TokenStream {
    let message =
        format!("`{name} = \"set null\"` needs a column that may be NULL: make `{field}` an Option");
    quote_spanned!(action.text.span()=> const _: () = ::core::assert!(#nullable, #message);)
}

fn of_column(entity: &Entity<'_>, column: &Column<'_>) -> Vec<TokenStream> {
    let (core, ty) = (entity.krate.core(), column.ty);
    let attributes = &column.attributes;
    let ident = column.ident;
    let mut all = Vec::new();
    let mut assert = |at: &dyn ToTokens, condition: TokenStream, message: String| {
        all.push(quote_spanned!(at.span()=> const _: () = ::core::assert!(#condition, #message);));
    };
    let nullable = quote!(<#ty as #core::types::Type>::NULLABLE);
    let kind = |kinds: &[&str]| {
        let kinds = kinds.iter().map(|kind| syn::Ident::new(kind, proc_macro2::Span::call_site()));
        let enums = quote!(#(#core::value::Kind::#kinds)|*);
        quote!(::core::matches!(<#ty as #core::types::Type>::KIND, #enums))
    };

    if let Some(said) = &attributes.primary_key {
        assert(
            said,
            quote!(!#nullable),
            format!("no part of a primary key is NULL: `{ident}` cannot be an Option"),
        );
    }
    if entity.is_generated(column) {
        let integer = quote!(<#ty as #core::types::Type>::KIND.is_integer());
        assert(ident, integer, format!("the database generates integers only: `{ident}` is none"));
        assert(
            ident,
            quote!(!#nullable),
            format!("what the database generates is not NULL: `{ident}` cannot be an Option"),
        );
    }
    if let Some(said) = &attributes.version {
        let integer = quote!(<#ty as #core::types::Type>::KIND.is_integer());
        assert(
            said,
            quote!(#integer && !#nullable),
            format!(
                "the version is a number that counts up: `{ident}` must be an integer, and not an Option"
            ),
        );
    }
    if attributes.length.is_some() {
        assert(
            ident,
            kind(&["Text", "Bytes"]),
            format!("`length` is for text and binary data: `{ident}` is neither"),
        );
    }
    if attributes.precision.is_some() {
        assert(ident, kind(&["Decimal"]), format!("`precision` is for decimals: `{ident}` is none"));
    }
    match &attributes.default {
        Some(DefaultAttribute::Now(now)) => {
            let times = kind(&["Date", "Time", "Timestamp", "TimestampTz"]);
            assert(now, times, format!("`default = now` is for dates and times: `{ident}` is neither"));
        }
        Some(DefaultAttribute::Literal(value, literal)) => {
            let mut fits = kind(literal.kinds());
            // The words of an enum are text.
            if let Literal::Text(_) = literal {
                fits.extend(quote!(
                    || ::core::matches!(<#ty as #core::types::Type>::KIND, #core::value::Kind::Enum(_))
                ));
            }
            let hint = match literal {
                Literal::Text(_) => ": SQL is written `default_sql = \"…\"`",
                _ => "",
            };
            let what = literal.words();
            assert(value, fits, format!("the default is {what}, which `{ident}` cannot hold{hint}"));
            let too_small = literal.too_small();
            if !too_small.is_empty() {
                let too_small = kind(&too_small);
                let message = format!("the default is out of the range of `{ident}`");
                assert(value, quote!(!#too_small), message);
            }
        }
        None => {}
    }
    for (action, name) in [(&attributes.on_delete, "on_delete"), (&attributes.on_update, "on_update")] {
        if let Some(action) = action.as_ref().filter(|action| action.variant == "SetNull") {
            all.push(must_be_nullable(action, name, ident, nullable.clone()));
        }
    }
    all
}
