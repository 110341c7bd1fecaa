//! Enums as words, and structs of one field.

#![deny(warnings)]
#![allow(unreachable_pub)]

use relata::{
    prelude::*,
    value::{Cell, Kind, Value},
};

#[derive(Enum, Debug, Clone, Copy, PartialEq)]
enum Mood {
    VeryHappy,
    #[enumeration(rename = "meh")]
    Indifferent,
}

#[derive(Enum, Debug, Clone, Copy, PartialEq)]
#[enumeration(name = "http method", native, rename_all = "SCREAMING_SNAKE_CASE")]
enum Method {
    Get,
    PutAll,
}

#[derive(Type, Debug, Clone, PartialEq, Eq, Hash)]
struct Email(String);

#[derive(Type, Debug, Clone, PartialEq, Eq, Hash)]
struct Id<T> {
    number: T,
}

#[derive(Entity, Debug)]
struct Person {
    #[column(primary_key)]
    id: Email,
    mood: Option<Mood>,
    method: Method,
}

fn words(kind: Kind) -> (&'static str, &'static [&'static str], bool) {
    match kind {
        Kind::Enum(ty) => (ty.name, ty.variants, ty.native),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn main() {
    assert_eq!(words(Mood::KIND), ("mood", &["very_happy", "meh"][..], false));
    assert_eq!(words(Method::KIND), ("http method", &["GET", "PUT_ALL"][..], true));
    assert_eq!(Mood::decode(Cell::Text("meh")), Ok(Mood::Indifferent));
    assert_eq!(
        Mood::decode(Cell::Text("sad")).unwrap_err().to_string(),
        r#"a word that is not one of "very_happy", "meh""#
    );
    assert_eq!(
        Mood::decode(Cell::I64(1)).unwrap_err().to_string(),
        r#"expected one of "very_happy", "meh", found an integer"#
    );
    assert!(matches!(Method::PutAll.to_value(), Value::Enum(ty, "PUT_ALL") if ty.native));
    assert_eq!(Mood::KIND.array(), Some(Kind::Array(&Mood::KIND)));
    assert!(format!("{:?}", Mood::VeryHappy.to_value()).contains("very_happy"));

    assert_eq!(Email::KIND, Kind::Text);
    assert_eq!(Email::decode(Cell::Text("a@b")), Ok(Email("a@b".into())));
    assert_eq!(Email("a@b".into()).into_value(), Value::Text("a@b".into()));
    assert!(<Option<Email>>::NULLABLE && !Email::NULLABLE);

    let new = NewPerson { id: Email("a@b".into()), mood: None, method: Method::Get };
    let _ = insert(new);
    let _ =
        Person::select().filter(Person::id.eq(Email("a@b".into()))).filter(Person::mood.eq(Mood::VeryHappy));
    let person = Person { id: Email("c".into()), mood: Some(Mood::Indifferent), method: Method::PutAll };
    assert_eq!(person.key(), Email("c".into()));
    let _ = Id { number: 1 };
}
