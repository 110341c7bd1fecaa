//! Many-to-many in a session, where the association is an entity as well: links, and its own rows with a payload.

#![allow(missing_docs, clippy::unwrap_used)]

use relata::prelude::*;
use relata_tests::{Database, Server, on_every_database};

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "people", many_to_many(clubs: Club, through = Membership), many_to_many(ships: Ship, through = Berth))]
struct Person {
    #[column(primary_key)]
    id: i64,
    name: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "clubs")]
struct Club {
    #[column(primary_key)]
    id: i64,
    name: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "memberships")]
struct Membership {
    #[column(primary_key, references = Person::id)]
    person_id: i64,
    #[column(primary_key, references = Club::id)]
    club_id: i64,
    #[column(default = "member", length = 20)]
    role: String,
}

/// Refers to a row of the association.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "notes",
    foreign_key(person_id, club_id, references = (Membership::person_id, Membership::club_id), on_delete = "cascade")
)]
struct Note {
    #[column(primary_key)]
    id: i64,
    person_id: i64,
    club_id: i64,
}

/// The same, and holds it.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "fees",
    foreign_key(person_id, club_id, references = (Membership::person_id, Membership::club_id))
)]
struct Fee {
    #[column(primary_key)]
    id: i64,
    person_id: i64,
    club_id: i64,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "ships")]
struct Ship {
    #[column(primary_key)]
    id: i64,
    name: String,
}

/// Nothing keeps it from a second row for the same two.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "berths")]
struct Berth {
    #[column(primary_key)]
    id: i64,
    #[column(references = Person::id)]
    person_id: i64,
    #[column(references = Ship::id)]
    ship_id: i64,
}

struct Two {
    session: Session,
    ann: Handle<Person>,
    chess: Handle<Club>,
}

/// A person and a club, and what they have in the database.
async fn two(db: &Database) -> Two {
    let schema = Schema::new().with::<Person>().with::<Club>().with::<Membership>();
    schema.with::<Note>().with::<Fee>().with::<Ship>().with::<Berth>().create(&**db).await.unwrap();
    let mut session = db.session();
    let ann = session.add(NewPerson { name: "Ann".into() });
    let chess = session.add(NewClub { name: "chess".into() });
    session.commit().await.unwrap();
    Two { session, ann, chess }
}

impl Two {
    fn membership(&mut self, role: &str) -> Handle<Membership> {
        let Two { session, ann, chess } = self;
        let role = Some(role.to_owned());
        session.add(NewMembership { person_id: (*ann).into(), club_id: (*chess).into(), role })
    }

    fn link(&mut self) {
        self.session.link(self.ann, Person::clubs, self.chess);
    }

    fn unlink(&mut self) {
        self.session.unlink(self.ann, Person::clubs, self.chess);
    }

    async fn roles(&mut self, db: &Database) -> Vec<String> {
        self.session.commit().await.unwrap();
        select(Membership::role).all(&**db).await.unwrap()
    }
}

on_every_database! {
    async fn what_is_added_behind_an_unlink_stays(db: Database) {
        let mut two = two(&db).await;
        two.unlink();
        let first = two.membership("first");
        assert_eq!(two.roles(&db).await, ["first"]);
        // Another row in the place of the first.
        two.unlink();
        let second = two.membership("second");
        assert_eq!(two.roles(&db).await, ["second"]);
        assert_eq!(two.session[second].role, "second");
        assert!(two.session.is_stale(first).is_err() || two.session.is_stale(first).unwrap());
    }

    async fn what_is_added_before_an_unlink_goes(db: Database) {
        let mut two = two(&db).await;
        // Taken back, it moves what is said behind it.
        let other = two.session.add(NewClub { name: "go".into() });
        two.membership("first");
        two.unlink();
        two.session.delete(other);
        assert!(two.roles(&db).await.is_empty());
    }

    async fn a_row_that_is_deleted_and_unlinked_is_gone(db: Database) {
        let mut two = two(&db).await;
        for unlink_first in [true, false] {
            let row = two.membership("member");
            two.session.commit().await.unwrap();
            if unlink_first {
                two.unlink();
            }
            two.session.delete(row);
            if !unlink_first {
                two.unlink();
            }
            assert!(two.roles(&db).await.is_empty());
        }
    }

    async fn of_a_link_and_a_delete_the_last_counts(db: Database) {
        let mut two = two(&db).await;
        let row = two.membership("captain");
        two.session.commit().await.unwrap();
        two.link();
        two.session.delete(row);
        assert!(two.roles(&db).await.is_empty());
        let row = two.membership("captain");
        two.session.commit().await.unwrap();
        two.session.delete(row);
        two.link();
        assert_eq!(two.roles(&db).await, ["member"]);
    }

    async fn what_refers_to_a_row_follows_an_unlink(db: Database) {
        let mut two = two(&db).await;
        two.membership("member");
        // The row may be made by a link, too.
        let note = NewNote { person_id: 1.into(), club_id: 1.into() };
        let note = two.session.add(note);
        two.session.commit().await.unwrap();
        two.unlink();
        two.session.commit().await.unwrap();
        assert!(!matches!(two.session.is_stale(note), Ok(false)));
        assert_eq!(two.session.get::<Note>(1).await.unwrap(), None);
        two.link();
        let fee = two.session.add(NewFee { person_id: 1.into(), club_id: 1.into() });
        assert_eq!(two.roles(&db).await, ["member"]);
        two.unlink();
        two.session.delete(fee);
        assert!(two.roles(&db).await.is_empty());
    }

    async fn what_could_be_linked_twice_is_not_linked(db: Database) {
        let mut two = two(&db).await;
        let ship = two.session.add(NewShip { name: "Argo".into() });
        let error = two.session.try_link(two.ann, Person::ships, ship).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Session);
        assert!(error.to_string().contains("add `unique(person_id, ship_id)` to Berth"), "{error}");
        two.session.commit().await.unwrap();
        // What is there is read, and taken apart.
        for _ in 0..2 {
            two.session.add(NewBerth { person_id: two.ann.into(), ship_id: ship.into() });
        }
        two.session.commit().await.unwrap();
        let crews = Person::select().with(Person::ships).all(&*db).await.unwrap();
        assert_eq!(crews[0].1.len(), 2);
        two.session.unlink(two.ann, Person::ships, ship);
        two.session.commit().await.unwrap();
        assert_eq!(Berth::select().count(&*db).await.unwrap(), 0);
    }
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "depots")]
struct Depot {
    #[column(primary_key, length = 10)]
    code: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "racks")]
struct Rack {
    #[column(primary_key, references = Depot::code, length = 10)]
    depot: String,
    #[column(primary_key)]
    number: i32,
    #[column(unique, length = 10)]
    label: Option<String>,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "bins", foreign_key(depot, rack, references = (Rack::depot, Rack::number)))]
struct Bin {
    #[column(primary_key, length = 10)]
    depot: String,
    #[column(primary_key)]
    rack: i32,
}

on_every_database! {
    async fn a_parent_is_known_by_the_handle_in_its_key(db: Database) {
        Schema::new().with::<Depot>().with::<Rack>().with::<Bin>().create(&*db).await.unwrap();
        let mut session = db.session();
        let depot = session.add(NewDepot { code: "A".into() });
        let first = session.add(NewRack { depot: depot.into(), number: 1, label: Some("red".into()) });
        session.commit().await.unwrap();
        // The second rack waits for the label, and so its bin has to wait for it.
        session[first].label = None;
        let depot = session.add(NewDepot { code: "B".into() });
        session.add(NewRack { depot: depot.into(), number: 1, label: Some("red".into()) });
        session.add(NewBin { depot: "B".into(), rack: 1 });
        session.commit().await.unwrap();
        let labels = Rack::select().order_by(Rack::depot).all(&*db).await.unwrap();
        assert_eq!([labels[0].label.as_deref(), labels[1].label.as_deref()], [None, Some("red")]);
    }

    async fn keys_that_do_not_grow_are_no_guess(db: Database) {
        Schema::new().with::<Club>().create(&*db).await.unwrap();
        match db.server() {
            // Behind the largest key there are none but by chance (SQLite, "ROWIDs and AUTOINCREMENT").
            Server::Sqlite => {
                let last = NewClub { name: "last".into() }.with_key(i64::MAX);
                insert(last).execute(&*db).await.unwrap();
            }
            Server::Postgres => {
                let text = "ALTER TABLE clubs ALTER COLUMN id SET INCREMENT BY -1 SET MINVALUE -1000";
                sql(text).execute(&*db).await.unwrap();
            }
            // They only grow.
            Server::MariaDb | Server::MySql => return,
        }
        let mut session = db.session();
        // Of so many, one is before another.
        session.add_all((0..40).map(|number| NewClub { name: number.to_string() }));
        let error = session.flush().await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Session);
        assert!(error.to_string().contains("do not grow"), "{error}");
        session.rollback().await.unwrap();
        for number in 0..3 {
            let club = session.add(NewClub { name: number.to_string() });
            session.flush().await.unwrap();
            assert_eq!(session[club].name, number.to_string());
        }
        session.commit().await.unwrap();
    }
}
