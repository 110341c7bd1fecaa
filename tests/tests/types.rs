//! Every mapped type comes back as it went in, at its extremes, on every path into the database and out of it.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fmt::Debug;

use jiff::civil;
use proptest::{
    prelude::{Strategy, any},
    strategy::ValueTree,
    test_runner::{Config, RngSeed, TestRunner},
};
use relata::prelude::*;
use relata_tests::{Database, Server, on_every_database};
use rust_decimal::Decimal;
use serde_json::json;
use uuid::Uuid;

/// An entity with a value of one type, and one of it that may be missing.
trait Holder: Entity<Key = i64> + Clone + PartialEq + Debug {
    type Value: Type<With<bool> = bool> + Clone + PartialEq + Debug;
    const ID: Column<Self, i64>;
    const VALUE: Column<Self, Self::Value>;
    const MAYBE: Column<Self, Option<Self::Value>>;

    fn new(value: Self::Value, maybe: Option<Self::Value>) -> Self::New;
    fn held(&self) -> &Self::Value;
    fn maybe(&self) -> &Option<Self::Value>;
    fn set(&mut self, value: Self::Value, maybe: Option<Self::Value>);
}

macro_rules! holders {
    ($($name:ident $new:ident $table:literal: $ty:ty $(, #[$attribute:meta])?;)*) => {$(
        #[derive(Entity, Debug, Clone, PartialEq)]
        #[entity(table = $table)]
        struct $name {
            #[column(primary_key)]
            id: i64,
            $(#[$attribute])?
            value: $ty,
            $(#[$attribute])?
            maybe: Option<$ty>,
        }

        impl Holder for $name {
            type Value = $ty;
            const ID: Column<Self, i64> = $name::id;
            const VALUE: Column<Self, $ty> = $name::value;
            const MAYBE: Column<Self, Option<$ty>> = $name::maybe;

            fn new(value: $ty, maybe: Option<$ty>) -> $new {
                $new { value, maybe }
            }

            fn held(&self) -> &$ty {
                &self.value
            }

            fn maybe(&self) -> &Option<$ty> {
                &self.maybe
            }

            fn set(&mut self, value: $ty, maybe: Option<$ty>) {
                self.value = value;
                self.maybe = maybe;
            }
        }
    )*};
}

holders! {
    Bools NewBools "bools": bool;
    I8s NewI8s "i8s": i8;
    I16s NewI16s "i16s": i16;
    I32s NewI32s "i32s": i32;
    I64s NewI64s "i64s": i64;
    U8s NewU8s "u8s": u8;
    U16s NewU16s "u16s": u16;
    U32s NewU32s "u32s": u32;
    U64s NewU64s "u64s": u64;
    F32s NewF32s "f32s": f32;
    F64s NewF64s "f64s": f64;
    Texts NewTexts "texts": String;
    ShortTexts NewShortTexts "short_texts": String, #[column(length = 20)];
    Blobs NewBlobs "blobs": Vec<u8>;
    Decimals NewDecimals "decimals": Decimal;
    Prices NewPrices "prices": Decimal, #[column(precision(28, 4))];
    WidePrices NewWidePrices "wide_prices": Decimal, #[column(precision(38, 10))];
    Uuids NewUuids "uuids": Uuid;
    Dates NewDates "dates": civil::Date;
    Times NewTimes "times": civil::Time;
    DateTimes NewDateTimes "date_times": civil::DateTime;
    Instants NewInstants "instants": jiff::Timestamp;
    ChronoDates NewChronoDates "chrono_dates": chrono::NaiveDate;
    ChronoTimes NewChronoTimes "chrono_times": chrono::NaiveTime;
    ChronoDateTimes NewChronoDateTimes "chrono_date_times": chrono::NaiveDateTime;
    ChronoInstants NewChronoInstants "chrono_instants": chrono::DateTime<chrono::Utc>;
    Documents NewDocuments "documents": serde_json::Value;
    Settings NewSettings "settings": Json<Setting>;
    Moods NewMoods "moods": Mood;
    NativeMoods NewNativeMoods "native_moods": NativeMood;
    Paddeds NewPaddeds "paddeds": Padded;
    Emails NewEmails "emails": Email;
    Amounts NewAmounts "amounts": Amount;
}

fn refused_as_data(error: Error) {
    assert_eq!(error.class(), ErrorClass::Data, "{error}");
    assert!(error.to_string().contains("JSON cannot hold"), "{error}");
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct Setting {
    name: String,
    sizes: Vec<i64>,
    nested: Option<Box<Setting>>,
}

#[derive(Enum, Debug, Clone, Copy, PartialEq)]
#[enumeration(rename_all = "kebab-case")]
enum Mood {
    VeryHappy,
    #[enumeration(rename = "it's \"so-so\", \\ or so")]
    SoSo,
    #[enumeration(rename = "грустный")]
    Sad,
}

#[derive(Enum, Debug, Clone, Copy, PartialEq)]
#[enumeration(name = "native mood", native)]
enum NativeMood {
    VeryHappy,
    #[enumeration(rename = "it's \"so-so\", \\ or so")]
    SoSo,
    #[enumeration(rename = "грустный")]
    Sad,
}

#[derive(Enum, Debug, Clone, Copy, PartialEq)]
#[enumeration(native)]
enum Padded {
    #[enumeration(rename = "a")]
    None,
    #[enumeration(rename = "a ")]
    One,
}

#[derive(Type, Debug, Clone, PartialEq)]
struct Email(String);

#[derive(Type, Debug, Clone, PartialEq)]
struct Amount(Decimal);

/// Each value is what a text in the mapping says.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "defaulted")]
struct Defaulted {
    #[column(primary_key)]
    id: i64,
    #[column(default = "it's \\x00", length = 20)]
    text: String,
    #[column(default = "-12.50", precision(10, 2))]
    price: Decimal,
    #[column(default = "6BA7B810-9dad-11d1-80b4-00c04fd430c8")]
    uuid: Uuid,
    #[column(default = "2026-01-02")]
    day: civil::Date,
    #[column(default = "10:00")]
    time: civil::Time,
    #[column(default = "2026-01-02T03:04:05")]
    moment: civil::DateTime,
    #[column(default = "2026-01-02 03:04:05.5")]
    instant: jiff::Timestamp,
    #[column(default = r#"{ "a": 1, "it's \\ \" ": [ true, null ] }"#)]
    document: serde_json::Value,
    #[column(default = "it's \"so-so\", \\ or so")]
    mood: Mood,
    #[column(default = "it's \"so-so\", \\ or so")]
    native_mood: NativeMood,
}

/// The clock in columns of each kind.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "clocks")]
struct Clock {
    #[column(primary_key)]
    id: i64,
    #[column(default = now)]
    day: civil::Date,
    #[column(default = now)]
    time: civil::Time,
    #[column(default = now)]
    moment: civil::DateTime,
    #[column(default = now)]
    instant: jiff::Timestamp,
}

macro_rules! bad_defaults {
    ($($name:ident $text:literal: $ty:ty;)*) => {
        mod bad_defaults {
            use super::*;

            $(
                #[derive(Entity, Debug)]
                #[entity(table = "bad_defaults")]
                pub(super) struct $name {
                    #[column(primary_key)]
                    id: i64,
                    #[column(default = $text)]
                    value: $ty,
                }
            )*

            pub(super) fn all() -> Vec<Schema> {
                vec![$(Schema::new().with::<$name>()),*]
            }
        }
    };
}

bad_defaults! {
    OfDecimal "1,5": Decimal;
    OfUuid "6ba7b810": Uuid;
    OfDate "2026-02-29": civil::Date;
    OfTime "24:00": civil::Time;
    OfDateTime "2026-01-01": civil::DateTime;
    OfInstant "2026-01-01 00:00:00+09:00": jiff::Timestamp;
    OfDocument "{a: 1}": serde_json::Value;
    OfMood "VeryHappy": Mood;
}

/// A value in a message.
fn short(value: &impl Debug) -> String {
    format!("{value:?}").chars().take(200).collect()
}

async fn create<H: Holder>(db: &Database) {
    Schema::new().with::<H>().create(&**db).await.unwrap();
}

/// How many rows have this value, by each way to ask.
async fn found<H: Holder>(db: &Database, value: &H::Value) -> [i64; 3] {
    let all = H::select();
    [
        all.clone().filter(H::VALUE.eq(value.clone())).count(&**db).await.unwrap(),
        all.clone().filter(H::VALUE.in_list([value.clone()])).count(&**db).await.unwrap(),
        all.filter(H::VALUE.is_not_distinct_from(value.clone())).count(&**db).await.unwrap(),
    ]
}

/// Each value goes in and comes out by every path, with and without NULL beside it.
async fn round_trip<H: Holder>(db: &Database, values: &[H::Value]) {
    create::<H>(db).await;
    let mut keys = Vec::new();
    for value in values {
        let row = insert(H::new(value.clone(), None)).returning(H::entity()).one(&**db).await.unwrap();
        assert_eq!((row.held(), row.maybe()), (value, &None), "by RETURNING");
        let read = H::find(&row.key()).one(&**db).await.unwrap();
        assert_eq!(read, row, "by key");
        let bound =
            select((val(value.clone()), H::VALUE)).filter(H::VALUE.eq(value.clone())).first(&**db).await;
        assert_eq!(bound.unwrap(), Some((value.clone(), value.clone())), "as a bind");
        assert_eq!(found::<H>(db, value).await, [1, 1, 1], "{value:?}");
        keys.push(row.key());
    }

    // Lists, short and long, also where they hold each value several times.
    let list = || values.iter().cloned();
    let count = values.len() as i64;
    let long = || list().cycle().take(values.len() * 20);
    for (condition, expected) in [
        (H::VALUE.in_list(list()), count),
        (H::VALUE.in_list(long()), count),
        (H::VALUE.not_in_list(list()), 0),
        (H::VALUE.not_in_list(long()), 0),
    ] {
        assert_eq!(H::select().filter(condition).count(&**db).await.unwrap(), expected);
    }

    // Values change in a session: each row takes the next one's value.
    let mut session = db.session();
    for (at, key) in keys.iter().enumerate() {
        let handle = session.get::<H>(*key).await.unwrap().unwrap();
        let next = values[(at + 1) % values.len()].clone();
        session[handle].set(next.clone(), Some(next));
    }
    session.commit().await.unwrap();
    for (at, key) in keys.iter().enumerate() {
        let row = H::find(key).one(&**db).await.unwrap();
        let next = &values[(at + 1) % values.len()];
        assert_eq!((row.held(), row.maybe().as_ref()), (next, Some(next)), "by a session");
    }
    let cleared = update::<H>().set(H::MAYBE, None::<H::Value>).execute(&**db).await.unwrap();
    assert_eq!(cleared, values.len() as u64);
    assert_eq!(H::select().filter(H::MAYBE.is_null()).count(&**db).await.unwrap(), count);

    // Many rows at once: few, and so many that a database may take another way.
    delete::<H>().execute(&**db).await.unwrap();
    for size in [2, 150] {
        let rows: Vec<_> = (0..size)
            .map(|at| {
                (values[at % values.len()].clone(), (at % 3 > 0).then(|| values[at % values.len()].clone()))
            })
            .collect();
        let new = rows.iter().cloned().map(|(value, maybe)| H::new(value, maybe));
        let written = insert_many(new).returning((H::VALUE, H::MAYBE)).all(&**db).await.unwrap();
        assert_eq!(written, rows, "{size} rows by RETURNING");
        let both = || select((H::VALUE, H::MAYBE)).order_by(H::ID);
        let read = both().all(&**db).await.unwrap();
        assert_eq!(read, rows, "{size} rows");
        // Those of a select: of the table itself, and of binds.
        let copied = insert_select((H::VALUE, H::MAYBE), both()).execute(&**db).await.unwrap();
        assert_eq!(copied, rows.len() as u64);
        let read = both().offset(copied).all(&**db).await.unwrap();
        assert_eq!(read, rows, "{size} rows of a select");
        let (value, maybe) = &rows[rows.len() - 1];
        let bound = select((val(value.clone()), val(maybe.clone())));
        assert_eq!(insert_select((H::VALUE, H::MAYBE), bound).execute(&**db).await.unwrap(), 1);
        let last = select((H::VALUE, H::MAYBE)).order_by(H::ID.desc()).first(&**db).await.unwrap();
        assert_eq!(last.as_ref(), rows.last());
        delete::<H>().execute(&**db).await.unwrap();
    }
    // So many that nobody wants them back.
    let small: Vec<_> = values.iter().filter(|value| format!("{value:?}").len() < 10_000).collect();
    let rows: Vec<_> = (0..2_500)
        .map(|at| {
            (small[at % small.len()].clone(), (at % 3 > 0).then(|| small[at / 2 % small.len()].clone()))
        })
        .collect();
    let new = rows.iter().cloned().map(|(value, maybe)| H::new(value, maybe));
    assert_eq!(insert_many(new).execute(&**db).await.unwrap(), 2_500);
    let read = select((H::VALUE, H::MAYBE)).order_by(H::ID).all(&**db).await.unwrap();
    assert!(read == rows, "2,500 rows");
    delete::<H>().execute(&**db).await.unwrap();
}

/// What becomes of a value that not every database can hold: it is kept exactly, or refused as unfit, and nothing is stored.
/// Says which.
async fn kept<H: Holder>(db: &Database, value: H::Value) -> bool {
    kept_as::<H>(db, value.clone(), |read| *read == value).await
}

async fn kept_as<H: Holder>(db: &Database, value: H::Value, same: impl Fn(&H::Value) -> bool) -> bool {
    Schema::new().with::<H>().create_if_not_exists(&**db).await.unwrap();
    let before = H::select().count(&**db).await.unwrap();
    match insert(H::new(value.clone(), Some(value.clone()))).returning(H::entity()).one(&**db).await {
        Ok(row) => {
            assert!(
                same(row.held()) && same(row.maybe().as_ref().unwrap()),
                "{} came back as {}",
                short(&value),
                short(&row)
            );
            let read = H::find(&row.key()).one(&**db).await.unwrap();
            assert!(same(read.held()), "{} came back as {}", short(&value), short(&read));
            true
        }
        Err(error) => {
            assert_eq!(error.class(), ErrorClass::Data, "{}: {error:?}", short(&value));
            let message = error.to_string();
            assert!(message.len() > 20, "{message}");
            assert_eq!(H::select().count(&**db).await.unwrap(), before);
            // Asking for it is as impossible as storing it, or finds nothing; and it does not hurt the connection.
            match H::select().filter(H::VALUE.eq(value)).count(&**db).await {
                Ok(rows) => assert_eq!(rows, 0),
                Err(error) => assert_eq!(error.class(), ErrorClass::Data, "{error:?}"),
            }
            false
        }
    }
}

/// Values by chance, the same in each run.
fn samples<S: Strategy>(strategy: S, count: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(7), ..Config::default() });
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// The same without values that are there already.
fn distinct<T: PartialEq>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = Vec::new();
    for value in values {
        if !all.contains(&value) {
            all.push(value);
        }
    }
    all
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn parse<T: std::str::FromStr<Err: Debug>>(texts: &[&str]) -> Vec<T> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

const HOSTILE: &[&str] = &[
    "",
    " ",
    "trailing ",
    "trailing",
    " leading",
    "Case",
    "case",
    "line\nfeed\r\n\ttab",
    "'",
    "''",
    "\"",
    "`",
    "\\",
    "\\'",
    "\\0",
    "%",
    "_",
    "!",
    "?",
    "??",
    "$1",
    ":name",
    "@variable",
    "'; DROP TABLE texts; --",
    "{\"json\": [1]}",
    "NULL",
    "null",
    "1",
    "1.0",
    "0x41",
    "é",
    "e\u{301}",
    "ß",
    "ss",
    "ключ",
    "日本語",
    "עברית",
    "👩‍👩‍👧‍👦🏳️‍🌈",
    "\u{feff}bom",
    "\u{200b}",
    "\u{1}\u{7f}\u{80}\u{9f}",
    "\u{ffff}",
    "\u{10ffff}",
];

on_every_database! {
    async fn bool_(db: Database) {
        round_trip::<Bools>(&db, &[true, false]).await;
        let (all, none): (bool, bool) = select((all_of([val(true); 0]), any_of([val(true); 0]))).one(&*db).await.unwrap();
        assert_eq!((all, none), (true, false));
    }

    async fn signed_integers(db: Database) {
        round_trip::<I8s>(&db, &[i8::MIN, -1, 0, 1, i8::MAX]).await;
        round_trip::<I16s>(&db, &[i16::MIN, -1, 0, 1, i16::MAX]).await;
        round_trip::<I32s>(&db, &[i32::MIN, -1, 0, 1, i32::MAX]).await;
        round_trip::<I64s>(&db, &[i64::MIN, i64::MIN + 1, -1, 0, 1, (1 << 53) + 1, i64::MAX]).await;
    }

    async fn unsigned_integers(db: Database) {
        round_trip::<U8s>(&db, &[0, 1, 127, 128, u8::MAX]).await;
        round_trip::<U16s>(&db, &[0, 1, 32_767, 32_768, u16::MAX]).await;
        round_trip::<U32s>(&db, &[0, 1, 1 << 31, u32::MAX]).await;
        round_trip::<U64s>(&db, &[0, 1, 1 << 53, i64::MAX as u64]).await;
        let whole = matches!(db.server(), Server::MySql | Server::MariaDb);
        assert_eq!(kept::<U64s>(&db, u64::MAX).await, whole);
        assert_eq!(kept::<U64s>(&db, i64::MAX as u64 + 1).await, whole);
    }

    async fn floats(db: Database) {
        round_trip::<F32s>(&db, &[0.0, 1.1, -0.5, f32::MIN, f32::MAX, f32::MIN_POSITIVE, 16_777_217.0, 1e-45]).await;
        round_trip::<F64s>(&db, &[0.0, 0.1, 1.0, -2.5, 1e15 + 0.3, f64::MIN, f64::MAX, f64::MIN_POSITIVE, 5e-324]).await;
        for number in samples(proptest::num::f64::NORMAL, 20) {
            assert!(kept::<F64s>(&db, number).await);
        }
        let (nan, infinite) = match db.server() {
            Server::Postgres => (true, true),
            Server::Sqlite => (false, true),
            Server::MariaDb | Server::MySql => (false, false),
        };
        assert_eq!(kept_as::<F64s>(&db, f64::NAN, |read| read.is_nan()).await, nan);
        assert_eq!(kept_as::<F32s>(&db, f32::NAN, |read| read.is_nan()).await, nan);
        for number in [f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(kept::<F64s>(&db, number).await, infinite);
            assert_eq!(kept::<F32s>(&db, number as f32).await, infinite);
        }
    }

    async fn text(db: Database) {
        let planes = (0..17_u32).map(|plane| format!("plane {plane}: {}", char::from_u32(plane * 0x1_0000 + 0x1234).unwrap()));
        let values: Vec<String> = texts(HOSTILE).into_iter().chain(planes).collect();
        round_trip::<Texts>(&db, &values).await;
        for text in samples(proptest::string::string_regex("[^\0]{0,40}").unwrap(), 20) {
            assert!(kept::<Texts>(&db, text).await);
        }
        assert_eq!(kept::<Texts>(&db, "a\0b".into()).await, db.server() != Server::Postgres);
        assert_eq!(kept::<Texts>(&db, "\0".into()).await, db.server() != Server::Postgres);
    }

    async fn large_text_and_bytes(db: Database) {
        let text: String = "a'🦀\\".chars().cycle().take(1 << 20).collect();
        assert!(kept::<Texts>(&db, text.clone()).await);
        assert_eq!(found::<Texts>(&db, &text).await, [1, 1, 1]);
        let bytes: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
        assert!(kept::<Blobs>(&db, bytes.clone()).await);
        assert_eq!(found::<Blobs>(&db, &bytes).await, [1, 1, 1]);
    }

    async fn short_text(db: Database) {
        round_trip::<ShortTexts>(&db, &texts(&["", "x", "twenty characters ok", "двадцать букв, ровно", "🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀"])).await;
        // SQLite's lengths are for the reader.
        assert_eq!(kept::<ShortTexts>(&db, "twenty-one characters".into()).await, db.server() == Server::Sqlite);
    }

    async fn bytes(db: Database) {
        round_trip::<Blobs>(&db, &[
            vec![],
            vec![0],
            vec![0, 0],
            b"text".to_vec(),
            b"'; DROP TABLE blobs; --".to_vec(),
            vec![0xff, 0xfe, 0xc0, 0x80],
            vec![b'a', 0, b'b'],
            (0..=255).collect(),
        ]).await;
    }

    async fn decimals(db: Database) {
        let extremes = [
            "0", "1", "-1", "0.5", "-12.50", "100", "1000000000000000000000", "0.1", "123456789.123456789",
            "79228162514264337593543950335", "79228162514264337593543950334", "-79228162514264337593543950335", "0.0000000000000000000000000001",
            "7.9228162514264337593543950335", "9999999999999999999999999999",
        ];
        round_trip::<Decimals>(&db, &parse(&extremes)).await;
        let random = samples((any::<i64>(), 0..=28_u32), 20);
        for (digits, scale) in random {
            assert!(kept::<Decimals>(&db, Decimal::from_i128_with_scale(digits.into(), scale)).await);
        }
        // 1.50 and 1.5 are one number, and numbers do not sort as text.
        insert(NewDecimals { value: "1.50".parse().unwrap(), maybe: None }).execute(&*db).await.unwrap();
        assert_eq!(found::<Decimals>(&db, &"1.5".parse().unwrap()).await, [1, 1, 1]);
        delete::<Decimals>().execute(&*db).await.unwrap();
        insert_many(parse(&["10", "9.5", "-3", "-20", "0.000001"]).into_iter().map(|value| NewDecimals { value, maybe: None }))
            .execute(&*db).await.unwrap();
        let sorted = select(Decimals::value).order_by(Decimals::value).all(&*db).await.unwrap();
        assert_eq!(sorted, parse::<Decimal>(&["-20", "-3", "0.000001", "9.5", "10"]));
        let above: Decimal = "9.4".parse().unwrap();
        assert_eq!(Decimals::select().filter(Decimals::value.gt(above)).count(&*db).await.unwrap(), 2);
    }

    async fn decimals_of_a_precision(db: Database) {
        round_trip::<Prices>(&db, &parse(&["0", "0.0001", "-0.0001", "19.9900", "999999999999999999999999.9999", "-999999999999999999999999.9999"])).await;
    }

    /// A number that `Decimal` cannot hold is an error when it is read, and never another number.
    async fn decimals_of_38_digits(db: Database) {
        create::<WidePrices>(&db).await;
        sql("INSERT INTO wide_prices (value) VALUES (1234567890123456789012345678.1234567890)").execute(&*db).await.ok();
        // SQLite reads such a literal as a float: text says it exactly.
        delete::<WidePrices>().execute(&*db).await.unwrap();
        sql("INSERT INTO wide_prices (value) VALUES ('1234567890123456789012345678.1234567891')").execute(&*db).await.unwrap();
        let error = WidePrices::select().all(&*db).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Decode, "{error}");
        assert!(error.to_string().contains("digits"), "{error}");
        delete::<WidePrices>().execute(&*db).await.unwrap();
        // One that fits without the zeros at its end is read.
        sql("INSERT INTO wide_prices (value) VALUES ('1234567890123456789012345678.0000000000')").execute(&*db).await.unwrap();
        let value = select(WidePrices::value).one(&*db).await.unwrap();
        assert_eq!(value, "1234567890123456789012345678".parse::<Decimal>().unwrap());
    }

    async fn uuids(db: Database) {
        let random = samples(any::<u128>(), 5).into_iter().map(Uuid::from_u128);
        round_trip::<Uuids>(&db, &[Uuid::nil(), Uuid::max(), Uuid::from_u128(1)].into_iter().chain(random).collect::<Vec<_>>()).await;
    }

    async fn the_least_and_the_greatest(db: Database) {
        macro_rules! extremes {
            ($($name:ident $new:ident [$($value:expr),+];)*) => {$(
                create::<$name>(&db).await;
                let values = [$($value),+];
                insert_many(values.clone().map(|value| $new { value, maybe: None })).execute(&*db).await.unwrap();
                let all = select((min($name::value), max($name::value), max($name::maybe)));
                let (least, greatest) = (values.first().cloned(), values.last().cloned());
                assert_eq!(all.one(&*db).await.unwrap(), (least.clone(), greatest.clone(), None));
                let part = select(min($name::value).filter_where($name::id.gt(1))).one(&*db).await.unwrap();
                assert_eq!(part, values.get(1).cloned());
                let over_all = select(over(max($name::value), window())).limit(1).one(&*db).await.unwrap();
                assert_eq!(over_all, greatest);
            )*};
        }
        let uuid = Uuid::from_u128;
        extremes! {
            Bools NewBools [false, true];
            U8s NewU8s [0, 9, 200];
            U64s NewU64s [1, 9, 10, u64::from(u32::MAX)];
            F64s NewF64s [-1.5, 0.0, 1e300];
            Decimals NewDecimals ["-2".parse::<Decimal>().unwrap(), "1.5".parse().unwrap(), "10".parse().unwrap()];
            Uuids NewUuids [Uuid::nil(), uuid(1), uuid(0xff), uuid(u128::MAX / 2), Uuid::max()];
            Blobs NewBlobs [vec![], vec![0], vec![0, 0], vec![9, 0xff], vec![0x9a], vec![0xa0], vec![0xff]];
            Dates NewDates [civil::date(1, 1, 1), civil::date(1999, 12, 31), civil::date(9999, 12, 31)];
            Instants NewInstants [jiff::Timestamp::UNIX_EPOCH, "2024-03-31T02:30:00.5Z".parse().unwrap()];
        }
    }

    async fn jiff_days_and_times(db: Database) {
        round_trip::<Dates>(&db, &parse(&["0001-01-01", "1582-10-10", "1969-12-31", "1970-01-01", "2000-02-29", "2038-01-20", "9999-12-31"])).await;
        round_trip::<Times>(&db, &parse(&["00:00:00", "00:00:00.000001", "12:30:00", "12:30:00.5", "23:59:59", "23:59:59.999999"])).await;
        let micros = samples(-62_135_596_800_000_000_i64..253_402_200_000_000_000, 20);
        let random = micros.iter().map(|micros| jiff::Timestamp::from_microsecond(*micros).unwrap());
        let fixed = parse(&["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "2024-03-31T02:30:00Z", "2038-01-19T03:14:08Z", "9999-12-30T21:59:59.999999Z"]);
        let instants: Vec<jiff::Timestamp> = distinct(fixed.into_iter().chain(random));
        round_trip::<Instants>(&db, &instants).await;
        let mut moments: Vec<civil::DateTime> = instants.iter().map(|instant| instant.to_zoned(jiff::tz::TimeZone::UTC).datetime()).collect();
        moments.extend(parse::<civil::DateTime>(&["9999-12-31T23:59:59.999999"]));
        round_trip::<DateTimes>(&db, &moments).await;
    }

    async fn chrono_days_and_times(db: Database) {
        round_trip::<ChronoDates>(&db, &parse(&["0001-01-01", "1969-12-31", "1970-01-01", "2000-02-29", "9999-12-31"])).await;
        round_trip::<ChronoTimes>(&db, &parse(&["00:00:00", "00:00:00.000001", "12:30:00.5", "23:59:59.999999"])).await;
        let moments = ["0001-01-01T00:00:00", "1969-12-31T23:59:59.999999", "1970-01-01T00:00:00", "2024-02-29T12:00:00.25", "9999-12-31T23:59:59.999999"];
        round_trip::<ChronoDateTimes>(&db, &parse(&moments)).await;
        let instants = moments.map(|text| format!("{text}Z").parse().unwrap());
        round_trip::<ChronoInstants>(&db, &instants).await;
    }

    /// What is finer than a microsecond is cut off, in the same direction everywhere; years that a database does not have are
    /// refused.
    async fn beyond_days_and_times(db: Database) {
        let fine: jiff::Timestamp = "1969-12-31T23:59:59.999999999Z".parse().unwrap();
        let cut: jiff::Timestamp = "1969-12-31T23:59:59.999999Z".parse().unwrap();
        assert!(kept_as::<Instants>(&db, fine, |read| *read == cut).await);
        let last: civil::Time = "23:59:59.999999999".parse().unwrap();
        assert!(kept_as::<Times>(&db, last, |read| *read == civil::time(23, 59, 59, 999_999_000)).await);
        // Year 0 is 1 BC.
        let _ = kept::<Dates>(&db, civil::date(0, 12, 31)).await;
        let _ = kept::<Dates>(&db, civil::date(-4712, 1, 1)).await;
        let _ = kept::<DateTimes>(&db, civil::date(-100, 1, 1).at(1, 2, 3, 0)).await;
        let _ = kept::<ChronoDates>(&db, chrono::NaiveDate::from_ymd_opt(10_000, 1, 1).unwrap()).await;
        let _ = kept::<ChronoDates>(&db, chrono::NaiveDate::MAX).await;
        // Where PostgreSQL begins to count.
        let first = chrono::NaiveDate::from_ymd_opt(-4713, 11, 24).unwrap();
        let postgres = db.server() == Server::Postgres;
        assert_eq!(kept::<ChronoDates>(&db, first).await, postgres);
        assert_eq!(kept::<ChronoDateTimes>(&db, first.and_hms_opt(0, 0, 0).unwrap()).await, postgres);
        assert!(!kept::<ChronoDates>(&db, first.pred_opt().unwrap()).await);
        assert!(!kept::<ChronoDateTimes>(&db, first.pred_opt().unwrap().and_hms_opt(23, 59, 59).unwrap()).await);
        let _ = kept::<ChronoDateTimes>(&db, chrono::NaiveDate::MIN.and_hms_opt(0, 0, 0).unwrap()).await;
    }

    /// What a database cannot hold is refused here: there is no code of the server's.
    async fn refused_before_it_is_sent(db: Database) {
        let nul = select(val(json!({"a\\\0": 1}))).one(&*db).await;
        let date = select(val(chrono::NaiveDate::MIN)).one(&*db).await.map(|_| ());
        let moment = select(val(chrono::NaiveDate::MIN.and_hms_opt(0, 0, 0).unwrap())).one(&*db).await.map(|_| ());
        assert_eq!(nul.is_ok(), db.server() != Server::Postgres);
        for error in [nul.map(|_| ()), date, moment].into_iter().filter_map(Result::err) {
            assert_eq!((error.class(), error.code()), (ErrorClass::Data, None), "{error:?}");
        }
        // A backslash before what is no escape then.
        let plain = json!("\\u0000 \\\\u0000");
        assert_eq!(select(val(plain.clone())).one(&*db).await.unwrap(), plain);
    }

    /// A leap second is the last microsecond of its minute, with and without a zone.
    async fn leap_seconds(db: Database) {
        let leap: chrono::NaiveDateTime = "2016-12-31T23:59:60.5".parse().unwrap();
        let last: chrono::NaiveDateTime = "2016-12-31T23:59:59.999999".parse().unwrap();
        let read = select((val(leap), val(leap.and_utc()), val(leap.time()))).one(&*db).await.unwrap();
        assert_eq!(read, (last, last.and_utc(), last.time()));
    }

    async fn json(db: Database) {
        round_trip::<Documents>(&db, &[
            json!(null),
            json!(true),
            json!(0),
            json!(-1.5),
            json!(9_007_199_254_740_993_i64),
            json!("text"),
            json!("'\"\\/ \u{1} ключ 🦀"),
            json!([]),
            json!({}),
            json!([1, [2, {"a": null}], "x"]),
            json!({"": 1, "a b": [true, false], "ключ": {"deep": {"er": "'"}}}),
        ]).await;
        let nested = Setting { name: "inner '\"\\".into(), sizes: vec![i64::MIN, 0, i64::MAX], nested: None };
        let outer = Setting { name: String::new(), sizes: vec![], nested: Some(Box::new(nested.clone())) };
        round_trip::<Settings>(&db, &[Json(nested), Json(outer)]).await;
        // The JSON null is no SQL NULL.
        insert(NewDocuments { value: json!(null), maybe: Some(json!(null)) }).execute(&*db).await.unwrap();
        let (value, maybe) = select((Documents::value, Documents::maybe)).one(&*db).await.unwrap();
        assert_eq!((value, maybe), (json!(null), Some(json!(null))));
        assert_eq!(Documents::select().filter(Documents::maybe.is_null()).count(&*db).await.unwrap(), 0);
        assert!(kept::<Documents>(&db, json!(u64::MAX)).await);
        let _ = kept::<Documents>(&db, json!("a\0b")).await;
        // As deep as it can be read.
        let deep = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));
        let deepest = match db.server() {
            Server::Sqlite | Server::Postgres => 127,
            Server::MySql => 100,
            // A check of the server's looks no deeper.
            Server::MariaDb => 31,
        };
        assert!(kept::<Documents>(&db, deep(deepest)).await);
        if db.server() != Server::MariaDb {
            assert!(!kept::<Documents>(&db, deep(deepest + 1)).await);
        }
        refused_as_data(select(val(deep(128))).one(&*db).await.unwrap_err());
        refused_as_data(select(val(Json(deep(128)))).one(&*db).await.unwrap_err());
        // What JSON cannot hold never becomes `null`.
        for float in [f64::NAN, f64::INFINITY] {
            refused_as_data(select(val(Json(vec![Some(1.5), Some(float)]))).one(&*db).await.unwrap_err());
        }
        let no_text = BTreeMap::from([((1, 2), 3)]);
        refused_as_data(select(val(Json(no_text))).one(&*db).await.unwrap_err());
    }

    /// MySQL and MariaDB cut off the spaces at the end of a native enum's words.
    async fn enums_with_a_space_at_the_end(db: Database) {
        let created = Schema::new().with::<Paddeds>().create(&*db).await;
        if let Err(error) = created {
            assert!(matches!(db.server(), Server::MariaDb | Server::MySql), "{error:?}");
            assert_eq!(error.class(), ErrorClass::Compile, "{error:?}");
            assert!(error.to_string().contains("ends with a space"), "{error}");
        } else {
            Schema::new().with::<Paddeds>().drop(&*db).await.unwrap();
            round_trip::<Paddeds>(&db, &[Padded::None, Padded::One]).await;
        }
    }

    async fn enums(db: Database) {
        round_trip::<Moods>(&db, &[Mood::VeryHappy, Mood::SoSo, Mood::Sad]).await;
        round_trip::<NativeMoods>(&db, &[NativeMood::VeryHappy, NativeMood::SoSo, NativeMood::Sad]).await;
        // No other word gets in.
        let error = sql("INSERT INTO moods (value) VALUES ('angry')").execute(&*db).await.unwrap_err();
        assert!(matches!(error.class(), ErrorClass::Check | ErrorClass::Data), "{error:?}");
        let error = sql("INSERT INTO native_moods (value) VALUES ('angry')").execute(&*db).await.unwrap_err();
        assert!(matches!(error.class(), ErrorClass::Check | ErrorClass::Data), "{error:?}");
        Schema::new().with::<Moods>().with::<NativeMoods>().drop(&*db).await.unwrap();
    }

    /// A default is stored as a bind of its value would be.
    async fn defaults_that_are_text(db: Database) {
        Schema::new().with::<Defaulted>().create(&*db).await.unwrap();
        let new = NewDefaulted {
            text: None, price: None, uuid: None, day: None,
            time: None, moment: None, instant: None, document: None, mood: None, native_mood: None,
        };
        let row = insert(new).returning(Defaulted::entity()).one(&*db).await.unwrap();
        let expected = Defaulted {
            id: row.id,
            text: "it's \\x00".into(),
            price: "-12.50".parse().unwrap(),
            uuid: Uuid::parse_str("6ba7b810-9dad-11d1-80b4-00c04fd430c8").unwrap(),
            day: civil::date(2026, 1, 2),
            time: civil::time(10, 0, 0, 0),
            moment: civil::date(2026, 1, 2).at(3, 4, 5, 0),
            instant: "2026-01-02T03:04:05.5Z".parse().unwrap(),
            document: json!({"a": 1, "it's \\ \" ": [true, null]}),
            mood: Mood::SoSo,
            native_mood: NativeMood::SoSo,
        };
        assert_eq!(row, expected);
        for (what, condition) in [
            ("text", Defaulted::text.eq(row.text)),
            ("decimal", Defaulted::price.eq(row.price)),
            ("UUID", Defaulted::uuid.eq(row.uuid)),
            ("date", Defaulted::day.eq(row.day)),
            ("time", Defaulted::time.eq(row.time)),
            ("timestamp", Defaulted::moment.eq(row.moment)),
            ("instant", Defaulted::instant.eq(row.instant)),
            ("JSON", Defaulted::document.eq(row.document)),
            ("enum", Defaulted::mood.eq(row.mood)),
            ("native enum", Defaulted::native_mood.eq(row.native_mood)),
        ] {
            assert_eq!(Defaulted::select().filter(condition).count(&*db).await.unwrap(), 1, "{what}");
        }
        for schema in bad_defaults::all() {
            let error = schema.create(&*db).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Compile, "{error:?}");
            assert!(error.to_string().contains("the default of bad_defaults.value is not"), "{error}");
        }
    }

    /// The clock is in UTC where there is no zone, whichever zone the session has.
    async fn clocks(db: Database) {
        let url = match db.server() {
            Server::Sqlite => db.url.clone(),
            Server::Postgres => format!("{}&time_zone=Asia/Tokyo", db.url),
            Server::MariaDb | Server::MySql => format!("{}&time_zone=%2B09:00", db.url),
        };
        let tokyo = Engine::connect(&url).await.unwrap();
        let schema = Schema::new().with::<Clock>();
        schema.create(&tokyo).await.unwrap();
        let zone = jiff::tz::TimeZone::UTC;
        let present = jiff::Timestamp::now();
        let near = |moment: civil::DateTime| {
            let instant = moment.to_zoned(zone.clone()).unwrap().timestamp();
            assert!(present.duration_since(instant).abs().as_secs() < 300, "{moment}");
        };
        let new = NewClock { day: None, time: None, moment: None, instant: None };
        let row = insert(new).returning(Clock::entity()).one(&tokyo).await.unwrap();
        let asked = select((now::<civil::Date>(), now::<civil::Time>(), now::<civil::DateTime>(), now::<jiff::Timestamp>()));
        let (day, time, moment, instant) = asked.one(&tokyo).await.unwrap();
        for (day, time, moment, instant) in [(row.day, row.time, row.moment, row.instant), (day, time, moment, instant)] {
            near(day.to_datetime(time));
            near(moment);
            near(zone.to_datetime(instant));
        }
        let past = Clock::select().filter(Clock::moment.le(now::<civil::DateTime>())).filter(Clock::instant.le(now::<jiff::Timestamp>()));
        assert_eq!(past.filter(Clock::day.le(now::<civil::Date>())).count(&tokyo).await.unwrap(), 1);
        tokyo.close().await.unwrap();
    }

    /// The order of a native enum is each database's own.
    async fn order_of_native_enums(db: Database) {
        create::<NativeMoods>(&db).await;
        let variants = [NativeMood::VeryHappy, NativeMood::SoSo, NativeMood::Sad];
        // By their words: "it's …", "very-happy", "грустный".
        let words = [NativeMood::SoSo, NativeMood::VeryHappy, NativeMood::Sad];
        insert_many([2, 0, 1].map(|at| NewNativeMoods { value: variants[at], maybe: None })).execute(&*db).await.unwrap();
        let ordered = select(NativeMoods::value).order_by(NativeMoods::value).all(&*db).await.unwrap();
        assert_eq!(ordered, if db.server() == Server::Sqlite { words } else { variants });
        let first = if db.server() == Server::Postgres { variants } else { words }[0];
        assert_eq!(select(min(NativeMoods::value)).one(&*db).await.unwrap(), Some(first));
        match NativeMoods::select().filter(NativeMoods::value.in_list(vec![NativeMood::Sad; 70_000])).count(&*db).await {
            Ok(count) => assert_eq!((count, db.server()), (1, Server::Sqlite)),
            Err(error) => assert!(error.class() == ErrorClass::Compile && error.to_string().contains("ask in parts"), "{error}"),
        }
        let less = NativeMoods::select().filter(NativeMoods::value.lt(first));
        assert_eq!(less.count(&*db).await.unwrap(), 0);
    }

    /// Documents are equal as values, or as text.
    async fn equal_json(db: Database) {
        create::<Documents>(&db).await;
        let by_value = matches!(db.server(), Server::Postgres | Server::MySql);
        sql("INSERT INTO documents (value) VALUES ('{\"b\": 1, \"a\": 2.0}')").execute(&*db).await.unwrap();
        assert_eq!(found::<Documents>(&db, &json!({"a": 2, "b": 1})).await[0], i64::from(by_value));
        // PostgreSQL makes a decimal of what is a float.
        let read = select(val(json!(1e16))).one(&*db).await.unwrap();
        assert_eq!(read, if db.server() == Server::Postgres { json!(10_000_000_000_000_000_i64) } else { json!(1e16) });
    }

    async fn zeros_at_the_end_of_decimals(db: Database) {
        create::<Decimals>(&db).await;
        create::<Prices>(&db).await;
        let number: Decimal = "1.50".parse().unwrap();
        let free = insert(NewDecimals { value: number, maybe: None }).returning(Decimals::value).one(&*db).await.unwrap();
        let price = insert(NewPrices { value: number, maybe: None }).returning(Prices::value).one(&*db).await.unwrap();
        let expected = match db.server() {
            Server::Sqlite => ["1.50", "1.50"],
            Server::Postgres => ["1.50", "1.5000"],
            Server::MariaDb | Server::MySql => ["1.5", "1.5000"],
        };
        assert_eq!([free.to_string(), price.to_string()], expected);
    }

    /// SQLite's functions take a NUL for the end of a text.
    async fn functions_of_text_with_a_nul(db: Database) {
        create::<Texts>(&db).await;
        if kept::<Texts>(&db, "a\0B".into()).await {
            let asked = select((Texts::value.contains("B"), Texts::value.ends_with("B"), char_length(Texts::value), Texts::value.eq("a\0B")));
            let whole = db.server() != Server::Sqlite;
            assert_eq!(asked.one(&*db).await.unwrap(), (whole, whole, if whole { 3 } else { 1 }, true));
        }
    }

    async fn newtypes(db: Database) {
        round_trip::<Emails>(&db, &[Email("a@example.com".into()), Email(String::new()), Email("'".into())]).await;
        round_trip::<Amounts>(&db, &[Amount(Decimal::ONE), Amount("-0.01".parse().unwrap())]).await;
    }
}
