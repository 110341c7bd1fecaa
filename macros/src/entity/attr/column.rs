//! `#[column(…)]`.

use syn::{Attribute, Expr, ExprLit, ExprPath, Ident, Lit, LitStr, Path, UnOp};

use super::named;
use crate::{
    attr::{self, Item, Value, once},
    context::Context,
    suggest,
};

const KEYS: [&str; 13] = [
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
    /// A literal; it is of this variant of `DefaultValue`.
    Literal(Box<Expr>, &'static str),
    /// `now`
    Now(Path),
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
        if target.segments.is_empty() || last.starts_with(char::is_uppercase) {
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
        let number = match &**value {
            Expr::Path(ExprPath { path, .. }) if path.is_ident("now") => {
                return Some(DefaultAttribute::Now(path.clone()));
            }
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => &unary.expr,
            _ => value,
        };
        let negative = !std::ptr::eq(number, value);
        let variant = match &**number {
            Expr::Lit(ExprLit { lit: Lit::Int(_), .. }) => "Integer",
            Expr::Lit(ExprLit { lit: Lit::Float(_), .. }) => "Float",
            Expr::Lit(ExprLit { lit: Lit::Str(_), .. }) if !negative => "Text",
            Expr::Lit(ExprLit { lit: Lit::Bool(_), .. }) if !negative => "Bool",
            _ => return item.expected(expected, context),
        };
        Some(DefaultAttribute::Literal(value.clone(), variant))
    }
}
