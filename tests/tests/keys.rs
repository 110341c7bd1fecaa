//! Keys that the database does not generate: with a default, and of an enum.

use relata::prelude::*;
use relata_tests::on_every_database;

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "keys_defaults")]
struct ByDefault {
    #[column(primary_key, default_sql = "42")]
    id: i64,
    text: String,
}

#[derive(Enum, Debug, Clone, PartialEq, Eq, Hash)]
enum Colour {
    Red,
    Blue,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "keys_paints")]
struct Paint {
    #[column(primary_key, generated = false)]
    colour: Colour,
    litres: i32,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "keys_walls")]
struct Wall {
    #[column(primary_key)]
    id: i64,
    #[column(references = Paint::colour, on_delete = "cascade", on_update = "cascade")]
    colour: Colour,
}

on_every_database! {
    async fn a_key_with_a_default(db: Database) {
        Schema::new().with::<ByDefault>().create(&*db).await.unwrap();
        let new = NewByDefault { id: None, text: "a".into() };
        insert(new).execute(&*db).await.unwrap();
        let new = NewByDefault { id: Some(7), text: "b".into() };
        insert(new).execute(&*db).await.unwrap();
        let ids = select(ByDefault::id).order_by(ByDefault::id).all(&*db).await.unwrap();
        assert_eq!(ids, [7, 42]);
    }

    async fn an_enum_that_refers(db: Database) {
        Schema::new().with::<Paint>().with::<Wall>().create(&*db).await.unwrap();
        insert(NewPaint { colour: Colour::Red, litres: 1 }).execute(&*db).await.unwrap();
        insert(NewWall { colour: Colour::Red.into() }).execute(&*db).await.unwrap();
        insert(NewWall { colour: Colour::Blue.into() }).execute(&*db).await.unwrap_err();
        // A word that is none stays outside: the key refers to a column with the check.
        sql("INSERT INTO keys_walls (colour) VALUES ('green')").execute(&*db).await.unwrap_err();
        sql("INSERT INTO keys_paints (colour, litres) VALUES ('green', 1)").execute(&*db).await.unwrap_err();

        update::<Paint>().filter(Paint::litres.eq(1)).set(Paint::colour, Colour::Blue).execute(&*db).await.unwrap();
        assert_eq!(Wall::select().one(&*db).await.unwrap().colour, Colour::Blue);
        delete::<Paint>().filter(Paint::litres.eq(1)).execute(&*db).await.unwrap();
        assert_eq!(Wall::select().all(&*db).await.unwrap(), []);
    }
}
