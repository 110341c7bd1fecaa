//! The constants of columns: `User::email`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::entity::{ast::Entity, prop::hides_function};

pub(super) fn expand(entity: &Entity<'_>) -> TokenStream {
    let (ident, core) = (entity.ident, entity.krate.core());
    let table = entity.table_name();
    let shown = entity.columns.iter().filter(|column| !hides_function(column.ident));
    let constants = shown.map(|column| {
        let (name, vis, ty, index) = (column.ident, column.vis, column.ty, column.index);
        let doc = format!("Column `{table}.{}`.", column.name());
        let new = quote_spanned!(ty.span()=> #core::expr::Column::new(#index));
        quote! {
            #[doc = #doc]
            #vis const #name: #core::expr::Column<#ident, #ty> = #new;
        }
    });
    quote!(#(#constants)*)
}
