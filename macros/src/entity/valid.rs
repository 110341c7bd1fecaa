//! What cannot be right, whatever the types are.

use std::collections::HashMap;

use syn::{Ident, ext::IdentExt};

use super::{
    ast::{Column, Entity},
    attr::{ForeignKey, Link},
    prop::{hides_function, is_one_of, last_name},
};
use crate::{context::Context, suggest};

/// Finds the mistakes.
pub(super) fn check(entity: &Entity<'_>, context: &Context) {
    check_key(entity, context);
    check_names(entity, context);
    for column in &entity.columns {
        check_column(entity, column, context);
    }
    check_only_one(entity, context);
    let attributes = &entity.attributes;
    for columns in attributes.uniques.iter().chain(&attributes.indexes).chain(&attributes.unique_indexes) {
        check_fields(entity, &columns.fields, context);
    }
    for key in &attributes.foreign_keys {
        check_foreign_key(entity, key, context);
    }
    for relationship in &attributes.relationships {
        if let Link::BelongsTo { key, .. } = &relationship.link {
            match key {
                Some(key) => check_fields(entity, key, context),
                None if entity.own_key(relationship).is_empty() => context.error(
                    &relationship.name,
                    format!(
                        "say which field holds the key of `{}`: `key = {}`",
                        relationship.target_name(),
                        relationship.usual_key()
                    ),
                ),
                None => {}
            }
        }
    }
}

fn check_key(entity: &Entity<'_>, context: &Context) {
    if entity.key().is_empty() {
        context.error(
            entity.ident,
            "an entity needs a primary key: put `#[column(primary_key)]` on the field, or on each field of it",
        );
    }
}

/// Constants have names of their own, which hide no function, and columns have, too.
fn check_names(entity: &Entity<'_>, context: &Context) {
    let mut columns: HashMap<String, &Ident> = HashMap::new();
    for column in &entity.columns {
        if let Some(other) = columns.insert(column.name(), column.ident) {
            let message = format!("column `{}` is the field `{other}` already", column.name());
            match &column.attributes.name {
                Some(name) => context.error(name, message),
                None => context.error(column.ident, message),
            }
        }
        if hides_function(column.ident) {
            let what = format!("`{}::{}()` is a function already", entity.ident, column.ident.unraw());
            let name = column.name();
            context.error(
                column.ident,
                format!("{what}: give the field another name, and `#[column(name = \"{name}\")]`"),
            );
        }
    }
    let mut constants: HashMap<String, &str> =
        entity.columns.iter().map(|column| (column.ident.unraw().to_string(), "field")).collect();
    for relationship in &entity.attributes.relationships {
        let name = relationship.name.unraw().to_string();
        if hides_function(&relationship.name) {
            let what = format!("`{}::{name}()` is a function already", entity.ident);
            context.error(&relationship.name, format!("{what}: give the relationship another name"));
        }
        if let Some(what) = constants.insert(name.clone(), "relationship") {
            context.error(
                &relationship.name,
                format!(
                    "there is a {what} `{name}` already: `{}::{name}` can be one thing only",
                    entity.ident
                ),
            );
        }
    }
}

fn check_column(entity: &Entity<'_>, column: &Column<'_>, context: &Context) {
    let attributes = &column.attributes;
    for (action, name) in [(&attributes.on_delete, "on_delete"), (&attributes.on_update, "on_update")] {
        if let (Some(action), None) = (action, &attributes.references) {
            context.error(&action.text, format!("`{name}` is for a foreign key: `references = User::id`"));
        }
    }
    if let (Some(sql), Some(_)) = (&attributes.default_sql, &attributes.default) {
        context.error(sql, "`default` and `default_sql` are two defaults: leave one out");
    }
    if attributes.generated == Some(true) && column.has_default() {
        context.error(column.ident, "what the database generates has no default: leave one out");
    }
    if let Some(version) = &attributes.version
        && (attributes.primary_key.is_some() || attributes.generated == Some(true))
    {
        context
            .error(version, "the version counts the changes of the row, so it is no key and not generated");
    }
    if let (Some(index), Some(_)) = (&attributes.index, &attributes.unique) {
        context.error(index, "`unique` makes an index already: leave `index` out");
    }
    if attributes.primary_key.is_some() && is_one_of(column.ty, &["f32", "f64"]) {
        context.error(column.ty, "a float cannot be a primary key: floats are not compared exactly");
    }
    if attributes.primary_key.is_some() && entity.key().len() == 1 {
        for said in [&attributes.unique, &attributes.index].into_iter().flatten() {
            context.error(said, "a primary key is unique and has an index already: leave this out");
        }
    }
    if attributes.length == Some(0) {
        context.error(column.ident, "`length` must be 1 at least");
    }
    if let Some((digits, scale)) = attributes.precision
        && (digits == 0 || scale > digits)
    {
        context.error(
            column.ident,
            "`precision(12, 2)` means 12 digits in all, 2 of them behind the point: it has 1 digit at least, and no more behind the point than in all",
        );
    }
}

/// One version, and one column that the database generates.
fn check_only_one(entity: &Entity<'_>, context: &Context) {
    let versions = entity.columns.iter().filter_map(|column| column.attributes.version.as_ref());
    for version in versions.skip(1) {
        context.error(version, "an entity has one version: leave one out");
    }
    for column in entity.columns.iter().filter(|column| entity.is_generated(column)).skip(1) {
        context.error(
            column.ident,
            "the database generates one column of a table only: say `generated = false` of one",
        );
    }
}

/// As many fields as columns that they refer to, all of one entity, and one key over them.
fn check_foreign_key(entity: &Entity<'_>, key: &ForeignKey, context: &Context) {
    check_fields(entity, &key.fields, context);
    let (Some(field), Some(first)) = (key.fields.first(), key.references.first()) else { return };
    let (own, others) = (key.fields.len(), key.references.len());
    if own != others {
        context.error(
            field,
            format!("fields and the columns that they refer to come in pairs: here are {own} and {others}"),
        );
    }
    for other in &key.references[1..] {
        if last_name(&other.entity) != last_name(&first.entity) {
            let (one, two) = (last_name(&first.entity), last_name(&other.entity));
            context.error(
                &other.column,
                format!("a foreign key refers to one entity, not to `{one}` and `{two}`"),
            );
        }
    }
    if let [field] = &key.fields[..]
        && entity.column(field).is_some_and(|column| column.attributes.references.is_some())
    {
        context.error(field, format!("`{field}` has a foreign key already: leave its `references` out"));
    }
}

/// Each is a field, and none comes twice.
fn check_fields(entity: &Entity<'_>, fields: &[Ident], context: &Context) {
    for (at, field) in fields.iter().enumerate() {
        if entity.column(field).is_none() {
            let known: Vec<String> =
                entity.columns.iter().map(|column| column.ident.unraw().to_string()).collect();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let what = format!("`{}` has no field", entity.ident);
            context.error(field, suggest::unknown(&what, &field.unraw().to_string(), &known));
        } else if fields[..at].contains(field) {
            context.error(field, format!("`{field}` is named twice"));
        }
    }
}
