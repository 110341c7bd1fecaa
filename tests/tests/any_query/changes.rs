//! Changes of pets, and what is then there.

use jiff::Timestamp;
use relata::{
    prelude::*,
    render::Statement,
    statement::{Delete, Insert, Update},
};
use uuid::Uuid;

use crate::{
    data::{Mood, Person, Pet, changed_pet, person},
    expressions::Maker,
    sorts::{Leaves, Scope, date, decimal},
};

#[derive(Debug, Clone)]
pub enum Change {
    Update(Update),
    Delete(Delete),
    Insert(Insert),
}

impl Maker {
    pub fn change(&mut self) -> Change {
        self.changes = true;
        let scope = Scope::of(&changed_pet(), &Leaves::default());
        match self.dice.roll(4) {
            0 => Change::Delete(delete::<Pet>().filter(self.truth(&scope, 1))),
            1 => Change::Insert(self.copies()),
            _ => {
                let mut update = update::<Pet>().set(Pet::owner_id, self.int(&scope, 1));
                // Each is set to what is computed of the values before.
                for _ in 0..self.dice.roll(4) {
                    update = match self.dice.roll(8) {
                        0 => update.set(Pet::name, self.text(&scope, 1)),
                        1 => update.set(Pet::tame, self.truth(&scope, 1)),
                        2 => update.set(Pet::weight, coalesce(self.float(&scope, 1), 0.5)),
                        3 => update.set(Pet::born, coalesce(self.date(&scope, 1), Pet::born)),
                        4 => update.set(Pet::seen, self.expr(&scope, 1)),
                        5 => update.set(Pet::mood, coalesce(self.expr::<Mood>(&scope, 1), Mood::Odd)),
                        6 => update.set(Pet::token, coalesce(self.expr::<Vec<u8>>(&scope, 1), vec![7])),
                        _ => update.set(Pet::code, self.expr(&scope, 1)),
                    };
                }
                Change::Update(if self.chance(4) { update } else { update.filter(self.truth(&scope, 1)) })
            }
        }
    }

    /// Pets made of people.
    fn copies(&mut self) -> Insert {
        let of = Person::alias("of");
        let scope = Scope::of(&person(&of), &Leaves::default());
        let rows = select((
            of.column(Person::id) + 100_i64,
            val(7_u32),
            self.int(&scope, 1),
            self.text(&scope, 1),
            self.truth(&scope, 1),
            coalesce(of.column(Person::pay), decimal("1")),
            coalesce(self.float(&scope, 1), 0.5),
            coalesce(self.date(&scope, 1), date("2024-02-29")),
            self.expr::<Timestamp>(&scope, 1),
            coalesce(self.expr::<Mood>(&scope, 1), Mood::Odd),
            coalesce(self.expr::<Vec<u8>>(&scope, 1), vec![7]),
            self.expr::<Uuid>(&scope, 1),
        ));
        let rows = rows.from(&of).filter(self.truth(&scope, 1));
        let columns = (
            Pet::id,
            Pet::count,
            Pet::owner_id,
            Pet::name,
            Pet::tame,
            Pet::price,
            Pet::weight,
            Pet::born,
            Pet::seen,
            Pet::mood,
            Pet::token,
            Pet::code,
        );
        insert_select(columns, rows)
    }
}

impl Change {
    pub fn sql(&self, db: &Engine) -> String {
        let dialect = &**db.dialect();
        let compiled = match self {
            Change::Update(update) => update.compile(dialect),
            Change::Delete(delete) => delete.compile(dialect),
            Change::Insert(insert) => insert.compile(dialect),
        };
        compiled.map_or_else(|error| error.to_string(), |compiled| compiled.sql)
    }

    /// How many rows are changed, and what is then there, before all is taken back.
    pub async fn outcome(self, db: &Engine) -> relata::Result<(u64, Vec<String>)> {
        let mut tx = db.begin().await?;
        let changed = match self {
            Change::Update(update) => update.execute(&mut tx).await?,
            Change::Delete(delete) => delete.execute(&mut tx).await?,
            Change::Insert(insert) => insert.execute(&mut tx).await?,
        };
        let pets = Pet::select().order_by(Pet::id).all(&mut tx).await?;
        tx.rollback().await?;
        Ok((changed, pets.into_iter().map(Pet::told).collect()))
    }
}
