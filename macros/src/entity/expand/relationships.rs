//! The constants of relationships: `User::posts`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Path, ext::IdentExt};

use super::links::{own_links, place_of};
use crate::entity::{
    ast::Entity,
    attr::{Link, Relationship},
    prop::last_name,
};

/// What relationships need.
pub(super) struct Relationships {
    /// The links along which they lead, found in the other entities. Free constants, which the compiler evaluates
    /// even if nobody uses them.
    pub(super) keys: TokenStream,
    /// The constants themselves.
    pub(super) constants: TokenStream,
}

pub(super) fn expand(entity: &Entity<'_>) -> Relationships {
    let mut all = Relationships { keys: TokenStream::new(), constants: TokenStream::new() };
    for (at, relationship) in entity.attributes.relationships.iter().enumerate() {
        // What has the name of another constant is a mistake, said elsewhere.
        if entity.is_free(at) {
            one(entity, at, relationship, &mut all);
        }
    }
    all
}

fn one(entity: &Entity<'_>, at: usize, relationship: &Relationship, all: &mut Relationships) {
    let (ident, vis, core) = (entity.ident, entity.vis, entity.krate.core());
    let (name, target) = (&relationship.name, &relationship.target);
    let text = name.unraw().to_string();
    let (ty, value) = match &relationship.link {
        Link::BelongsTo { optional, .. } => {
            let columns = entity.own_key(relationship);
            let links = own_links(entity);
            let Some(place) = place_of(&links, &columns) else { return };
            let presence = if *optional {
                quote!(#core::relationship::Optional)
            } else {
                let nullness = columns.iter().filter_map(|column| entity.columns.get(*column)).rfold(
                    quote!(bool),
                    |inner, column| {
                        let ty = column.ty;
                        quote!(<#ty as #core::types::Type>::With<#inner>)
                    },
                );
                quote!(#core::relationship::Presence<#nullness>)
            };
            (
                quote!(#core::relationship::BelongsTo<#ident, #target, #presence>),
                quote!(#core::relationship::BelongsTo::new(#text, &LINKS[#place])),
            )
        }
        Link::HasMany { key } => {
            let link = format_ident!("LINK_{at}");
            all.keys.extend(found(entity, &link, relationship, target, key, ident));
            (
                quote!(#core::relationship::HasMany<#ident, #target>),
                quote!(#core::relationship::HasMany::new(#text, #link)),
            )
        }
        Link::HasOne { key } => {
            let link = format_ident!("LINK_{at}");
            all.keys.extend(found(entity, &link, relationship, target, key, ident));
            (
                quote!(#core::relationship::HasOne<#ident, #target>),
                quote!(#core::relationship::HasOne::new(#text, #link)),
            )
        }
        Link::ManyToMany { through, key, target_key } => {
            let (near, far) = (format_ident!("LINK_{at}"), format_ident!("LINK_{at}_TARGET"));
            let own: Path = ident.clone().into();
            all.keys.extend(found(entity, &near, relationship, through, key, &own));
            all.keys.extend(found(entity, &far, relationship, through, target_key, target));
            (
                quote!(#core::relationship::ManyToMany<#ident, #target>),
                quote!(#core::relationship::ManyToMany::new(
                    #text,
                    <#through as #core::entity::Entity>::TABLE,
                    #near,
                    #far
                )),
            )
        }
    };
    let doc = format!("Relationship from `{ident}` to `{}`.", relationship.target_name());
    all.constants.extend(quote! {
        #[doc = #doc]
        #vis const #name: #ty = #value;
    });
}

/// The link from an entity to another, found when the program is compiled.
fn found(
    entity: &Entity<'_>,
    name: &Ident,
    relationship: &Relationship,
    from: &Path,
    key: &Option<Vec<Ident>>,
    to: impl quote::ToTokens,
) -> TokenStream {
    let core = entity.krate.core_at(relationship.name.span());
    let (owner, other) = (last_name(from), last_name(&syn::parse_quote!(#to)));
    let span = relationship.name.span();
    let links = quote!(<#from as #core::entity::Entity>::LINKS, <#to as #core::entity::Entity>::TABLE);
    let value = match key {
        Some(key) => {
            let columns = key.iter().map(|field| quote!(#from::#field.index()));
            let fields = key.iter().map(Ident::to_string).collect::<Vec<_>>().join(", ");
            let none = format!(
                "`{fields}` of `{owner}` holds no key of `{other}`: give it `references = {other}::…`, or `{owner}` a `belongs_to`"
            );
            quote_spanned!(span=> #core::relationship::Link::over(#links, &[#(#columns),*], #none))
        }
        None => {
            let none = format!(
                "`{owner}` has no key of `{other}`: give a field of it `#[column(references = {other}::…)]`, or `{owner}` a `belongs_to`"
            );
            let option = match &relationship.link {
                Link::ManyToMany { .. } if name.to_string().ends_with("TARGET") => "target_key",
                _ => "key",
            };
            let several = format!("`{owner}` has several keys of `{other}`: say which, `{option} = …`");
            quote_spanned!(span=> #core::relationship::Link::only(#links, #none, #several))
        }
    };
    quote_spanned!(span=> const #name: &#core::relationship::Link = #value;)
}
