//! Of what is said of relationships in a session, what counts, and in which order it is written.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use relata::prelude::*;
use relata_tests::on_every_database;
use rust_decimal::Decimal;

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "lines")]
struct Line {
    #[column(primary_key, generated = false)]
    number: i64,
    #[column(primary_key, generated = false)]
    part: i64,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "parcels", belongs_to(line: Line, key = (line_number, line_part), optional))]
struct Parcel {
    #[column(primary_key)]
    id: i64,
    line_number: Option<i64>,
    line_part: Option<i64>,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "people", belongs_to(boss: Person, key = boss_id, optional), many_to_many(clubs: Club, through = Member))]
struct Person {
    #[column(primary_key)]
    id: i64,
    name: String,
    #[column(references = Person::id)]
    boss_id: Option<i64>,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "clubs", many_to_many(people: Person, through = Member))]
struct Club {
    #[column(primary_key, length = 20)]
    name: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "members")]
struct Member {
    #[column(primary_key, references = Person::id)]
    person_id: i64,
    #[column(primary_key, references = Club::name, length = 20)]
    club_name: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "halls", belongs_to(club: Club, key = club_name, optional))]
struct Hall {
    #[column(primary_key)]
    id: i64,
    #[column(references = Club::name, length = 20)]
    club_name: Option<String>,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "counted")]
struct Counted {
    #[column(primary_key, generated = false)]
    id: i64,
    name: String,
    #[column(version)]
    version: u8,
}

#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[enumeration(native, name = "grade")]
enum Grade {
    Low,
    High,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "grades", has_many(sales: Sale))]
struct Rate {
    #[column(primary_key, generated = false)]
    grade: Grade,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "sales", belongs_to(rate: Rate, key = grade))]
struct Sale {
    #[column(primary_key)]
    id: i64,
    #[column(references = Rate::grade)]
    grade: Grade,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "prices", has_many(offers: Offer))]
struct Price {
    #[column(primary_key, precision(10, 2), generated = false)]
    amount: Decimal,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "offers", belongs_to(price: Price, key = amount))]
struct Offer {
    #[column(primary_key)]
    id: i64,
    #[column(references = Price::amount, precision(10, 2))]
    amount: Decimal,
}

async fn create(db: &Engine) {
    let schema =
        Schema::new().with::<Line>().with::<Parcel>().with::<Person>().with::<Club>().with::<Member>();
    let schema = schema.with::<Hall>().with::<Counted>().with::<Rate>().with::<Sale>();
    schema.with::<Price>().with::<Offer>().create(db).await.unwrap();
}

fn person(name: &str) -> NewPerson {
    NewPerson { name: name.into(), boss_id: None }
}

fn club(name: &str) -> NewClub {
    NewClub { name: name.into() }
}

on_every_database! {
    async fn a_key_of_several_columns_without_a_foreign_key_is_taken_column_by_column(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let parcel = session.add(NewParcel { line_number: None, line_part: None });
        session.flush().await.unwrap();
        let added = session.add(NewParcel { line_number: None, line_part: None });
        let line = session.add(NewLine { number: 7, part: 3 });
        session.set(parcel, Parcel::line, line);
        session.set(added, Parcel::line, line);
        session.commit().await.unwrap();
        assert_eq!((session[parcel].line_number, session[parcel].line_part), (Some(7), Some(3)));
        let rows = select((Parcel::line_number, Parcel::line_part)).all(&*db).await.unwrap();
        assert_eq!(rows, [(Some(7), Some(3)); 2]);
    }

    async fn refresh_keeps_a_relationship_to_a_row_that_is_not_there_yet(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let [other, ann] = ["other", "ann"].map(|name| session.add(person(name)));
        session.commit().await.unwrap();
        let boss = session.add(person("boss"));
        session.set(ann, Person::boss, boss);
        let (ann_id, other_id) = (session[ann].id, session[other].id);
        let meanwhile = update::<Person>().set(Person::boss_id, Some(other_id)).filter(Person::id.eq(ann_id));
        meanwhile.execute(&*db).await.unwrap();
        session.refresh(ann).await.unwrap();
        session.commit().await.unwrap();
        let boss_id = Some(session[boss].id);
        assert_eq!(session[ann].boss_id, boss_id);
        let stored = select(Person::boss_id).filter(Person::id.eq(ann_id)).one(&*db).await.unwrap();
        assert_eq!(stored, boss_id);
    }

    async fn what_pending_changes_name_is_not_expunged(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let (ann, chess) = (session.add(person("ann")), session.add(club("chess")));
        session.commit().await.unwrap();
        session.link(ann, Person::clubs, chess);
        for refused in [session.expunge(ann).map(drop), session.expunge(chess).map(drop)] {
            assert_eq!(refused.unwrap_err().class(), ErrorClass::Session);
        }
        session.commit().await.unwrap();
        assert_eq!(Member::select().count(&*db).await.unwrap(), 1);
        session.add(NewPerson { boss_id: ann.into(), ..person("new") });
        let refused = session.expunge(ann).unwrap_err();
        assert!(refused.to_string().contains("not flushed: flush them"), "{refused}");
        session.commit().await.unwrap();
        assert_eq!(session.expunge(ann).unwrap().name, "ann");
    }

    async fn a_pair_may_be_named_from_either_side(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let (ann, chess) = (session.add(person("ann")), session.add(club("chess")));
        session.link(ann, Person::clubs, chess);
        session.unlink(chess, Club::people, ann);
        session.commit().await.unwrap();
        assert_eq!(Member::select().count(&*db).await.unwrap(), 0);
        session.unlink(chess, Club::people, ann);
        session.link(ann, Person::clubs, chess);
        session.commit().await.unwrap();
        assert_eq!(Member::select().count(&*db).await.unwrap(), 1);
        session.link(chess, Club::people, ann);
        session.unlink(ann, Person::clubs, chess);
        session.commit().await.unwrap();
        assert_eq!(Member::select().count(&*db).await.unwrap(), 0);
    }

    async fn an_end_that_gets_another_key_is_unlinked_by_the_one_it_had(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let (ann, chess) = (session.add(person("ann")), session.add(club("chess")));
        session.link(ann, Person::clubs, chess);
        session.commit().await.unwrap();
        session.unlink(ann, Person::clubs, chess);
        session[chess].name = "go".into();
        session.commit().await.unwrap();
        assert_eq!(Member::select().count(&*db).await.unwrap(), 0);
        assert_eq!(select(Club::name).one(&*db).await.unwrap(), "go");
    }

    async fn a_row_leaves_before_the_one_that_it_referred_to_gets_another_key(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let [chess, go] = ["chess", "go"].map(|name| session.add(club(name)));
        let halls = [(); 3].map(|()| session.add(NewHall { club_name: chess.into() }));
        session.commit().await.unwrap();
        let [moves, stands_alone, goes] = halls;
        session[chess].name = "draughts".into();
        session.set(moves, Hall::club, go);
        session.clear(stands_alone, Hall::club);
        session.delete(goes);
        session.commit().await.unwrap();
        let names = select(Hall::club_name).order_by(Hall::id).all(&*db).await.unwrap();
        assert_eq!(names, [Some("go".to_owned()), None]);
    }

    async fn a_row_that_refers_to_itself_is_deleted(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let [ann, under] = ["ann", "under"].map(|name| session.add(person(name)));
        session.set(ann, Person::boss, ann);
        session.set(under, Person::boss, ann);
        session.commit().await.unwrap();
        assert_eq!(session[ann].boss_id, Some(session[ann].id));
        session.delete(ann);
        session.delete(under);
        session.commit().await.unwrap();
        assert_eq!(Person::select().count(&*db).await.unwrap(), 0);
    }

    async fn a_version_at_its_end_is_refused_before_anything_is_sent(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let row = session.add(NewCounted { id: 1, name: "a".into() });
        session.commit().await.unwrap();
        update::<Counted>().set(Counted::version, u8::MAX).execute(&*db).await.unwrap();
        session.refresh(row).await.unwrap();
        session[row].name = "b".into();
        let error = session.commit().await.unwrap_err();
        assert!(error.to_string().contains("its version cannot be counted on"), "{error}");
        session[row].name = "a".into();
        session.commit().await.unwrap();
    }

    async fn a_graph_over_a_key_of_the_databases_own_enum(db: Database) {
        create(&db).await;
        insert_many([Grade::Low, Grade::High].map(|grade| NewRate { grade })).execute(&*db).await.unwrap();
        let sales = [Grade::High, Grade::Low, Grade::High].map(|grade| NewSale { grade: grade.into() });
        insert_many(sales).execute(&*db).await.unwrap();
        let rates = Rate::select().with(Rate::sales).all(&*db).await.unwrap();
        for (rate, sales) in rates {
            assert_eq!(sales.len(), if rate.grade == Grade::High { 2 } else { 1 });
        }
        let sales = Sale::select().with(Sale::rate).all(&*db).await.unwrap();
        assert!(sales.iter().all(|(sale, rate)| sale.grade == rate.grade) && sales.len() == 3);
    }

    async fn a_graph_over_decimals_that_are_written_in_different_ways(db: Database) {
        create(&db).await;
        let [long, short] = [Decimal::new(150, 2), Decimal::new(15, 1)];
        insert(NewPrice { amount: long }).execute(&*db).await.unwrap();
        insert_many([short, long].map(|amount| NewOffer { amount: amount.into() })).execute(&*db).await.unwrap();
        let prices = Price::select().with(Price::offers).all(&*db).await.unwrap();
        assert_eq!(prices.len(), 1);
        assert_eq!(prices[0].1.len(), 2);
        assert_eq!(Offer::select().with(Offer::price).all(&*db).await.unwrap().len(), 2);
    }

    async fn an_error_about_how_many_rows_names_the_statement(db: Database) {
        Schema::new().with::<Price>().with::<Offer>().create(&*db).await.unwrap();
        let none = || Price::select();
        let mut session = db.session();
        for error in [
            none().one(&*db).await.unwrap_err(),
            none().with(Price::offers).one(&*db).await.unwrap_err(),
            session.one(none()).await.unwrap_err(),
            session.one(none().with(Price::offers)).await.unwrap_err(),
        ] {
            assert_eq!(error.class(), ErrorClass::NotFound);
            assert!(error.statement().is_some_and(|sql| sql.starts_with("SELECT ")), "{error:?}");
        }
    }

    async fn columns_whose_types_nobody_said_are_not_dropped(db: Database) {
        let error = sql("SELECT 1, 2").all(&*db).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Decode);
        assert!(error.to_string().contains("`.columns::<(i64, String)>()`"), "{error}");
        sql("SELECT 1, 2").execute(&*db).await.unwrap();
    }
}

macro_rules! key_of_type {
    ($module:ident $table:literal { $($key:tt)* }) => {
        mod $module {
            use relata::prelude::*;

            #[derive(Entity, Debug)]
            #[entity(table = $table)]
            pub struct Numbered {
                #[column(primary_key)]
                $($key)*,
                pub name: String,
            }
        }
    };
}

key_of_type!(key_i16 "of_i16" { pub id: i16 });
key_of_type!(key_u32 "of_u32" { pub id: u32 });
key_of_type!(key_u64 "of_u64" { pub id: u64 });

on_every_database! {
    async fn a_key_of_any_integer_is_written_as_a_number(db: Database) {
        macro_rules! gets {
            ($($module:ident)+) => {
                $(
                    let schema = Schema::new().with::<$module::Numbered>();
                    schema.create(&*db).await.unwrap();
                    let mut session = db.session();
                    session.add($module::NewNumbered { name: "a".into() });
                    session.commit().await.unwrap();
                    let one = session.get::<$module::Numbered>(1).await.unwrap().unwrap();
                    assert_eq!(session[one].id, 1);
                    assert_eq!(session[one].name, "a");
                    schema.drop(&*db).await.unwrap();
                )+
            };
        }
        gets!(key_i16 key_u32 key_u64);
    }
}
