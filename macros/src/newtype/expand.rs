//! Writes `impl Type`, which does as the field's type does.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::ast::Newtype;
use crate::krate::storable;

pub(super) fn expand(newtype: &Newtype<'_>) -> TokenStream {
    let (ident, core, field, ty) = (newtype.ident, newtype.krate.core(), &newtype.field, newtype.ty);
    let (impl_generics, ty_generics, _) = newtype.generics.split_for_impl();
    let where_clause = storable(newtype.generics, [ty], &core);
    let inner = quote_spanned!(ty.span()=> <#ty as #core::types::Type>);
    let message = format!(
        "`{ident}` would hold NULL by itself: make its field no Option, and use `Option<{ident}>` in the entity"
    );
    // Evaluated with the constant, since a generic field is known only there.
    let kind = quote_spanned! {ty.span()=> {
        ::core::assert!(!#inner::NULLABLE, #message);
        #inner::KIND
    }};
    quote! {
        #[automatically_derived]
        impl #impl_generics #core::types::Type for #ident #ty_generics #where_clause {
            const KIND: #core::value::Kind = #kind;
            type Nullable = ::core::option::Option<Self>;
            type Base = Self;
            type With<U: #core::types::Type> = U;

            fn decode(
                cell: #core::value::Cell<'_>,
            ) -> ::core::result::Result<Self, #core::types::Mismatch> {
                #inner::decode(cell).map(|value| #ident { #field: value })
            }

            fn take(row: &mut dyn #core::driver::Row, index: usize) -> ::core::option::Option<Self> {
                #inner::take(row, index).map(|value| #ident { #field: value })
            }

            fn to_value(&self) -> #core::value::Value {
                #inner::to_value(&self.#field)
            }

            fn into_value(self) -> #core::value::Value {
                #inner::into_value(self.#field)
            }
        }
    }
}
