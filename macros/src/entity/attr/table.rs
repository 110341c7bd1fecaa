//! `#[entity(…)]`.

use syn::{Attribute, Ident, LitStr, Path, Token, ext::IdentExt, parse::Parser, punctuated::Punctuated};

use super::{COLUMN_KEYS, Check, Columns, ForeignKey, Relationship};
use crate::{
    attr::{self, Item, Keys, Value, once},
    context::Context,
    entity::prop::last_name,
    krate::Krate,
};

/// The keys of an entity.
pub(super) const ENTITY_KEYS: &[&str] = &[
    "table",
    "schema",
    "belongs_to",
    "has_many",
    "has_one",
    "many_to_many",
    "unique",
    "index",
    "unique_index",
    "foreign_key",
    "check",
    "new",
    "crate",
];

const KEYS: Keys = Keys {
    known: ENTITY_KEYS,
    others: &[
        (&["name", "table_name", "tablename", "rename"], "write `table = \"…\"`"),
        (&["schema_name"], "write `schema = \"…\"`"),
        (&["rename_all"], "a column with another name than its field is `#[column(name = \"…\")]`"),
        (&["many_to_one"], "write `belongs_to(author: User)`"),
        (&["one_to_many"], "write `has_many(posts: Post)`"),
        (&["one_to_one"], "write `has_one(profile: Profile)`, or `belongs_to(user: User)` where the key is"),
        (&["has_and_belongs_to_many"], "write `many_to_many(tags: Tag, through = PostTag)`"),
        (&["primary_key"], "it belongs on a field, or on each field of the key: `#[column(primary_key)]`"),
        (COLUMN_KEYS, "it belongs on a field: `#[column(…)]`"),
    ],
};

/// What is said about a table.
#[derive(Default)]
pub(crate) struct EntityAttributes {
    /// Its name.
    pub(crate) table: Option<LitStr>,
    /// Its schema.
    pub(crate) schema: Option<LitStr>,
    /// The relationships.
    pub(crate) relationships: Vec<Relationship>,
    /// Unique constraints.
    pub(crate) uniques: Vec<Columns>,
    /// Indexes.
    pub(crate) indexes: Vec<Columns>,
    /// Unique indexes.
    pub(crate) unique_indexes: Vec<Columns>,
    /// Foreign keys over several columns.
    pub(crate) foreign_keys: Vec<ForeignKey>,
    /// Checks.
    pub(crate) checks: Vec<Check>,
    /// What the `New…` struct derives besides `Debug` and `Clone`.
    pub(crate) new_derives: Vec<Path>,
}

impl EntityAttributes {
    pub(crate) fn read(
        attributes: &[Attribute],
        entity: &Ident,
        krate: &mut Krate,
        context: &Context,
    ) -> Self {
        let mut all = EntityAttributes::default();
        attr::read(attributes, "entity", &KEYS, context, |item| {
            match item.key.to_string().as_str() {
                "table" => once(&mut all.table, item, item.name(context), context),
                "schema" => once(&mut all.schema, item, item.name(context), context),
                "belongs_to" | "has_many" | "has_one" | "many_to_many" => {
                    all.relationships.extend(Relationship::read(item, entity, context));
                }
                "unique" => all.uniques.extend(Columns::read(item, context)),
                "index" => all.indexes.extend(Columns::read(item, context)),
                "unique_index" => all.unique_indexes.extend(Columns::read(item, context)),
                "foreign_key" => all.foreign_keys.extend(ForeignKey::read(item, entity, context)),
                "new" => all.new_derives.extend(new_derives(item, entity, context)),
                "check" => all.checks.extend(Check::read(item, context)),
                "crate" => krate.read(item, context),
                _ => return false,
            }
            true
        });
        all
    }
}

/// `new(derive(Trait, …))`
fn new_derives(item: &Item, entity: &Ident, context: &Context) -> Vec<Path> {
    let Value::List(list) = &item.value else {
        return item.expected("(derive(Trait))", context).unwrap_or_default();
    };
    let mut derives = Vec::new();
    for part in attr::items(list.clone(), "`derive(Trait)`", context) {
        match &part.value {
            Value::List(list) if part.is("derive") => {
                let paths = Punctuated::<Path, Token![,]>::parse_terminated.parse2(list.clone());
                for path in context.ok(paths).into_iter().flatten() {
                    if ["Debug", "Clone"].contains(&last_name(&path).as_str()) {
                        context.error(&path, format!("`New{}` derives it already", entity.unraw()));
                    } else {
                        derives.push(path);
                    }
                }
            }
            _ => context.error(&part, "expected `derive(Trait)`"),
        }
    }
    derives
}
