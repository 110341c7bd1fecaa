//! `#[column(…)]`.

use std::ops::RangeInclusive;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Expr, ExprLit, ExprPath, Ident, Lit, LitBool, LitFloat, LitStr, Path, UnOp};

use super::{named, table::ENTITY_KEYS};
use crate::{
    attr::{self, Item, Keys, Value, once, ungrouped},
    context::Context,
    suggest,
};

/// The keys of a column.
pub(crate) const COLUMN_KEYS: &[&str] = &[
    "name",
    "primary_key",
    "generated",
    "unique",
    "index",
    "references",
    "on_delete",
    "on_update",
    "default",
    "default_sql",
    "length",
    "precision",
    "version",
];

const KEYS: Keys = Keys {
    known: COLUMN_KEYS,
    others: &[
        (
            &["nullable", "null", "optional", "not_null", "non_null", "required"],
            "a column may be NULL if its type is an `Option`, and only then",
        ),
        (
            &["autoincrement", "auto_increment", "auto", "identity", "serial"],
            "write `generated`; a primary key of one integer is so by itself",
        ),
        (&["pk", "id", "primary", "key"], "write `primary_key`"),
        (&["foreign_key", "fk", "foreign"], "write `references = User::id`"),
        (&["column_name", "column", "rename", "db_name"], "write `name = \"…\"`"),
        (&["size", "max_length", "len"], "write `length = 100`"),
        (&["default_value", "default_expr"], "write `default = …`, or `default_sql = \"…\"`"),
        (&["type", "column_type", "sql_type", "db_type"], "a column has the SQL type of its field"),
        (&["ignore", "skip"], "every field is a column: keep what is none in another struct"),
        (
            &["belongs_to", "has_many", "has_one", "many_to_many"],
            "a relationship belongs on the struct: `#[entity(belongs_to(author: User))]`",
        ),
        (ENTITY_KEYS, "it belongs on the struct: `#[entity(…)]`"),
    ],
};

/// What is said about a column.
#[derive(Default)]
pub(crate) struct ColumnAttributes {
    /// Its name.
    pub(crate) name: Option<LitStr>,
    /// Whether it is part of the primary key.
    pub(crate) primary_key: Option<Ident>,
    /// Whether the database generates its value, if that is said.
    pub(crate) generated: Option<bool>,
    /// Whether its values are unique.
    pub(crate) unique: Option<Ident>,
    /// Whether it has an index.
    pub(crate) index: Option<Ident>,
    /// What it refers to.
    pub(crate) references: Option<Reference>,
    /// What it does when the other row goes.
    pub(crate) on_delete: Option<Action>,
    /// What it does when the other row's key changes.
    pub(crate) on_update: Option<Action>,
    /// Its default.
    pub(crate) default: Option<DefaultAttribute>,
    /// Its default, as SQL.
    pub(crate) default_sql: Option<LitStr>,
    /// The longest value.
    pub(crate) length: Option<u32>,
    /// The digits in all and behind the point.
    pub(crate) precision: Option<(u8, u8)>,
    /// Whether it counts the changes.
    pub(crate) version: Option<Ident>,
}

/// `references = User::id`
pub(crate) struct Reference {
    /// The entity.
    pub(crate) entity: Path,
    /// The constant of the column.
    pub(crate) column: Path,
}

/// `on_delete = "cascade"`
pub(crate) struct Action {
    /// The text.
    pub(crate) text: LitStr,
    /// The variant of `ReferentialAction`.
    pub(crate) variant: &'static str,
}

/// `default = …`
pub(crate) enum DefaultAttribute {
    /// A literal.
    Literal(Box<Expr>, Literal),
    /// `now`
    Now(Path),
}

/// A literal, by the variant of `DefaultValue` that it is, with what goes into that.
pub(crate) enum Literal {
    Bool(LitBool),
    Integer(i128),
    Float { negative: bool, digits: LitFloat },
    Text(LitStr),
}

impl ColumnAttributes {
    pub(crate) fn read(attributes: &[Attribute], entity: &Ident, context: &Context) -> Self {
        let mut all = ColumnAttributes::default();
        attr::read(attributes, "column", &KEYS, context, |item| {
            match item.key.to_string().as_str() {
                "name" => once(&mut all.name, item, item.name(context), context),
                "primary_key" => once(&mut all.primary_key, item, item.flag(context), context),
                "generated" => once(&mut all.generated, item, item.switch(context), context),
                "unique" => once(&mut all.unique, item, item.flag(context), context),
                "index" => once(&mut all.index, item, item.flag(context), context),
                "references" => {
                    once(&mut all.references, item, Reference::read(item, entity, context), context);
                }
                "on_delete" => once(&mut all.on_delete, item, Action::read(item, context), context),
                "on_update" => once(&mut all.on_update, item, Action::read(item, context), context),
                "default" => once(&mut all.default, item, DefaultAttribute::read(item, context), context),
                "default_sql" => once(&mut all.default_sql, item, item.text(context), context),
                "length" => once(&mut all.length, item, item.number(context), context),
                "precision" => once(&mut all.precision, item, item.two_numbers(context), context),
                "version" => once(&mut all.version, item, item.flag(context), context),
                _ => return false,
            }
            true
        });
        all
    }
}

impl Reference {
    fn read(item: &Item, entity: &Ident, context: &Context) -> Option<Self> {
        Reference::of(item.path("User::id", context)?, entity, context)
    }

    /// What a path leads to.
    pub(super) fn of(path: Path, entity: &Ident, context: &Context) -> Option<Self> {
        let column = named(path, entity);
        let mut target = column.clone();
        target.segments.pop();
        target.segments.pop_punct();
        let last = column.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        // `blog::User` is an entity in a module; `User::ID` is a column, whatever the case of its name.
        let is_entity = |name: &str| name.starts_with(char::is_uppercase);
        let in_module = target.segments.last().is_none_or(|owner| !is_entity(&owner.ident.to_string()));
        if target.segments.is_empty() || (in_module && is_entity(&last)) {
            context.error(&column, format!("say which column it refers to: `references = {last}::id`"));
            return None;
        }
        Some(Reference { entity: target, column })
    }
}

impl Action {
    pub(super) fn read(item: &Item, context: &Context) -> Option<Self> {
        const ACTIONS: [(&str, &str); 5] = [
            ("cascade", "Cascade"),
            ("restrict", "Restrict"),
            ("set null", "SetNull"),
            ("set default", "SetDefault"),
            ("no action", "NoAction"),
        ];
        let text = item.text(context)?;
        match ACTIONS.iter().find(|(name, _)| *name == text.value()) {
            Some((_, variant)) => Some(Action { text, variant }),
            None => {
                let what = format!("`{}` has no action", item.key);
                context.error(&text, suggest::unknown(&what, &text.value(), &ACTIONS.map(|(name, _)| name)));
                None
            }
        }
    }
}

impl DefaultAttribute {
    fn read(item: &Item, context: &Context) -> Option<Self> {
        let expected = " = 0`, `= \"text\"`, `= true`, `= now`, or `default_sql = \"expression\"";
        let Value::Expr(value) = &item.value else { return item.expected(expected, context) };
        let (literal, negative) = match &**value {
            Expr::Path(ExprPath { path, .. }) if path.is_ident("now") => {
                return Some(DefaultAttribute::Now(path.clone()));
            }
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => (ungrouped(&unary.expr), true),
            value => (value, false),
        };
        let Expr::Lit(ExprLit { lit, .. }) = literal else { return item.expected(expected, context) };
        let literal = match lit {
            Lit::Int(number) => match number.base10_parse::<i128>() {
                Ok(number) => Literal::Integer(if negative { -number } else { number }),
                Err(_) => {
                    context.error(value, "no column holds an integer as large as this");
                    return None;
                }
            },
            // Without a suffix, as in `1.5f32`: the column has a type.
            Lit::Float(number) => {
                let digits = LitFloat::new(number.base10_digits(), number.span());
                Literal::Float { negative, digits }
            }
            Lit::Str(text) if !negative => Literal::Text(text.clone()),
            Lit::Bool(truth) if !negative => Literal::Bool(truth.clone()),
            _ => return item.expected(expected, context),
        };
        Some(DefaultAttribute::Literal(value.clone(), literal))
    }
}

/// The kinds of integers, and what is in their range.
const INTEGERS: [(&str, RangeInclusive<i128>); 8] = [
    ("I8", i8::MIN as i128..=i8::MAX as i128),
    ("I16", i16::MIN as i128..=i16::MAX as i128),
    ("I32", i32::MIN as i128..=i32::MAX as i128),
    ("I64", i64::MIN as i128..=i64::MAX as i128),
    ("U8", 0..=u8::MAX as i128),
    ("U16", 0..=u16::MAX as i128),
    ("U32", 0..=u32::MAX as i128),
    ("U64", 0..=u64::MAX as i128),
];

impl Literal {
    /// What is written, in words.
    pub(crate) fn words(&self) -> &'static str {
        match self {
            Literal::Bool(_) => "a boolean",
            Literal::Integer(_) => "a number",
            Literal::Float { .. } => "a number with a fraction",
            Literal::Text(_) => "text",
        }
    }

    /// The kinds of columns that hold such a literal, whatever its value.
    pub(crate) fn kinds(&self) -> &'static [&'static str] {
        match self {
            Literal::Bool(_) => &["Bool"],
            Literal::Integer(_) => {
                &["I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64", "F32", "F64", "Decimal"]
            }
            Literal::Float { .. } => &["F32", "F64", "Decimal"],
            Literal::Text(_) => {
                &["Text", "Date", "Time", "Timestamp", "TimestampTz", "Decimal", "Uuid", "Json"]
            }
        }
    }

    /// The kinds among them whose range the value is outside of.
    pub(crate) fn too_small(&self) -> Vec<&'static str> {
        let Literal::Integer(number) = self else { return Vec::new() };
        INTEGERS.iter().filter(|(_, range)| !range.contains(number)).map(|(kind, _)| *kind).collect()
    }
}

/// The variant of `DefaultValue`.
impl ToTokens for Literal {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(match self {
            Literal::Bool(truth) => quote!(Bool(#truth)),
            Literal::Integer(number) => {
                let digits = proc_macro2::Literal::u128_unsuffixed(number.unsigned_abs());
                let minus = (*number < 0).then(|| quote!(-));
                quote!(Integer(#minus #digits))
            }
            Literal::Float { negative, digits } => {
                let minus = negative.then(|| quote!(-));
                quote!(Float(#minus #digits))
            }
            Literal::Text(text) => quote!(Text(#text)),
        });
    }
}
