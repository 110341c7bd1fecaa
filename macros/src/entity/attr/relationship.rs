//! `belongs_to(author: User, key = author_id)` and its kin.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Ident, Path, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
};

use super::named;
use crate::{
    attr::{self, Item, Keys, Value, once},
    context::Context,
};

/// A relationship.
pub(crate) struct Relationship {
    /// The name of its constant.
    pub(crate) name: Ident,
    /// The entity it leads to.
    pub(crate) target: Path,
    /// How it leads there.
    pub(crate) link: Link,
}

/// How a relationship leads to its target.
pub(crate) enum Link {
    /// By a key in this entity.
    BelongsTo {
        /// The fields of the key.
        key: Option<Vec<Ident>>,
        /// Whether what it leads to may be missing though the key is there.
        optional: bool,
    },
    /// By a key in the other entity.
    HasMany {
        /// The other's fields, where there are several keys.
        key: Option<Vec<Ident>>,
    },
    /// By a key in the other entity, of which there is one at most.
    HasOne {
        /// The other's fields, where there are several keys.
        key: Option<Vec<Ident>>,
    },
    /// By keys in an association.
    ManyToMany {
        /// The association.
        through: Path,
        /// The association's fields that lead here, where there are several keys.
        key: Option<Vec<Ident>>,
        /// The association's fields that lead to the target, where there are several keys.
        target_key: Option<Vec<Ident>>,
    },
}

/// `author: User, …`
struct Head {
    name: Ident,
    target: Path,
    rest: TokenStream,
}

impl Parse for Head {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = input.call(Ident::parse_any)?;
        input.parse::<Token![:]>()?;
        let target = input.call(Path::parse_mod_style)?;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        Ok(Head { name, target, rest: input.parse()? })
    }
}

impl Relationship {
    pub(super) fn read(item: &Item, entity: &Ident, context: &Context) -> Option<Self> {
        let example = match item.key.to_string().as_str() {
            "belongs_to" => "(author: User, key = author_id)",
            "has_many" => "(posts: Post)",
            "has_one" => "(profile: Profile)",
            _ => "(tags: Tag, through = PostTag)",
        };
        let Value::List(list) = &item.value else { return item.expected(example, context) };
        let Ok(head) = Head::parse.parse2(list.clone()) else { return item.expected(example, context) };
        if syn::parse2::<Ident>(head.name.to_token_stream()).is_err() {
            let name = &head.name;
            let advice = match syn::parse_str::<Ident>(&format!("r#{name}")) {
                Ok(raw) => format!("write `{raw}`, or take another name"),
                Err(_) => "take another name".to_owned(),
            };
            context.error(name, format!("`{name}` is a keyword, and no name of a constant: {advice}"));
            return None;
        }

        const KEY: (&[&str], &str) = (&["foreign_key", "fk", "from", "field"], "write `key = author_id`");
        let keys = match item.key.to_string().as_str() {
            "belongs_to" => Keys { known: &["key", "optional"], others: &[KEY] },
            "many_to_many" => Keys {
                known: &["through", "key", "target_key"],
                others: &[KEY, (&["via", "join_table"], "write `through = PostTag`")],
            },
            _ => Keys { known: &["key"], others: &[KEY] },
        };
        let (mut key, mut target_key, mut through, mut optional) = (None, None, None, None);
        for part in attr::items(head.rest, &format!("`{}{example}`", item.key), context) {
            match part.key.to_string().as_str() {
                name if !keys.known.contains(&name) => {
                    keys.unknown(&format!("`{}`", item.key), &part.key, context);
                }
                "key" => once(&mut key, &part, part.fields(context), context),
                "target_key" => once(&mut target_key, &part, part.fields(context), context),
                "through" => once(&mut through, &part, part.path("PostTag", context), context),
                _ => once(&mut optional, &part, part.flag(context), context),
            }
        }

        let link = match item.key.to_string().as_str() {
            "belongs_to" => Link::BelongsTo { key, optional: optional.is_some() },
            "has_many" => Link::HasMany { key },
            "has_one" => Link::HasOne { key },
            _ => match through {
                Some(through) => Link::ManyToMany { through: named(through, entity), key, target_key },
                None => {
                    context.error(
                        &head.name,
                        "say which entity has the keys of both sides: `through = PostTag`",
                    );
                    return None;
                }
            },
        };
        Some(Relationship { name: head.name, target: named(head.target, entity), link })
    }
}
