//! What links this entity to others: `references`, `foreign_key` and `belongs_to`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Path, spanned::Spanned};

use crate::{
    entity::{
        ast::Entity,
        attr::{Link, Reference, Relationship},
    },
    krate::respanned,
};

/// A link that goes out from this entity.
pub(super) struct OwnLink<'e> {
    /// The places of its columns.
    pub(super) columns: Vec<usize>,
    /// The entity it leads to.
    pub(super) target: &'e Path,
    made: Made<'e>,
}

/// What made a link.
enum Made<'e> {
    /// A foreign key: the constant with the places that it refers to.
    ByKey(Ident),
    /// A relationship, which leads to the primary key.
    ByRelationship(&'e Relationship),
}

/// The links of an entity: those of foreign keys come first.
pub(super) fn own_links<'e>(entity: &'e Entity<'_>) -> Vec<OwnLink<'e>> {
    let mut links: Vec<OwnLink<'e>> = entity
        .columns
        .iter()
        .filter_map(|column| {
            let target = &column.attributes.references.as_ref()?.entity;
            let made = Made::ByKey(references_of(column.index));
            Some(OwnLink { columns: vec![column.index], target, made })
        })
        .collect();
    for (at, key) in entity.attributes.foreign_keys.iter().enumerate() {
        let columns = entity.places(&key.fields);
        if let Some(first) = key.references.first()
            && place_of(&links, &columns).is_none()
        {
            links.push(OwnLink { columns, target: &first.entity, made: Made::ByKey(references_of_key(at)) });
        }
    }
    for relationship in &entity.attributes.relationships {
        if let Link::BelongsTo { .. } = relationship.link {
            let columns = entity.own_key(relationship);
            if !columns.is_empty() && place_of(&links, &columns).is_none() {
                let made = Made::ByRelationship(relationship);
                links.push(OwnLink { columns, target: &relationship.target, made });
            }
        }
    }
    links
}

/// The place of the link over some columns.
pub(super) fn place_of(links: &[OwnLink<'_>], columns: &[usize]) -> Option<usize> {
    links.iter().position(|link| link.columns == columns)
}

/// The constant with the places of what the column at a place refers to.
pub(super) fn references_of(column: usize) -> Ident {
    format_ident!("REFERENCES_{column}")
}

/// The constant with the places of what a foreign key of the table refers to.
pub(super) fn references_of_key(key: usize) -> Ident {
    format_ident!("REFERENCES_OF_KEY_{key}")
}

/// `LINKS`, and for each column that refers to another what it refers to: checked to be of the same type, once.
pub(super) fn expand(entity: &Entity<'_>) -> TokenStream {
    let (ident, core) = (entity.ident, entity.krate.core());
    let references = entity.columns.iter().filter_map(|column| {
        let to = &column.attributes.references.as_ref()?.column;
        let (field, name) = (column.ident, references_of(column.index));
        // Where a relationship uses the key, the column is one of its target.
        let target = match entity.belongs_to_over(column) {
            Some(relationship) => {
                let target = &relationship.target;
                quote!(#target)
            }
            None => quote!(_),
        };
        let (span, core) = (to.span(), entity.krate.core_at(to.span()));
        let own = respanned(ident, field.span());
        let refers =
            quote_spanned!(span=> #core::relationship::refers::<_, _, #target, _>(#own::#field, #to));
        Some(quote!(const #name: &[usize] = &[#refers];))
    });
    let of_keys = entity.attributes.foreign_keys.iter().enumerate().map(|(at, key)| {
        let name = references_of_key(at);
        // All of them are columns of the first one's entity.
        let target = key.references.first().map(|first| &first.entity);
        // A field that is not there is a mistake, said elsewhere.
        let pairs =
            key.fields.iter().zip(&key.references).filter(|(field, _)| entity.column(field).is_some());
        let refers = pairs.map(|(field, Reference { column, .. })| {
            let (span, core) = (column.span(), entity.krate.core_at(column.span()));
            let own = respanned(ident, field.span());
            quote_spanned!(span=> #core::relationship::refers::<_, _, #target, _>(#own::#field, #column))
        });
        quote!(const #name: &[usize] = &[#(#refers),*];)
    });
    let links = own_links(entity);
    let links = links.iter().map(|link| {
        let (columns, target) = (&link.columns, link.target);
        let references = match &link.made {
            Made::ByKey(name) => quote!(#name),
            Made::ByRelationship(by) => {
                let span = by.name.span();
                let core = entity.krate.core_at(span);
                let bases = columns.iter().filter_map(|column| entity.columns.get(*column)).map(|column| {
                    let ty = column.ty;
                    quote_spanned!(span=> <#ty as #core::types::Type>::Base)
                });
                let key = match columns.len() {
                    1 => quote!(#(#bases)*),
                    _ => quote_spanned!(span=> (#(#bases),*)),
                };
                quote_spanned!(span=> #core::relationship::refers_to_key::<#key, #target>())
            }
        };
        quote! {
            #core::relationship::Link {
                columns: &[#(#columns),*],
                target: <#target as #core::entity::Entity>::TABLE,
                references: #references,
            }
        }
    });
    quote! {
        #(#references)*
        #(#of_keys)*
        const LINKS: &[#core::relationship::Link] = &[#(#links),*];
    }
}
