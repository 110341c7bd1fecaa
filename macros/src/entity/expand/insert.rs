//! What an INSERT takes: `NewUser`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, ext::IdentExt, spanned::Spanned};

use crate::entity::ast::{Column, Entity};

/// `NewUser`
pub(super) fn new_name(entity: &Entity<'_>) -> Ident {
    format_ident!("New{}", entity.ident.unraw(), span = entity.ident.span())
}

/// The struct, and its `impl Insertable`.
pub(super) fn expand(entity: &Entity<'_>) -> (TokenStream, TokenStream) {
    let (ident, vis, core, new) = (entity.ident, entity.vis, entity.krate.core(), new_name(entity));
    let columns: Vec<&Column<'_>> =
        entity.columns.iter().filter(|column| entity.is_inserted(column)).collect();
    let table = entity.table_name();
    let fields = columns.iter().map(|column| {
        let (name, vis, ty) = (column.ident, column.vis, field_type(entity, column));
        let doc = format!("Column `{table}.{}`.", column.name());
        quote! {
            #[doc = #doc]
            #vis #name: #ty
        }
    });
    let doc =
        format!("What an INSERT into `{table}` takes: what the database does not generate of [`{ident}`].");
    let derives = &entity.attributes.new_derives;
    let insert = quote! {
        #[doc = #doc]
        #[derive(::core::fmt::Debug, ::core::clone::Clone #(, #derives)*)]
        #[allow(dead_code)]
        #vis struct #new {
            #(#fields),*
        }
    };
    let moved = columns.iter().map(|column| input(entity, column, Taking::Value));
    let looked_at = columns.iter().map(|column| input(entity, column, Taking::Look));
    let insertable = quote! {
        #[automatically_derived]
        #[allow(unused_variables)]
        impl #core::entity::Insertable for #new {
            type Entity = #ident;

            fn into_inputs(self, row: &mut [#core::entity::Input]) {
                #(#moved)*
            }

            fn inputs(&self, row: &mut [#core::entity::Input]) {
                #(#looked_at)*
            }
        }
    };
    (insert, insertable)
}

/// The type of a field: a reference where the column refers to an entity, an `Option` where there is a default.
fn field_type(entity: &Entity<'_>, column: &Column<'_>) -> TokenStream {
    let (private, ty) = (entity.krate.private(), column.ty);
    let ty = match (entity.refers_to(column), column.option()) {
        (Some(target), Some(ty)) => quote!(::core::option::Option<#private::Ref<#target, #ty>>),
        (Some(target), None) => quote!(#private::Ref<#target, #ty>),
        (None, _) => quote!(#ty),
    };
    if column.has_default() { quote!(::core::option::Option<#ty>) } else { ty }
}

#[derive(Clone, Copy, PartialEq)]
enum Taking {
    Value,
    Look,
}

/// Puts a field into its place of the row; what is left to its default is left out.
fn input(entity: &Entity<'_>, column: &Column<'_>, taking: Taking) -> TokenStream {
    let (core, private) = (entity.krate.core(), entity.krate.private());
    let (index, field) = (column.index, column.ident);
    let look = taking == Taking::Look;
    let place = match (column.has_default(), look) {
        (true, _) => quote!(value),
        (false, true) => quote!(&self.#field),
        (false, false) => quote!(self.#field),
    };
    let (ty, span) = (column.ty, column.ty.span());
    let value = match (entity.refers_to(column).is_some(), look) {
        (true, true) => quote_spanned!(span=> #private::RefInput::to_input(#place)),
        (true, false) => quote_spanned!(span=> #private::RefInput::into_input(#place)),
        (false, true) => {
            quote_spanned!(span=> #core::entity::Input::Value(<#ty as #core::types::Type>::to_value(#place)))
        }
        (false, false) => {
            quote_spanned!(span=> #core::entity::Input::Value(<#ty as #core::types::Type>::into_value(#place)))
        }
    };
    if column.has_default() {
        let from = if look { quote!(&self.#field) } else { quote!(self.#field) };
        quote! {
            if let ::core::option::Option::Some(value) = #from {
                row[#index] = #value;
            }
        }
    } else {
        quote!(row[#index] = #value;)
    }
}
