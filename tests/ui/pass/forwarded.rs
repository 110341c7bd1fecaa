//! Derives in a `macro_rules`, whose parts are of every kind that types, names and texts can be passed on as.

#![deny(warnings)]
#![allow(dead_code)]

use relata::prelude::*;

macro_rules! by_ident {
    ($name:ident, $row:ident, $new:ident, $part:ident, $field:ident, $ty:ident, $text:ident) => {
        #[derive(Entity, Debug, PartialEq)]
        struct $name {
            #[column(primary_key)]
            id: $ty,
            $field: $text,
            #[column(default = 1)]
            count: $ty,
        }

        #[derive(Row)]
        struct $row {
            id: $ty,
            $field: $text,
        }

        #[derive(Type)]
        struct $new($ty);

        #[derive(Shape)]
        #[shape(of = $name)]
        struct $part {
            $field: $text,
        }
    };
}
by_ident!(ByIdent, ByIdentRow, ByIdentType, ByIdentShape, text, i64, String);

macro_rules! by_tokens {
    ($name:ident { $($field:tt)* }) => {
        #[derive(Entity, Debug, PartialEq)]
        #[entity(belongs_to(up: $name, key = up_id))]
        struct $name { $($field)* }
    };
}
by_tokens!(ByTokens {
    #[column(primary_key)]
    id: i64,
    #[column(references = ByTokens::id)]
    up_id: Option<i64>,
    text: String,
});

macro_rules! by_type {
    ($name:ident, $row:ident, $new:ident, $table:literal, $id:ty, $up:ty, $text:ty, $count:literal) => {
        #[derive(Entity, Debug, PartialEq)]
        #[entity(table = $table, belongs_to(up: $name, key = up_id))]
        struct $name {
            #[column(primary_key)]
            id: $id,
            #[column(references = $name::id)]
            up_id: $up,
            other_id: Option<$id>,
            text: $text,
            #[column(default = $count)]
            count: $id,
            #[column(default = -$count)]
            minus: $id,
        }

        #[derive(Row)]
        struct $row {
            id: $id,
            text: $text,
        }

        #[derive(Type)]
        struct $new($id);
    };
}
by_type!(ByType, ByTypeRow, ByTypeType, "by_type", i64, Option<i64>, String, 7);

macro_rules! from_elsewhere {
    ($name:ident, $ty:tt, $of:path) => {
        #[derive(Shape)]
        #[shape(of = $of)]
        struct $name {
            text: $ty,
        }
    };
}
from_elsewhere!(FromElsewhere, String, self::ByType);

pub(crate) fn main() {
    // The key is seen to be generated, and the option to be one, as if they were written by hand.
    let _ = NewByIdent { text: "a".into(), count: None };
    let _ = NewByTokens { up_id: None, text: "a".into() };
    let new = NewByType { up_id: None, other_id: None, text: "a".into(), count: None, minus: Some(1) };
    let _ = (new.up_id.is_none(), ByType::up, ByTokens::up);
    assert_eq!(ByType::TABLE.generated(), Some(0));
    assert!(ByType::up_id.def().nullable);

    let row = ByIdent { id: 1, text: "a".into(), count: 2 };
    assert_eq!((row.key(), row.value(1)), (1, relata::value::Value::Text("a".into())));
}
