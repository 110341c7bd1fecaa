//! The tables, and what is in them.

use jiff::{Timestamp, civil::Date};
use relata::prelude::*;
use relata_tests::Dice;
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
    id: i64,
    boss_id: Option<i64>,
    age: i32,
    name: String,
    active: bool,
    pay: Option<Decimal>,
    height: Option<f64>,
    born: Option<Date>,
    seen: Timestamp,
    mood: Option<Mood>,
    token: Option<Vec<u8>>,
    code: Uuid,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "pets", belongs_to(owner: Person, key = owner_id))]
pub struct Pet {
    #[column(primary_key, generated = false)]
    id: i64,
    owner_id: Option<i64>,
    count: u32,
    name: Option<String>,
    tame: Option<bool>,
    #[column(precision(12, 2))]
    price: Decimal,
    weight: f64,
    born: Date,
    seen: Option<Timestamp>,
    mood: Mood,
    token: Vec<u8>,
    code: Option<Uuid>,
}

pub fn wide(of: impl relata::expr::IntoExpr<Sql = i32>) -> Of<i64> {
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

pub fn pet(of: &Alias<Pet>) -> Leaves {
    Leaves {
        ints: vec![
            of.column(Pet::id).optional(),
            of.column(Pet::owner_id),
            cast::<i64, _>(of.column(Pet::count)).optional(),
        ],
        texts: vec![of.column(Pet::name)],
        truths: vec![of.column(Pet::tame)],
        decimals: vec![of.column(Pet::price).optional()],
        floats: vec![of.column(Pet::weight).optional()],
        dates: vec![of.column(Pet::born).optional()],
        times: vec![of.column(Pet::seen)],
        moods: vec![of.column(Pet::mood).optional()],
        bytes: vec![of.column(Pet::token).optional()],
        codes: vec![of.column(Pet::code)],
    }
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
    let mut maker = Maker { dice: Dice(0xF111), names: 0, flat: false };
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
