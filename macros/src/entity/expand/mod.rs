//! Writes the code.

mod assertions;
mod columns;
mod entity;
mod insert;
mod links;
mod relationships;
mod table;

use proc_macro2::TokenStream;
use quote::quote;

use super::ast::Entity;

/// The code of an entity. If it is not right, what only checks the types is left out.
pub(super) fn expand(entity: &Entity<'_>, right: bool) -> TokenStream {
    let table = table::expand(entity);
    let links = links::expand(entity);
    let implementation = entity::expand(entity);
    let columns = columns::expand(entity);
    let relationships = relationships::expand(entity);
    let assertions = right.then(|| assertions::expand(entity));
    let (insert, insertable) = insert::expand(entity);
    let ident = entity.ident;
    let relationship_keys = &relationships.keys;
    let relationship_constants = &relationships.constants;
    quote! {
        #insert

        const _: () = {
            #table
            #links
            #relationship_keys
            #assertions
            #implementation
            #insertable

            #[automatically_derived]
            #[allow(non_upper_case_globals, dead_code)]
            impl #ident {
                #columns
                #relationship_constants
            }
        };
    }
}
