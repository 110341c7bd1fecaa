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

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "keys_tickets")]
struct Ticket {
    #[column(primary_key, generated = false)]
    id: uuid::Uuid,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "keys_numbers")]
struct Number {
    #[column(primary_key)]
    id: i64,
    n: i64,
}

on_every_database! {
    async fn errors_write_a_uuid_as_it_is_written(db: Database) {
        Schema::new().with::<Ticket>().create(&*db).await.unwrap();
        let id = uuid::Uuid::from_u128(7);
        let mut session = db.session();
        let ticket = session.add(NewTicket { id });
        session.commit().await.unwrap();
        delete::<Ticket>().filter(Ticket::id.eq(id)).execute(&*db).await.unwrap();
        let gone = session.refresh(ticket).await.unwrap_err().to_string();
        assert!(gone.contains(&format!("Ticket {id}")), "{gone}");
    }

    /// MySQL and MariaDB take 0 for a request to generate a key, unless told otherwise.
    async fn a_key_of_zero(db: Database) {
        Schema::new().with::<Number>().create(&*db).await.unwrap();
        let zero = |n| NewNumber { n }.with_key(0);
        let upsert = |n| insert(zero(n)).on_conflict(Number::id).do_update(|row| row.take(Number::n));
        insert_many([NewNumber { n: 1 }.with_key(5), zero(2)]).execute(&*db).await.unwrap();
        upsert(3).execute(&*db).await.unwrap();
        let all = || Number::select().order_by(Number::id).all(&*db);
        assert_eq!(all().await.unwrap(), [Number { id: 0, n: 3 }, Number { id: 5, n: 1 }]);

        delete::<Number>().execute(&*db).await.unwrap();
        let mut session = db.session();
        let added = [session.add(NewNumber { n: 1 }), session.add(zero(2)), session.add(NewNumber { n: 3 })];
        session.flush().await.unwrap();
        assert_eq!(added.map(|number| session[number].n), [1, 2, 3]);
        assert_eq!(session[added[1]].id, 0);
        session.commit().await.unwrap();
        assert_eq!(all().await.unwrap()[0], Number { id: 0, n: 2 });
    }

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
