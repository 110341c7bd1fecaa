//! Each type by the paths that are neither a plain INSERT nor a plain SELECT: through expressions, subqueries, set operations,
//! upserts and sessions, and as a key that rows refer to.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{fmt::Debug, str::FromStr};

use jiff::civil;
use relata::{
    expr::{lag, lead},
    prelude::*,
};
use relata_tests::{Server, on_every_database};
use rust_decimal::Decimal;
use serde_json::json;
use uuid::Uuid;

#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[enumeration(name = "native mood", native)]
pub enum Mood {
    VeryHappy,
    #[enumeration(rename = "it's \"so-so\", \\ or so")]
    SoSo,
    #[enumeration(rename = "грустный")]
    Sad,
}

#[derive(Type, Debug, Clone, PartialEq, Eq, Hash)]
pub struct Token(Uuid);

fn parse<T: FromStr<Err: Debug>>(texts: &[&str]) -> Vec<T> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn texts(longest: usize) -> Vec<String> {
    let texts =
        ["", " ", "A", "a", "a ", "it's \\ \"so\" ?", "e\u{301}", "é", "ß", "ss", "{a,NULL}", "\u{10ffff}"];
    texts.iter().map(|text| (*text).to_owned()).chain(["🦀".repeat(longest)]).collect()
}

/// An entity that holds values of a type, and what becomes of each by every path. No two of the values are equal.
macro_rules! held {
    ($($name:ident: $ty:ty $(, $ordered:ident)?;)*) => {$(
        mod $name {
            use super::*;

            #[derive(Entity, Debug, Clone, PartialEq)]
            #[entity(table = "held")]
            pub struct Held {
                #[column(primary_key)]
                id: i64,
                value: $ty,
                maybe: Option<$ty>,
            }

            pub async fn goes_by_every_path(db: &Engine, values: Vec<$ty>) {
                Schema::new().with::<Held>().create(db).await.unwrap();
                let new = |value: &$ty, maybe: Option<&$ty>| NewHeld { value: value.clone(), maybe: maybe.cloned() };
                insert_many(values.iter().map(|value| new(value, None))).execute(db).await.unwrap();
                for (at, value) in values.iter().enumerate() {
                    let (id, next) = (at as i64 + 1, &values[(at + 1) % values.len()]);
                    let (v, w) = (|| value.clone(), || next.clone());
                    let is = || Held::id.eq(id);

                    let computed = select((
                        coalesce(Held::maybe, v()),
                        coalesce(val(None::<$ty>), v()),
                        case().when(is(), v()).otherwise(w()),
                        case().when(is(), Held::value).otherwise(w()),
                        case().when(is(), v()).end(),
                        cast::<$ty, _>(val(v())),
                        scalar(select(val(v()))),
                        raw::<$ty>("coalesce(?, ?)").arg(Held::maybe).arg(v()),
                    ));
                    let expected = (v(), v(), v(), v(), Some(v()), v(), Some(v()), v());
                    assert_eq!(computed.filter(is()).one(db).await.unwrap(), expected);
                    let compared = select((
                        nullif(Held::value, v()),
                        nullif(val(v()), w()),
                        val(v()).eq(v()).and(val(v()).ne(w())),
                        coalesce(Held::maybe, Held::value).eq(v()),
                        coalesce(Held::maybe, v()).is_distinct_from(w()),
                        Held::maybe.eq(v()),
                        val(v()).in_select(select(val(w())).union(select(Held::value).filter(is()))),
                        Held::value.in_list(vec![v(); 1_001]).and(Held::value.not_in_list(vec![w(); 1_001])),
                    ));
                    let expected = (None, Some(v()), true, true, true, None, true, true);
                    assert_eq!(compared.filter(is()).one(db).await.unwrap(), expected);

                    let both = || select((val(v()), val(None::<$ty>)));
                    let (part, named) = (both().subquery("part"), both().cte("named"));
                    let ((a, none), (b, no_b)) = (part.columns(), named.columns());
                    let rows = select((Held::id, a.clone(), coalesce(none, v()), coalesce(no_b, b.clone())))
                        .from(Held::entity()).join_on(part, a.eq(Held::value)).join_on(named, b.eq(Held::value));
                    assert_eq!(rows.all(db).await.unwrap(), [(id, v(), v(), v())]);
                    let first = select((val(1_i64).label("step"), val(v()).label("value")));
                    let steps = recursive("steps", first, |steps| {
                        let (step, value) = steps.columns();
                        select((step.clone() + 1_i64, value)).from(steps).filter(step.lt(3))
                    });
                    let (_, carried) = steps.columns();
                    assert_eq!(select(carried).from(steps).all(db).await.unwrap(), [v(), v(), v()]);

                    let (bound, stored) = (|| select(val(v())), || select(Held::value).filter(is()));
                    assert_eq!(bound().union(stored()).all(db).await.unwrap(), [v()]);
                    assert_eq!(stored().union_all(bound()).all(db).await.unwrap(), [v(), v()]);
                    assert_eq!(bound().intersect(stored()).all(db).await.unwrap(), [v()]);
                    assert_eq!(stored().except(bound()).count(db).await.unwrap(), 0);
                    let filled = || coalesce(Held::maybe, v());
                    let groups = select((filled(), count_all())).group_by(filled()).all(db).await.unwrap();
                    assert_eq!(groups, [(v(), values.len() as i64)]);
                    let by_hand = sql("SELECT id, maybe, value FROM held WHERE value = ?").bind(v()).entities::<Held>();
                    assert_eq!(by_hand.one(db).await.unwrap(), Held { id, value: v(), maybe: None });

                    // What is set is computed, or what could not be inserted.
                    let upsert = insert(new(value, None).with_key(id)).on_conflict(Held::id);
                    let upsert = upsert.do_update(|row| row.take(Held::value).set(Held::maybe, excluded(Held::value)));
                    let row = upsert.returning((Held::value, Held::maybe)).one(db).await.unwrap();
                    assert_eq!(row, (v(), Some(v())));
                    let all = (update::<Held>().set(Held::maybe, None::<$ty>), update::<Held>().set(Held::maybe, coalesce(Held::maybe, v())));
                    for update in [all.0, all.1] {
                        update.filter(is()).execute(db).await.unwrap();
                    }
                    let copied = insert_select((Held::value, Held::maybe), select((val(v()), Held::maybe)).filter(is()));
                    assert_eq!(copied.execute(db).await.unwrap(), 1);
                    let copies = Held::id.gt(values.len() as i64);
                    assert_eq!(select((Held::value, Held::maybe)).filter(copies.clone()).one(db).await.unwrap(), (v(), Some(v())));
                    delete::<Held>().filter(copies).execute(db).await.unwrap();

                    // An edit to what it is writes nothing, and one to another value writes that.
                    let mut session = db.session();
                    let held = session.get::<Held>(id).await.unwrap().unwrap();
                    let recorder = db.record();
                    session[held] = Held { id, value: v(), maybe: Some(v()) };
                    session.flush().await.unwrap();
                    assert_eq!(recorder.sql(), Vec::<String>::new());
                    session[held].maybe = Some(w());
                    session.flush().await.unwrap();
                    assert_eq!(select((Held::value, Held::maybe)).filter(is()).one(&mut session).await.unwrap(), (v(), Some(w())));
                    session.rollback().await.unwrap();
                    drop(session);
                    update::<Held>().set(Held::maybe, None::<$ty>).filter(is()).execute(db).await.unwrap();
                }
                let at = |at: usize| values.get(at).cloned();
                let around = |value| over(value, window().order_by(Held::id));
                let rows = select((around(lag(Held::value)), around(lead(Held::value)))).order_by(Held::id).all(db).await.unwrap();
                let expected: Vec<_> = (0..values.len()).map(|place| (place.checked_sub(1).and_then(at), at(place + 1))).collect();
                assert_eq!(rows, expected);
                assert_eq!(select(count_distinct(coalesce(Held::maybe, Held::value))).one(db).await.unwrap(), values.len() as i64);
                assert_eq!(select(Held::value).distinct().all(db).await.unwrap().len(), values.len());
            }

            $(/// They are given in their order.
            pub async fn $ordered(db: &Engine, values: Vec<$ty>) {
                let filled = || coalesce(Held::maybe, Held::value);
                assert_eq!(select(filled()).order_by(filled()).all(db).await.unwrap(), values);
                let binds = values.iter().rev().map(|value| select(val(value.clone())));
                let binds = binds.reduce(|all, one| all.union_all(one)).unwrap().subquery("binds");
                let value = binds.columns();
                let (least, greatest) = (values.first().cloned(), values.last().cloned());
                let ends = select((min(value.clone()), max(value.clone()))).from(&binds);
                assert_eq!(ends.one(db).await.unwrap(), (least, greatest));
                assert_eq!(select(value.clone()).from(&binds).order_by(value).all(db).await.unwrap(), values);
            })?
        }
    )*};
}

held! {
    bools: bool, are_in_order;
    i64s: i64, are_in_order;
    u8s: u8, are_in_order;
    u64s: u64, are_in_order;
    f32s: f32, are_in_order;
    f64s: f64, are_in_order;
    strings: String;
    blobs: Vec<u8>, are_in_order;
    decimals: Decimal, are_in_order;
    uuids: Uuid, are_in_order;
    dates: civil::Date, are_in_order;
    times: civil::Time, are_in_order;
    moments: civil::DateTime, are_in_order;
    instants: jiff::Timestamp, are_in_order;
    documents: serde_json::Value;
    moods: Mood;
    tokens: Token, are_in_order;
}

/// An entity whose key is a value of a type, and those that refer to it.
macro_rules! keyed {
    ($($name:ident: $ty:ty $(, #[$attribute:meta])?;)*) => {$(
        mod $name {
            use super::*;

            #[derive(Entity, Debug, Clone, PartialEq)]
            #[entity(table = "parents", has_many(children: Child), many_to_many(tags: Tag, through = Link))]
            pub struct Parent {
                #[column(primary_key, generated = false)]
                $(#[$attribute])?
                key: $ty,
                note: i64,
            }

            #[derive(Entity, Debug, Clone, PartialEq)]
            #[entity(table = "children", belongs_to(parent: Parent, key = parent_key))]
            pub struct Child {
                #[column(primary_key)]
                id: i64,
                #[column(references = Parent::key, on_update = "cascade", on_delete = "cascade")]
                $(#[$attribute])?
                parent_key: $ty,
            }

            #[derive(Entity, Debug, Clone, PartialEq)]
            #[entity(table = "tags")]
            pub struct Tag {
                #[column(primary_key, generated = false)]
                id: i64,
            }

            #[derive(Entity, Debug, Clone, PartialEq)]
            #[entity(table = "links")]
            pub struct Link {
                #[column(primary_key, references = Parent::key, on_update = "cascade", on_delete = "cascade")]
                $(#[$attribute])?
                parent_key: $ty,
                #[column(primary_key, references = Tag::id)]
                tag_id: i64,
            }

            pub async fn is_a_key(db: &Engine, values: Vec<$ty>) {
                Schema::new().with::<Parent>().with::<Child>().with::<Tag>().with::<Link>().create_if_not_exists(db).await.unwrap();
                let new = |(note, key): (usize, &$ty)| NewParent { key: key.clone(), note: note as i64 };
                let rows = || insert_many(values.iter().enumerate().map(new));
                let keys = rows().returning(Parent::key).all(db).await.unwrap();
                assert_eq!(keys, values);
                assert_eq!(rows().on_conflict(Parent::key).do_nothing().execute(db).await.unwrap(), 0);
                insert(NewTag { id: 1 }).execute(db).await.unwrap();
                let twice = || values.iter().chain(&values);
                insert_many(twice().map(|key| NewChild { parent_key: key.clone().into() })).execute(db).await.unwrap();
                insert_many(values.iter().map(|key| NewLink { parent_key: key.clone().into(), tag_id: 1.into() })).execute(db).await.unwrap();

                let graph = Parent::select().order_by(Parent::note).with(Parent::children.with(Child::parent)).with(Parent::tags);
                let graph = graph.all(db).await.unwrap();
                for (key, (parent, children, tags)) in values.iter().zip(&graph) {
                    assert_eq!((&parent.key, children.len(), tags.len()), (key, 2, 1));
                    assert!(children.iter().all(|(child, up)| child.parent_key == *key && up == parent));
                }

                let mut session = db.session();
                for (at, key) in values.iter().enumerate() {
                    assert_eq!(Parent::find(key).one(&mut session).await.unwrap().note, at as i64);
                    let parent = session.get::<Parent>(key.clone()).await.unwrap().unwrap();
                    let again = Parent::select().filter(Parent::key.in_list([key.clone()])).with(Parent::children);
                    let (found, children) = session.one(again).await.unwrap();
                    assert_eq!(found, parent);
                    session[parent].note += 100;
                    session.set(children[0], Child::parent, parent);
                    session.flush().await.unwrap();
                    // It goes, and comes again.
                    session.delete(parent);
                    session.add(NewParent { key: key.clone(), note: at as i64 });
                    session.flush().await.unwrap();
                    assert!(session.try_get(children[0]).is_err());
                    assert_eq!(Child::select().filter(Child::parent_key.eq(key.clone())).count(&mut session).await.unwrap(), 0);
                }
                session.rollback().await.unwrap();
                // A key that is free is taken by another row, and those that refer to it follow.
                let (first, last) = (values[0].clone(), values[values.len() - 1].clone());
                delete::<Parent>().filter(Parent::key.eq(last.clone())).execute(&mut session).await.unwrap();
                let (parent, children) = session.one(Parent::select().filter(Parent::key.eq(first.clone())).with(Parent::children)).await.unwrap();
                session[parent].key = last.clone();
                session.commit().await.unwrap();
                assert_eq!(session[children[1]].parent_key, last);
                assert_eq!(session.get::<Parent>(last.clone()).await.unwrap(), Some(parent));
                assert_eq!(session.get::<Parent>(first).await.unwrap(), None);
                assert_eq!(Link::select().filter(Link::parent_key.eq(last)).count(&mut session).await.unwrap(), 1);
            }
        }
    )*};
}

keyed! {
    u64_keys: u64;
    string_keys: String, #[column(length = 200)];
    blob_keys: Vec<u8>;
    decimal_keys: Decimal;
    date_keys: civil::Date;
    instant_keys: jiff::Timestamp;
    mood_keys: Mood;
    token_keys: Token;
}

/// All paths for values that the databases order alike, and are given in that order.
macro_rules! paths {
    ($($name:ident: $held:ident $(and $keyed:ident)? $(, $ordered:ident)? = $values:expr;)*) => {
        on_every_database! {$(
            async fn $name(db: Database) {
                $held::goes_by_every_path(&db, $values).await;
                $($held::$ordered(&db, $values).await;)?
                $($keyed::is_a_key(&db, $values).await;)?
            }
        )*}
    };
}

paths! {
    truth: bools, are_in_order = vec![false, true];
    whole_numbers: i64s, are_in_order = vec![i64::MIN, -1, 0, (1 << 53) + 1, i64::MAX];
    small_numbers: u8s, are_in_order = vec![0, 9, 128, 255];
    unsigned_numbers: u64s and u64_keys, are_in_order = vec![0, 9, 3_000_000_000, (1 << 53) + 1, i64::MAX as u64];
    single_floats: f32s, are_in_order = vec![f32::MIN, -0.5, 0.0, 1e-45, 0.1, 16_777_217.0, 1.234_567_8e20, f32::MAX];
    floats: f64s, are_in_order = vec![f64::MIN, -0.5, 0.0, 5e-324, 0.1, 0.1 + 0.2, 1e15 + 0.3, f64::MAX];
    text: strings and string_keys = texts(200);
    bytes: blobs and blob_keys, are_in_order = vec![vec![], vec![0], vec![0, 0], b"'\\".to_vec(), b"A".to_vec(), b"a".to_vec(), b"a ".to_vec(), vec![0xff, 0xfe]];
    numbers: decimals and decimal_keys, are_in_order = parse(&[
        "-79228162514264337593543950335", "-12.5", "0", "0.0000000000000000000000000001", "9", "10", "1234567890123456789.123456789",
    ]);
    ids: uuids, are_in_order = vec![Uuid::nil(), Uuid::from_u128(0x2720_5c00), Uuid::max()];
    newtypes: tokens and token_keys, are_in_order = vec![Token(Uuid::nil()), Token(Uuid::max())];
    days: dates and date_keys, are_in_order = parse(&["0001-01-01", "1582-10-10", "1970-01-01", "9999-12-31"]);
    times_of_day: times, are_in_order = parse(&["00:00:00", "00:00:00.000001", "23:59:59.999999"]);
    moments_: moments, are_in_order = parse(&["0001-01-01T00:00:00", "1969-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999"]);
    instants_: instants and instant_keys, are_in_order = parse(&["0001-01-01T00:00:00Z", "2024-03-31T02:30:00.25Z", "9999-12-30T21:59:59.999999Z"]);
    json_: documents = vec![json!(null), json!(true), json!(-1.5), json!("'\"\\/ \u{1} 🦀"), json!([]), json!({"": [1, {"a": null}]})];
    native_enums: moods and mood_keys = vec![Mood::VeryHappy, Mood::SoSo, Mood::Sad];
}

on_every_database! {
    async fn what_only_some_databases_hold(db: Database) {
        let infinite = || vec![f64::NEG_INFINITY, -1.5, f64::INFINITY];
        match db.server() {
            Server::Sqlite => {
                f64s::goes_by_every_path(&db, infinite()).await;
                f64s::are_in_order(&db, infinite()).await;
            }
            Server::Postgres => {
                f64s::goes_by_every_path(&db, infinite()).await;
                f64s::are_in_order(&db, infinite()).await;
                let days = || vec![civil::date(-4712, 1, 1), civil::date(0, 12, 31), civil::date(1, 1, 1)];
                date_keys::is_a_key(&db, days()).await;
            }
            Server::MariaDb | Server::MySql => {
                let large = || vec![0, 1 << 63, u64::MAX - 1, u64::MAX];
                u64s::goes_by_every_path(&db, large()).await;
                u64s::are_in_order(&db, large()).await;
                u64_keys::is_a_key(&db, large()).await;
            }
        }
    }
}
