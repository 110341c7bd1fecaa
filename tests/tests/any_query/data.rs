//! The tables, and what is in them.

use jiff::{Timestamp, civil::Date};
use relata::{expr::IntoExpr, prelude::*};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::{
    expressions::Maker,
    sorts::{Items, Leaves, Of, Sort},
};

#[derive(Enum, Debug, Clone, Copy, PartialEq)]
pub enum Mood {
    Glad,
    Sad,
    Odd,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "people", has_many(pets: Pet), belongs_to(boss: Person, key = boss_id))]
pub struct Person {
    #[column(primary_key, generated = false)]
    pub id: i64,
    pub boss_id: Option<i64>,
    pub age: i32,
    pub name: String,
    pub active: bool,
    pub pay: Option<Decimal>,
    pub height: Option<f64>,
    pub born: Option<Date>,
    pub seen: Timestamp,
    pub mood: Option<Mood>,
    pub token: Option<Vec<u8>>,
    pub code: Uuid,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "pets", belongs_to(owner: Person, key = owner_id))]
pub struct Pet {
    #[column(primary_key, generated = false)]
    pub id: i64,
    pub owner_id: Option<i64>,
    pub count: u32,
    pub name: Option<String>,
    pub tame: Option<bool>,
    #[column(precision(12, 2))]
    pub price: Decimal,
    pub weight: f64,
    pub born: Date,
    pub seen: Option<Timestamp>,
    pub mood: Mood,
    pub token: Vec<u8>,
    pub code: Option<Uuid>,
}

fn wide(of: impl IntoExpr<Sql = i32>) -> Of<i64> {
    cast::<i64, _>(of.into_expr()).optional()
}

pub fn person(of: &Alias<Person>) -> Leaves {
    Leaves {
        ints: vec![
            of.column(Person::id).optional(),
            of.column(Person::boss_id),
            wide(of.column(Person::age)),
        ],
        texts: vec![of.column(Person::name).optional()],
        truths: vec![of.column(Person::active).optional()],
        decimals: vec![of.column(Person::pay)],
        floats: vec![of.column(Person::height)],
        dates: vec![of.column(Person::born)],
        times: vec![of.column(Person::seen).optional()],
        moods: vec![of.column(Person::mood)],
        bytes: vec![of.column(Person::token)],
        codes: vec![of.column(Person::code).optional()],
    }
}

impl Pet {
    /// With its numbers as they are told of every database.
    pub fn told(self) -> String {
        let weight = format!("{:.6}", self.weight + 0.0);
        let pet = Pet { weight: 0.0, price: self.price.normalize(), ..self };
        format!("{weight} {pet:?}")
    }
}

/// What can be named of a pet, by what makes an expression of a column.
macro_rules! of_pet {
    ($column:ident => $of:expr) => {{
        macro_rules! of {
            ($name:ident) => {{
                let $column = Pet::$name;
                $of
            }};
        }
        Leaves {
            ints: vec![of!(id).optional(), of!(owner_id), cast::<i64, _>(of!(count)).optional()],
            texts: vec![of!(name)],
            truths: vec![of!(tame)],
            decimals: vec![of!(price).optional()],
            floats: vec![of!(weight).optional()],
            dates: vec![of!(born).optional()],
            times: vec![of!(seen)],
            moods: vec![of!(mood).optional()],
            bytes: vec![of!(token).optional()],
            codes: vec![of!(code)],
        }
    }};
}

pub fn pet(of: &Alias<Pet>) -> Leaves {
    of_pet!(column => of.column(column))
}

/// What can be named of the pet that is changed.
pub fn changed_pet() -> Leaves {
    of_pet!(column => column.into_expr())
}

pub fn lines((a, b, c, d, e, f, g, h, i, j): Items) -> Leaves {
    Leaves {
        ints: vec![a],
        texts: vec![b],
        truths: vec![c],
        decimals: vec![d],
        floats: vec![e],
        dates: vec![f],
        times: vec![g],
        moods: vec![h],
        bytes: vec![i],
        codes: vec![j],
    }
}

/// The same rows on every database.
pub async fn fill(db: &Engine) {
    Schema::new().with::<Person>().with::<Pet>().create(db).await.unwrap();
    let mut maker = Maker::new(0xF111, false);
    let m = &mut maker;
    let people: Vec<NewPerson> = (1..=6)
        .map(|id| NewPerson {
            id,
            boss_id: m.val::<i64>().map(|boss| boss.rem_euclid(7).into()),
            age: m.dice.roll(4) as i32 * 10,
            name: String::value(&mut m.dice),
            active: m.chance(2),
            pay: m.val(),
            height: m.val(),
            born: m.val(),
            seen: Timestamp::value(&mut m.dice),
            mood: m.val(),
            token: m.val(),
            code: Uuid::value(&mut m.dice),
        })
        .collect();
    insert_many(people).execute(db).await.unwrap();
    let pets: Vec<NewPet> = (1..=8)
        .map(|id| NewPet {
            id,
            owner_id: m.val::<i64>().map(|boss| boss.rem_euclid(7).into()),
            count: m.dice.roll(4) as u32,
            name: m.val(),
            tame: m.val(),
            price: Decimal::value(&mut m.dice),
            weight: f64::value(&mut m.dice),
            born: Date::value(&mut m.dice),
            seen: m.val(),
            mood: Mood::value(&mut m.dice),
            token: Vec::value(&mut m.dice),
            code: m.val(),
        })
        .collect();
    insert_many(pets).execute(db).await.unwrap();
}
