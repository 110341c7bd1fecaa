//! Writes `impl NamedRow`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::ast::Row;
use crate::krate::storable;

pub(super) fn expand(row: &Row<'_>) -> TokenStream {
    let (ident, core) = (row.ident, row.krate.core());
    let (impl_generics, ty_generics, _) = row.generics.split_for_impl();
    let where_clause = storable(row.generics, row.fields.iter().map(|field| field.ty), &core);
    let described = row.fields.iter().map(|field| {
        let (name, ty) = (&field.name, field.ty);
        let nullable = quote_spanned!(ty.span()=> <#ty as #core::types::Type>::NULLABLE);
        quote!((#name, #nullable))
    });
    // With the place of a type comes the hygiene of what wrote it, which may be a `macro_rules`. Locals stay those of the derive.
    let reader = quote!(&mut *row);
    let reads = row.fields.iter().map(|field| {
        let (name, ty) = (field.ident, field.ty);
        let column = quote_spanned!(ty.span()=> <#ty as #core::types::Type>);
        let read =
            quote_spanned!(ty.span()=> { let row = #reader; row.read_with(#column::take, #column::decode)? });
        quote!(#name: #read)
    });
    quote! {
        #[automatically_derived]
        impl #impl_generics #core::projection::NamedRow for #ident #ty_generics #where_clause {
            const FIELDS: &'static [(&'static str, bool)] = &[#(#described),*];

            fn read(row: &mut #core::projection::RowReader<'_>) -> #core::Result<Self> {
                ::core::result::Result::Ok(#ident { #(#reads),* })
            }
        }
    }
}
