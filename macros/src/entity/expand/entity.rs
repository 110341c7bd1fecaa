//! `impl Entity`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Type, ext::IdentExt, spanned::Spanned};

use super::insert::new_name;
use crate::entity::ast::Entity;

pub(super) fn expand(entity: &Entity<'_>) -> TokenStream {
    let (ident, core, new) = (entity.ident, entity.krate.core(), new_name(entity));
    let key = entity.key();
    let types: Vec<_> = key.iter().map(|column| column.ty).collect();
    let fields: Vec<_> = key.iter().map(|column| column.ident).collect();
    let (key_type, key_value) = match key.len() {
        1 => (quote!(#(#types)*), quote!(#(::core::clone::Clone::clone(&self.#fields))*)),
        _ => (quote!((#(#types,)*)), quote!((#(::core::clone::Clone::clone(&self.#fields),)*))),
    };
    let to_value =
        |ty: &Type, key: Ident| quote_spanned!(ty.span()=> <#ty as #core::types::Type>::to_value(#key));
    let key_values = match &types[..] {
        [ty] => {
            let value = to_value(ty, format_ident!("key"));
            quote!(::std::vec![#value])
        }
        types => {
            let names: Vec<_> = (0..types.len()).map(|at| format_ident!("key_{at}")).collect();
            let values = types.iter().zip(&names).map(|(ty, name)| to_value(ty, name.clone()));
            quote! {
                let (#(#names,)*) = key;
                ::std::vec![#(#values),*]
            }
        }
    };
    // With the place of a type comes the hygiene of what wrote it, which may be a `macro_rules`. Locals stay those of the derive.
    let (row, cell) = (quote!(&mut *row), quote!(cell));
    let reads = entity.columns.iter().map(|column| {
        let (field, ty) = (column.ident, column.ty);
        let column = quote_spanned!(ty.span()=> <#ty as #core::types::Type>);
        let read =
            quote_spanned!(ty.span()=> { let row = #row; row.read_with(#column::take, #column::decode)? });
        quote!(#field: #read)
    });
    let values = entity.columns.iter().map(|column| {
        let (index, field, ty) = (column.index, column.ident, column.ty);
        let own = quote!(&self.#field);
        let value = quote_spanned!(ty.span()=> <#ty as #core::types::Type>::to_value(#own));
        quote!(#index => #value)
    });
    let assigns = entity.columns.iter().map(|column| {
        let (index, field, ty) = (column.index, column.ident, column.ty);
        let decode = quote_spanned!(ty.span()=> <#ty as #core::types::Type>::decode(#cell)?);
        quote!(#index => self.#field = #decode)
    });
    let name = ident.unraw().to_string();
    quote! {
        #[automatically_derived]
        impl #core::entity::Entity for #ident {
            const TABLE: &'static #core::schema::Table = &TABLE;
            const LINKS: &'static [#core::relationship::Link] = LINKS;
            type Key = #key_type;
            type New = #new;

            fn read(row: &mut #core::projection::RowReader<'_>) -> #core::Result<Self> {
                ::core::result::Result::Ok(#ident { #(#reads),* })
            }

            fn key(&self) -> Self::Key {
                #key_value
            }

            fn key_values(key: &Self::Key) -> ::std::vec::Vec<#core::value::Value> {
                #key_values
            }

            fn value(&self, column: usize) -> #core::value::Value {
                match column {
                    #(#values,)*
                    _ => #core::entity::no_such_column(#name, column),
                }
            }

            fn assign(
                &mut self,
                column: usize,
                cell: #core::value::Cell<'_>,
            ) -> ::core::result::Result<(), #core::types::Mismatch> {
                match column {
                    #(#assigns,)*
                    _ => #core::entity::no_such_column(#name, column),
                }
                ::core::result::Result::Ok(())
            }
        }
    }
}
