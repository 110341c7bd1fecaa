//! The description of the table, as a static.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, LitStr, ext::IdentExt, spanned::Spanned};

use super::links::{references_of, references_of_key};
use crate::entity::{
    ast::{Column, Entity},
    attr::{Action, Columns, DefaultAttribute},
};

pub(super) fn expand(entity: &Entity<'_>) -> TokenStream {
    let core = entity.krate.core();
    let schema = quote!(#core::schema);
    let name = entity.table_name();
    let ident = entity.ident.unraw().to_string();
    let columns = entity.columns.iter().map(|column| column_def(entity, column, &core));
    let key = entity.key().iter().map(|column| column.index).collect::<Vec<_>>();
    let attributes = &entity.attributes;

    let in_schema = attributes.schema.as_ref().map(|name| quote!(.in_schema(#name)));
    let uniques = uniques(entity, &schema);
    let indexes = indexes(entity, &schema);
    let foreign_keys = foreign_keys(entity, &core);
    let checks = list(
        "checks",
        attributes.checks.iter().map(|check| {
            let (name, condition) = (option(&check.name), &check.condition);
            quote!(#schema::Check { name: #name, condition: #condition })
        }),
    );
    quote! {
        static TABLE: #schema::Table = #schema::Table::new(#ident, #name, &[#(#columns),*], &[#(#key),*])
            #in_schema #uniques #foreign_keys #checks #indexes;
    }
}

fn column_def(entity: &Entity<'_>, column: &Column<'_>, core: &TokenStream) -> TokenStream {
    let (field, name, ty) = (column.ident.unraw().to_string(), column.name(), column.ty);
    let attributes = &column.attributes;
    let length = attributes.length.map(|length| quote!(.length(#length)));
    let precision = attributes.precision.map(|(digits, scale)| quote!(.precision(#digits, #scale)));
    let keyed = entity.is_keyed(column).then(|| quote!(.keyed()));
    let generated = entity.is_generated(column).then(|| quote!(.generated()));
    let version = attributes.version.as_ref().map(|_| quote!(.version()));
    let default = match (&attributes.default, &attributes.default_sql) {
        (Some(DefaultAttribute::Literal(_, literal)), _) => Some(quote!(#literal)),
        (Some(DefaultAttribute::Now(_)), _) => Some(quote!(Now)),
        (None, Some(sql)) => Some(quote!(Sql(#sql))),
        (None, None) => None,
    };
    let default = default.map(|value| quote!(.default_value(#core::schema::DefaultValue::#value)));
    let (kind, nullable) = (
        quote_spanned!(ty.span()=> <#ty as #core::types::Type>::KIND),
        quote_spanned!(ty.span()=> <#ty as #core::types::Type>::NULLABLE),
    );
    quote! {
        #core::schema::ColumnDef::new(#field, #name, #core::schema::ColumnType::new(#kind), #nullable)
            #length #precision #keyed #generated #version #default
    }
}

fn uniques(entity: &Entity<'_>, schema: &TokenStream) -> TokenStream {
    let single = entity
        .columns
        .iter()
        .filter(|column| column.attributes.unique.is_some())
        .map(|column| (None, vec![column.index]));
    let several = entity.attributes.uniques.iter().map(|columns| named_places(entity, columns));
    list(
        "uniques",
        single.chain(several).map(|(name, places)| {
            let name = option(&name);
            quote!(#schema::Unique { name: #name, columns: &[#(#places),*] })
        }),
    )
}

fn indexes(entity: &Entity<'_>, schema: &TokenStream) -> TokenStream {
    let single = entity
        .columns
        .iter()
        .filter(|column| column.attributes.index.is_some())
        .map(|column| ((None, vec![column.index]), false));
    let attributes = &entity.attributes;
    let plain = attributes.indexes.iter().map(|columns| (named_places(entity, columns), false));
    let unique = attributes.unique_indexes.iter().map(|columns| (named_places(entity, columns), true));
    list(
        "indexes",
        single.chain(plain).chain(unique).map(|((name, places), unique)| {
            let name = option(&name);
            quote!(#schema::Index { name: #name, columns: &[#(#places),*], unique: #unique })
        }),
    )
}

fn foreign_keys(entity: &Entity<'_>, core: &TokenStream) -> TokenStream {
    let schema = quote!(#core::schema);
    let key = |name, columns: &[usize], target, references, on_delete, on_update| {
        let (name, on_delete, on_update) =
            (option(name), action(on_delete, &schema), action(on_update, &schema));
        quote! {
            #schema::ForeignKey {
                name: #name,
                columns: &[#(#columns),*],
                table: || <#target as #core::entity::Entity>::TABLE,
                references: #references,
                on_delete: #on_delete,
                on_update: #on_update,
            }
        }
    };
    let single = entity.columns.iter().filter_map(|column| {
        let (at, attributes) = (column.index, &column.attributes);
        let target = &attributes.references.as_ref()?.entity;
        Some(key(&None, &[at], target, references_of(at), &attributes.on_delete, &attributes.on_update))
    });
    let several = entity.attributes.foreign_keys.iter().enumerate().filter_map(|(at, said)| {
        let (places, target) = (entity.places(&said.fields), &said.references.first()?.entity);
        let references = references_of_key(at);
        Some(key(&said.name, &places, target, references, &said.on_delete, &said.on_update))
    });
    list("foreign_keys", single.chain(several))
}

fn named_places(entity: &Entity<'_>, columns: &Columns) -> (Option<LitStr>, Vec<usize>) {
    (columns.name.clone(), entity.places(&columns.fields))
}

fn action(action: &Option<Action>, schema: &TokenStream) -> TokenStream {
    let variant = Ident::new(
        action.as_ref().map_or("NoAction", |action| action.variant),
        proc_macro2::Span::call_site(),
    );
    quote!(#schema::ReferentialAction::#variant)
}

fn option(name: &Option<LitStr>) -> TokenStream {
    match name {
        Some(name) => quote!(::core::option::Option::Some(#name)),
        None => quote!(::core::option::Option::None),
    }
}

/// `.method(&[…])`, if there is anything in the list.
fn list(method: &str, items: impl Iterator<Item = TokenStream>) -> TokenStream {
    let items: Vec<TokenStream> = items.collect();
    if items.is_empty() {
        return TokenStream::new();
    }
    let method = format_ident!("{method}");
    quote!(.#method(&[#(#items),*]))
}
