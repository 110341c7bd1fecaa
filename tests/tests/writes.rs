//! What INSERT, UPDATE, DELETE and upserts leave behind and give back: the same on every database.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use relata::{dialect::Feature, prelude::*};
use relata_tests::{Database, Server, on_every_database};
use rust_decimal::Decimal;

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "items", unique(shelf, place), check(name = "items_price", "price >= 0"))]
struct Item {
    #[column(primary_key)]
    id: i64,
    #[column(unique)]
    code: Option<String>,
    shelf: i32,
    place: Option<i32>,
    #[column(default = 5)]
    price: i64,
    #[column(default = "it's \\ \"new\"")]
    note: String,
    #[column(default_sql = "1 + 1")]
    two: i32,
    #[column(version)]
    version: i32,
}

/// Its key is not generated, and has two parts.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "stocks")]
struct Stock {
    #[column(primary_key)]
    shop: String,
    #[column(primary_key)]
    article: i32,
    pieces: i32,
    value: Option<Decimal>,
}

/// All of it can be left to the database.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "tickets")]
struct Ticket {
    #[column(primary_key)]
    id: i32,
    #[column(default = "open")]
    state: String,
    #[column(default = true)]
    fresh: bool,
    #[column(default = -1.5)]
    weight: f64,
    #[column(default = now)]
    made: jiff::Timestamp,
}

/// Its key is no number.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "labels")]
struct Label {
    #[column(primary_key)]
    name: String,
    #[column(default = 0)]
    uses: i32,
}

#[derive(Row, Debug, PartialEq)]
struct Used {
    #[column(name = "name")]
    label: String,
    uses: i32,
    note: Option<String>,
}

/// No two are at one place, by an index.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "stars", unique_index(name = "one_star_at_a_place", line, place), index(line))]
struct Star {
    #[column(primary_key)]
    id: i64,
    line: i32,
    place: Option<i32>,
}

/// Named as what Relata selects from.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "rows")]
struct Line {
    #[column(primary_key)]
    name: String,
    uses: i32,
}

async fn create(db: &Database) {
    Schema::new()
        .with::<Line>()
        .with::<Item>()
        .with::<Stock>()
        .with::<Ticket>()
        .with::<Label>()
        .create(&**db)
        .await
        .unwrap();
}

fn item(code: &str) -> NewItem {
    let code = Some(code.to_owned()).filter(|code| !code.is_empty());
    NewItem { code, shelf: 1, place: None, price: None, note: None, two: None }
}

fn stock(shop: &str, article: i32, pieces: i32) -> NewStock {
    NewStock { shop: shop.into(), article, pieces, value: None }
}

async fn codes(db: &Database) -> Vec<Option<String>> {
    select(Item::code).order_by(Item::id).all(&**db).await.unwrap()
}

on_every_database! {
    async fn one_row(db: Database) {
        create(&db).await;
        assert_eq!(insert(item("a")).execute(&*db).await.unwrap(), 1);
        let row = insert(item("b")).returning(Item::entity()).one(&*db).await.unwrap();
        assert_eq!((row.code.as_deref(), row.price, row.note.as_str(), row.two, row.version), (Some("b"), 5, "it's \\ \"new\"", 2, 1));
        assert_eq!(Item::find(&row.id).one(&*db).await.unwrap(), row);
        let (id, price) = insert(NewItem { price: Some(7), ..item("c") }).returning((Item::id, Item::price + 1)).one(&*db).await.unwrap();
        assert!(id > row.id);
        assert_eq!(price, 8_i64);
        let label = insert(NewLabel { name: "new".into(), uses: None }).returning(Label::entity()).one(&*db).await.unwrap();
        assert_eq!(label, Label { name: "new".into(), uses: 0 });
        let row = insert(NewStock { value: Some("1.5".parse().unwrap()), ..stock("north", 1, 2) }).returning(Stock::entity()).one(&*db).await.unwrap();
        assert_eq!(row, Stock { shop: "north".into(), article: 1, pieces: 2, value: Some("1.5".parse().unwrap()) });
    }

    async fn defaults_only(db: Database) {
        create(&db).await;
        let new = || NewTicket { state: None, fresh: None, weight: None, made: None };
        assert_eq!(insert(new()).execute(&*db).await.unwrap(), 1);
        let ticket = insert(new()).returning(Ticket::entity()).one(&*db).await.unwrap();
        assert_eq!((ticket.state.as_str(), ticket.fresh, ticket.weight), ("open", true, -1.5));
        let age = jiff::Timestamp::now().duration_since(ticket.made).as_secs().abs();
        assert!(age < 300, "{}", ticket.made);
        assert_eq!(insert_many([new(), new(), new()]).execute(&*db).await.unwrap(), 3);
        let rows = insert_many([new(), NewTicket { state: Some("done".into()), ..new() }, new()]).returning((Ticket::id, Ticket::state)).all(&*db).await.unwrap();
        assert_eq!(rows.iter().map(|(_, state)| state.as_str()).collect::<Vec<_>>(), ["open", "done", "open"]);
        assert!(rows[0].0 < rows[1].0 && rows[1].0 < rows[2].0);
        assert_eq!(Ticket::select().count(&*db).await.unwrap(), 8);
    }

    /// Rows come back in the order in which they went in, whatever each of them leaves to the database.
    async fn many_rows_of_many_shapes(db: Database) {
        create(&db).await;
        let new = |at: usize| NewItem {
            place: at.is_multiple_of(2).then_some(at as i32),
            price: at.is_multiple_of(3).then_some(at as i64),
            note: at.is_multiple_of(5).then(|| format!("note {at}")),
            two: at.is_multiple_of(7).then_some(at as i32),
            ..item(&format!("{at:03}"))
        };
        let rows = insert_many((0..300).map(new)).returning(Item::entity()).all(&*db).await.unwrap();
        assert_eq!(rows.len(), 300);
        for (at, row) in rows.iter().enumerate() {
            let new = new(at);
            let expected = (new.code, new.place, new.price.unwrap_or(5), new.note.unwrap_or("it's \\ \"new\"".into()), new.two.unwrap_or(2), 1);
            assert_eq!((row.code.clone(), row.place, row.price, row.note.clone(), row.two, row.version), expected);
        }
        assert_eq!(Item::select().order_by(Item::code).all(&*db).await.unwrap(), rows);
        assert_eq!(insert_many((300..400).map(new)).execute(&*db).await.unwrap(), 100);
        // More rows than one statement takes; all or none of them.
        let error = insert_many((400..3000).map(new).chain([item("350")])).execute(&*db).await.unwrap_err();
        assert!(error.is_unique_violation(), "{error:?}");
        assert_eq!(Item::select().count(&*db).await.unwrap(), 400);
        assert_eq!(insert_many((400..3000).map(new)).execute(&*db).await.unwrap(), 2600);
        assert_eq!(Item::select().count(&*db).await.unwrap(), 3000);
    }

    async fn no_rows(db: Database) {
        create(&db).await;
        let none = || std::iter::empty::<NewItem>();
        assert_eq!(insert_many(none()).execute(&*db).await.unwrap(), 0);
        assert_eq!(insert_many(none()).returning(Item::id).all(&*db).await.unwrap(), [0_i64; 0]);
        assert_eq!(insert_many(none()).returning(Item::id).one_or_none(&*db).await.unwrap(), None);
        assert_eq!(insert_many(none()).returning(Item::id).one(&*db).await.unwrap_err().class(), ErrorClass::NotFound);
        assert_eq!(insert_many(none()).on_conflict(Item::code).do_nothing().execute(&*db).await.unwrap(), 0);
    }

    /// Keys of one's own choice stand beside generated ones, and each row comes back as itself.
    async fn keys_given_and_generated(db: Database) {
        create(&db).await;
        let row = insert(item("given").with_key(1000)).returning(Item::entity()).one(&*db).await.unwrap();
        assert_eq!((row.id, row.code.as_deref()), (1000, Some("given")));
        let rows = insert_many((2000..2010).rev().map(|id| item(&id.to_string()).with_key(id))).returning((Item::id, Item::code)).all(&*db).await.unwrap();
        let expected: Vec<_> = (2000..2010).rev().map(|id| (id, Some(id.to_string()))).collect();
        assert_eq!(rows, expected);
        // Two with the same unique values but for NULL, which is never the same.
        let twice = insert_many([item("").with_key(1), item("").with_key(2)]).returning((Item::id, Item::code)).all(&*db).await.unwrap();
        assert_eq!(twice, [(1, None), (2, None)]);
        let error = insert(item("x").with_key(1000)).execute(&*db).await.unwrap_err();
        assert!(error.is_unique_violation(), "{error:?}");
        let error = insert(item("x").with_key(1000)).returning(Item::id).one(&*db).await.unwrap_err();
        assert!(error.is_unique_violation(), "{error:?}");
        // Rows with keys of two columns, not in their order.
        let new = [stock("b", 2, 1), stock("a", 9, 2), stock("b", 1, 3)];
        let rows = insert_many(new).returning((Stock::shop, Stock::article, Stock::pieces)).all(&*db).await.unwrap();
        assert_eq!(rows, [("b".to_owned(), 2, 1), ("a".to_owned(), 9, 2), ("b".to_owned(), 1, 3)]);
    }

    async fn returning_in_a_transaction(db: Database) {
        create(&db).await;
        let mut tx = db.begin().await.unwrap();
        let rows = insert_many((0..30).map(|at| item(&at.to_string()))).returning(Item::entity()).all(&mut tx).await.unwrap();
        assert_eq!(rows.len(), 30);
        // What went wrong in it hurts nobody else.
        let mut inner = tx.begin().await.unwrap();
        let error = insert_many([item("x"), item("7")]).returning(Item::id).all(&mut inner).await.unwrap_err();
        assert!(error.is_unique_violation(), "{error:?}");
        inner.rollback().await.unwrap();
        assert_eq!(insert(item("x")).returning(Item::code).one(&mut tx).await.unwrap().as_deref(), Some("x"));
        tx.commit().await.unwrap();
        assert_eq!(Item::select().count(&*db).await.unwrap(), 31);
    }

    async fn unique_index(db: Database) {
        let schema = Schema::new().with::<Star>();
        schema.create(&*db).await.unwrap();
        schema.create_if_not_exists(&*db).await.unwrap();
        let star = |line: i32, place: Option<i32>| NewStar { line, place };
        insert_many([star(1, Some(1)), star(1, Some(2)), star(2, Some(1)), star(1, None), star(1, None)]).execute(&*db).await.unwrap();
        let error = insert(star(1, Some(2))).execute(&*db).await.unwrap_err();
        assert!(error.is_unique_violation(), "{error:?}");
        assert!(error.constraint() == Some("one_star_at_a_place") || error.columns() == ["line", "place"], "{error:?}");
        insert_many([star(2, Some(1)), star(3, Some(1))]).on_conflict((Star::line, Star::place)).do_nothing().execute(&*db).await.unwrap();
        assert_eq!(Star::select().count(&*db).await.unwrap(), 6);
    }

    /// Whether or not it changes them.
    async fn an_update_counts_the_rows_it_finds(db: Database) {
        create(&db).await;
        insert_many([item("a"), item("b"), item("c")]).execute(&*db).await.unwrap();
        let update_two = || update::<Item>().set(Item::price, 5).filter(Item::code.in_list(["a", "b"]));
        for _ in 0..2 {
            assert_eq!(update_two().execute(&*db).await.unwrap(), 2);
            let mut tx = db.begin().await.unwrap();
            assert_eq!(update_two().execute(&mut tx).await.unwrap(), 2);
            tx.commit().await.unwrap();
        }
        let by_hand = sql("UPDATE items SET price = 5; UPDATE items SET price = 5 WHERE code = 'c'");
        assert_eq!(by_hand.execute(&*db).await.unwrap(), 4);
    }

    async fn upsert_do_nothing(db: Database) {
        create(&db).await;
        insert_many([item("a"), item("b")]).execute(&*db).await.unwrap();
        let before = Item::select().order_by(Item::id).all(&*db).await.unwrap();
        let again = |code: &str| NewItem { price: Some(99), ..item(code) };
        assert_eq!(insert(again("a")).on_conflict(Item::code).do_nothing().execute(&*db).await.unwrap(), 0);
        let some = insert_many([again("a"), again("c"), again("b")]);
        assert_eq!(some.on_conflict(Item::code).do_nothing().execute(&*db).await.unwrap(), 1);
        let after = Item::select().order_by(Item::id).all(&*db).await.unwrap();
        assert_eq!(after[..2], before[..]);
        assert_eq!(codes(&db).await, ["a", "b", "c"].map(|code| Some(code.to_owned())));
        // Other errors are not hidden by it.
        let error = insert(NewItem { price: Some(-1), ..item("a2") }).on_conflict(Item::code).do_nothing().execute(&*db).await.unwrap_err();
        assert!(error.is_check_violation(), "{error:?}");
    }

    async fn upsert_do_update(db: Database) {
        create(&db).await;
        let count = |name: &str| NewLabel { name: name.into(), uses: Some(1) };
        let upsert = |names: &[&str]| {
            insert_many(names.iter().map(|name| count(name)).collect::<Vec<_>>())
                .on_conflict(Label::name)
                .do_update(|row| row.set(Label::uses, Label::uses + excluded(Label::uses)))
        };
        upsert(&["a", "b"]).execute(&*db).await.unwrap();
        upsert(&["b", "c"]).execute(&*db).await.unwrap();
        upsert(&["b"]).execute(&*db).await.unwrap();
        let labels = select((Label::name, Label::uses)).order_by(Label::name).all(&*db).await.unwrap();
        assert_eq!(labels, [("a", 1), ("b", 3), ("c", 1)].map(|(name, uses)| (name.to_owned(), uses)));

        // Values of the new row, of both, and of neither; the version counts.
        insert(item("x")).execute(&*db).await.unwrap();
        let again = NewItem { price: Some(40), note: Some("taken".into()), ..item("x") };
        insert(again).on_conflict(Item::code)
            .do_update(|row| row.take(Item::note).set(Item::price, Item::price + excluded(Item::price)).set(Item::two, 22))
            .execute(&*db).await.unwrap();
        let row = Item::select().one(&*db).await.unwrap();
        assert_eq!((row.note.as_str(), row.price, row.two, row.version), ("taken", 45, 22, 2));

        // A key of two columns.
        let add = |new: Vec<NewStock>| {
            insert_many(new).on_conflict((Stock::shop, Stock::article)).do_update(|row| row.set(Stock::pieces, Stock::pieces + excluded(Stock::pieces)))
        };
        add(vec![stock("north", 1, 10), stock("north", 2, 20)]).execute(&*db).await.unwrap();
        add(vec![stock("north", 1, 5), stock("south", 1, 7)]).execute(&*db).await.unwrap();
        let rows = select((Stock::shop, Stock::article, Stock::pieces)).order_by(Stock::shop).order_by(Stock::article).all(&*db).await.unwrap();
        assert_eq!(rows, [("north", 1, 15), ("north", 2, 20), ("south", 1, 7)].map(|(shop, article, pieces)| (shop.to_owned(), article, pieces)));
    }

    async fn upsert_returning(db: Database) {
        create(&db).await;
        insert_many([item("a"), item("b")]).execute(&*db).await.unwrap();
        let again = |code: &str| NewItem { price: Some(9), ..item(code) };
        let upsert = insert_many([again("b"), again("c")]).on_conflict(Item::code).do_update(|row| row.take(Item::price)).returning((Item::code, Item::price, Item::version));
        match upsert.all(&*db).await {
            Ok(mut rows) => {
                rows.sort();
                assert_eq!(rows, [(Some("b".to_owned()), 9, 2), (Some("c".to_owned()), 9, 1)]);
            }
            // Where it cannot be known which rows these are, it is refused and nothing is done.
            Err(error) => {
                assert_eq!(error.class(), ErrorClass::Compile, "{error:?}");
                assert!(!db.dialect().supports(Feature::InsertReturning), "{error}");
                assert_eq!(codes(&db).await.len(), 2);
            }
        }
        let nothing = insert_many([again("a"), again("d")]).on_conflict(Item::code).do_nothing().returning(Item::code);
        match nothing.all(&*db).await {
            // The row that was left out is not among what was inserted; MariaDB gives it all the same.
            Ok(rows) => assert!(rows.contains(&Some("d".to_owned())), "{rows:?}"),
            Err(error) => assert_eq!(error.class(), ErrorClass::Compile, "{error:?}"),
        }
    }

    /// What somebody else has written since the transaction's first look is met by an upsert, and comes back, changed or not.
    async fn upsert_of_a_row_that_is_newer_than_the_snapshot(db: Database) {
        create(&db).await;
        // On SQLite, where a writer goes before the reader, it is refused as DESIGN says; PostgreSQL reads what is committed.
        if db.server() == Server::Sqlite {
            return;
        }
        let label = || NewLabel { name: "a".into(), uses: Some(1) };
        let mut tx = db.begin().await.unwrap();
        assert_eq!(Label::select().count(&mut tx).await.unwrap(), 0);
        insert(label()).execute(&*db).await.unwrap();
        let upsert = insert(label()).on_conflict(Label::name).do_update(|row| row.take(Label::uses));
        assert_eq!(upsert.returning(Label::name).all(&mut tx).await.unwrap(), ["a"]);
        tx.commit().await.unwrap();
    }

    /// Where rows are read back, one whose key an upsert changes would not be found: it is refused before anything is done.
    async fn upsert_that_changes_its_target(db: Database) {
        create(&db).await;
        let label = || NewLabel { name: "a".into(), uses: Some(1) };
        insert(label()).execute(&*db).await.unwrap();
        let upsert = insert(label()).on_conflict(Label::name).do_update(|row| row.set(Label::name, "z"));
        match upsert.returning(Label::name).all(&*db).await {
            Ok(names) => assert_eq!(names, ["z"]),
            Err(error) => {
                assert_eq!(error.class(), ErrorClass::Compile, "{error}");
                assert!(!db.dialect().supports(Feature::InsertReturning), "{error}");
                assert_eq!(select(Label::name).all(&*db).await.unwrap(), ["a"]);
            }
        }
    }

    async fn update_(db: Database) {
        create(&db).await;
        insert_many(["a", "b", "c"].map(item)).execute(&*db).await.unwrap();
        // Rows that are met count, changed or not.
        assert_eq!(update::<Item>().set(Item::price, 5).execute(&*db).await.unwrap(), 3);
        assert_eq!(update::<Item>().set(Item::price, Item::price * 2).filter(Item::code.ne("b")).execute(&*db).await.unwrap(), 2);
        assert_eq!(update::<Item>().set(Item::price, 0).filter(Item::code.eq("nobody")).execute(&*db).await.unwrap(), 0);
        let rows = select((Item::code, Item::price, Item::version)).order_by(Item::id).all(&*db).await.unwrap();
        let row = |code: &str, price: i64, version: i32| (Some(code.to_owned()), price, version);
        assert_eq!(rows, [row("a", 10, 3), row("b", 5, 2), row("c", 10, 3)]);
        // The later of two for one column holds; a nullable one takes NULL, a value, an expression.
        update::<Item>().set(Item::shelf, 1).set(Item::shelf, 2).set(Item::code, None::<String>).filter(Item::code.eq("c")).execute(&*db).await.unwrap();
        assert_eq!(codes(&db).await, [Some("a".to_owned()), Some("b".to_owned()), None]);
        update::<Item>().set(Item::place, Item::shelf).set(Item::code, "c").filter(Item::code.is_null()).execute(&*db).await.unwrap();
        let row = Item::select().filter(Item::code.eq("c")).one(&*db).await.unwrap();
        assert_eq!((row.shelf, row.place), (2, Some(2)));
        // Two columns trade their values where the database looks at the row as it was; by a subquery everywhere.
        let most = scalar(select(max(Stock::pieces)));
        insert(stock("north", 1, 77)).execute(&*db).await.unwrap();
        update::<Item>().set(Item::place, most).filter(Item::code.eq("a")).execute(&*db).await.unwrap();
        assert_eq!(select(Item::place).filter(Item::code.eq("a")).one(&*db).await.unwrap(), Some(77));
        // A version that is set by hand is set so, wherever it stands.
        update::<Item>().set(Item::version, 40).filter(Item::code.eq("a")).execute(&*db).await.unwrap();
        update::<Item>().set(Item::price, 1).set(Item::version, 50).set(Item::shelf, 1).filter(Item::code.eq("b")).execute(&*db).await.unwrap();
        update::<Item>().set(Item::price, 1).set(Item::shelf, 1).filter(Item::code.eq("c")).execute(&*db).await.unwrap();
        let versions = select(Item::version).order_by(Item::id).all(&*db).await.unwrap();
        assert_eq!(versions, [40, 50, 6]);
    }

    async fn delete_(db: Database) {
        create(&db).await;
        insert_many(["a", "b", "c", "d"].map(item)).execute(&*db).await.unwrap();
        assert_eq!(delete::<Item>().filter(Item::code.eq("nobody")).execute(&*db).await.unwrap(), 0);
        assert_eq!(delete::<Item>().filter(Item::code.in_list(["a".to_owned(), "b".into()])).execute(&*db).await.unwrap(), 2);
        let lonely = not_exists(select(Stock::shop).filter(Stock::shop.eq(Item::code)));
        assert_eq!(delete::<Item>().filter(lonely).filter(Item::code.gt("c")).execute(&*db).await.unwrap(), 1);
        assert_eq!(codes(&db).await, [Some("c".to_owned())]);
        assert_eq!(delete::<Item>().execute(&*db).await.unwrap(), 1);
    }

    async fn update_and_delete_returning(db: Database) {
        create(&db).await;
        insert_many(["a", "b", "c"].map(item)).execute(&*db).await.unwrap();
        if db.dialect().supports(Feature::UpdateReturning) {
            let mut rows = update::<Item>().set(Item::price, Item::price + 1).filter(Item::code.ne("b"))
                .returning((Item::code, Item::price, Item::version)).all(&*db).await.unwrap();
            rows.sort();
            assert_eq!(rows, [(Some("a".to_owned()), 6, 2), (Some("c".to_owned()), 6, 2)]);
        }
        if db.dialect().supports(Feature::DeleteReturning) {
            let row = delete::<Item>().filter(Item::code.eq("a")).returning(Item::entity()).one(&*db).await.unwrap();
            assert_eq!(row.code.as_deref(), Some("a"));
            assert_eq!(codes(&db).await.len(), 2);
        }
    }

    /// What is not named gets its default, and the version begins with 1.
    async fn rows_of_a_select(db: Database) {
        create(&db).await;
        insert_many([("a", 1), ("b", 2), ("c", 3)].map(|(name, uses)| NewLabel { name: name.into(), uses: Some(uses) })).execute(&*db).await.unwrap();
        let labels = || select((Label::name, Label::uses)).filter(Label::uses.gt(1)).order_by(Label::name);
        assert_eq!(insert_select((Item::code, Item::shelf), labels()).execute(&*db).await.unwrap(), 2);
        let items = Item::select().order_by(Item::code).all(&*db).await.unwrap();
        let seen: Vec<_> = items.iter().map(|item| (item.code.as_deref(), item.shelf, item.price, &*item.note, item.two, item.version)).collect();
        assert_eq!(seen, [(Some("b"), 2, 5, "it's \\ \"new\"", 2, 1), (Some("c"), 3, 5, "it's \\ \"new\"", 2, 1)]);
        // A version that is named; a value; of the table itself; none at all.
        let copy = select((Item::shelf + 10, Item::price * 2, val(9))).filter(Item::code.eq("b"));
        assert_eq!(insert_select((Item::shelf, Item::price, Item::version), copy).execute(&*db).await.unwrap(), 1);
        let copied = Item::select().filter(Item::shelf.eq(12)).one(&*db).await.unwrap();
        assert_eq!((copied.code, copied.price, copied.version), (None, 10, 9));
        let none = select(Label::name).filter(Label::uses.gt(99));
        assert_eq!(insert_select(Label::name, none).execute(&*db).await.unwrap(), 0);
        // Of a union, a CTE, an aggregate.
        let union = select((Label::name.concat("2"), Label::uses)).filter(Label::uses.eq(1)).union(select((val("z".to_owned()), val(26))));
        assert_eq!(insert_select((Item::code, Item::shelf), union).execute(&*db).await.unwrap(), 2);
        let counted = select((Item::version, count_all().label("items"))).group_by(Item::version).cte("counted");
        let (version, count) = counted.columns();
        let stocks = select((val("all".to_owned()), version, cast::<i32, _>(count))).from(&counted);
        assert_eq!(insert_select((Stock::shop, Stock::article, Stock::pieces), stocks).execute(&*db).await.unwrap(), 2);
        let stocks = select((Stock::article, Stock::pieces)).order_by(Stock::article).all(&*db).await.unwrap();
        assert_eq!(stocks, [(1, 4), (9, 1)]);
        // In a session, as any statement: what was pending is there.
        let mut session = db.session();
        session.add(NewLabel { name: "pending".into(), uses: Some(77) });
        let pending = select((Label::name, Label::uses)).filter(Label::uses.eq(77));
        assert_eq!(insert_select((Item::code, Item::shelf), pending).execute(&mut session).await.unwrap(), 1);
        session.rollback().await.unwrap();
        assert_eq!(Item::select().filter(Item::shelf.eq(77)).count(&*db).await.unwrap(), 0);
        // A statement that fails leaves nothing.
        let twice = select(Item::code).filter(Item::code.is_not_null()).union_all(select(val(Some("new".to_owned()))));
        let error = insert_select(Item::code, twice).execute(&*db).await.unwrap_err();
        assert!(matches!(error.class(), ErrorClass::Unique | ErrorClass::NotNull), "{error:?}");
        assert_eq!(Item::select().count(&*db).await.unwrap(), 5);
        let wrong = select((Label::name, Stock::pieces)).from(Label::entity());
        for (error, why) in [
            (insert_select((Item::code, Item::shelf), wrong).execute(&*db).await.unwrap_err(), "stocks"),
            (insert_select((Item::code, Item::code), select((Label::name, Label::name))).execute(&*db).await.unwrap_err(), "code of items is inserted into twice"),
        ] {
            assert_eq!(error.class(), ErrorClass::Compile, "{error}");
            assert!(error.to_string().contains(why), "{error}");
        }
    }

    async fn returned_rows_of_a_select(db: Database) {
        create(&db).await;
        insert_many(["a", "b"].map(|name| NewLabel { name: name.into(), uses: Some(1) })).execute(&*db).await.unwrap();
        let labels = select((Label::name, Label::uses));
        let returning = insert_select((Item::code, Item::shelf), labels).returning(Item::entity());
        if db.server() == Server::MySql {
            let error = returning.all(&*db).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Compile, "{error}");
            assert!(error.to_string().contains("RETURNING"), "{error}");
            return;
        }
        let mut items = returning.clone().all(&*db).await.unwrap();
        items.sort_by_key(|item| item.id);
        assert_eq!(items, Item::select().order_by(Item::id).all(&*db).await.unwrap());
        assert_eq!(items.len(), 2);
        delete::<Item>().execute(&*db).await.unwrap();
        let mut session = db.session();
        let handles = session.all(returning).await.unwrap();
        session[handles[0]].price = 6;
        session.commit().await.unwrap();
        assert_eq!(select(sum(Item::price)).one(&*db).await.unwrap(), Some(11));
    }

    async fn rows_of_a_select_that_are_there(db: Database) {
        create(&db).await;
        insert_many([("a", 1), ("b", 2)].map(|(name, uses)| NewLabel { name: name.into(), uses: Some(uses) })).execute(&*db).await.unwrap();
        insert_many([("b", 7), ("c", 8)].map(|(code, shelf)| NewItem { shelf, ..item(code) })).execute(&*db).await.unwrap();
        let items = || select((coalesce(Item::code, ""), Item::shelf));
        let labels = async || select((Label::name, Label::uses)).order_by(Label::name).all(&*db).await.unwrap();
        let seen = |rows: &[(&str, i32)]| rows.iter().map(|(name, uses)| ((*name).to_owned(), *uses)).collect::<Vec<_>>();
        insert_select((Label::name, Label::uses), items()).on_conflict(Label::name).do_nothing().execute(&*db).await.unwrap();
        assert_eq!(labels().await, seen(&[("a", 1), ("b", 2), ("c", 8)]));
        let update = |rows: Select<(String, i32)>| {
            insert_select((Label::name, Label::uses), rows)
                .on_conflict(Label::name)
                .do_update(|row| row.set(Label::uses, Label::uses + excluded(Label::uses)))
        };
        update(items()).execute(&*db).await.unwrap();
        assert_eq!(labels().await, seen(&[("a", 1), ("b", 9), ("c", 16)]));
        // Of the table itself, a union, an ordered part, and of none.
        update(select((Label::name, Label::uses))).execute(&*db).await.unwrap();
        assert_eq!(labels().await, seen(&[("a", 2), ("b", 18), ("c", 32)]));
        update(items().union(select((val("d".to_owned()), val(4))))).execute(&*db).await.unwrap();
        assert_eq!(labels().await, seen(&[("a", 2), ("b", 25), ("c", 40), ("d", 4)]));
        update(items().order_by(Item::id.desc()).limit(1)).execute(&*db).await.unwrap();
        update(select((val("a".to_owned()), val(40)))).execute(&*db).await.unwrap();
        for _ in 0..2 {
            insert_select((Line::name, Line::uses), select((Label::name, Label::uses)))
                .on_conflict(Line::name)
                .do_update(|row| row.set(Line::uses, Line::uses + excluded(Line::uses)))
                .execute(&*db).await.unwrap();
        }
        assert_eq!(select(Line::uses).filter(Line::name.eq("a")).one(&*db).await.unwrap(), 84);
        assert_eq!(labels().await, seen(&[("a", 42), ("b", 25), ("c", 48), ("d", 4)]));
    }

    /// Statements by hand take values as parameters, too.
    async fn raw_sql(db: Database) {
        create(&db).await;
        let inserted = sql("INSERT INTO labels (name, uses) VALUES (?, ?), (?, ?)").bind("a?'").bind(1).bind("b").bind(2_i32).execute(&*db).await.unwrap();
        assert_eq!(inserted, 2);
        let rows = sql("SELECT name, uses FROM labels WHERE uses >= ? AND name <> '??' ORDER BY name").bind(1).columns::<(String, i64)>().all(&*db).await.unwrap();
        assert_eq!(rows, [("a?'".to_owned(), 1), ("b".to_owned(), 2)]);
        let labels = sql("SELECT name, uses FROM labels WHERE name = ?").bind("b").entities::<Label>().one(&*db).await.unwrap();
        assert_eq!(labels, Label { name: "b".into(), uses: 2 });
        let anywhere = sql("SELECT 7 AS more, uses, name FROM labels WHERE name = ?").bind("b").entities::<Label>();
        assert_eq!(anywhere.one(&*db).await.unwrap(), labels);
        for (wrong, why) in [
            ("SELECT name, uses AS times FROM labels", "the rows have no column uses, but name, times"),
            ("SELECT a.*, b.* FROM labels a, labels b", "the rows have two columns named name"),
        ] {
            for error in [
                sql(wrong).entities::<Label>().all(&*db).await.unwrap_err(),
                sql(wrong).rows::<Used>().all(&*db).await.unwrap_err(),
            ] {
                assert_eq!(error.class(), ErrorClass::Decode, "{error}");
                assert!(error.to_string().contains(why), "{error}");
            }
        }
        let used = sql("SELECT uses, 7 AS more, NULL AS note, name FROM labels WHERE name = ?").bind("b").rows::<Used>();
        assert_eq!(used.one(&*db).await.unwrap(), Used { label: "b".into(), uses: 2, note: None });
        let error = sql("SELECT name, NULL AS uses, 'x' AS note FROM labels").rows::<Used>().all(&*db).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Decode, "{error}");
        assert_eq!(sql("UPDATE labels SET uses = uses + 1").execute(&*db).await.unwrap(), 2);
        // Neither too few columns nor too many.
        for wrong in ["SELECT 1", "SELECT 1, 2, 3"] {
            let error = sql(wrong).columns::<(i64, i64)>().all(&*db).await.unwrap_err();
            assert_eq!(error.class(), ErrorClass::Decode, "{error}");
        }
        let error = sql("SELECT ?").execute(&*db).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Compile, "{error:?}");
    }

    /// What each of them changed counts, and what it only read does not.
    async fn a_text_of_several_statements(db: Database) {
        create(&db).await;
        sql("INSERT INTO labels (name, uses) VALUES ('a', 1), ('b', 2), ('c', 3)").execute(&*db).await.unwrap();
        let changed = sql("UPDATE labels SET uses = 9 WHERE name = 'a'; SELECT name FROM labels; DELETE FROM labels WHERE name <> 'a'");
        assert_eq!(changed.execute(&*db).await.unwrap(), 3);
        let read_first = sql("SELECT name FROM labels; UPDATE labels SET uses = 8; UPDATE labels SET uses = 7");
        assert_eq!(read_first.execute(&*db).await.unwrap(), 2);
        assert_eq!(Label::select().all(&*db).await.unwrap(), [Label { name: "a".into(), uses: 7 }]);
        let second_fails = sql("UPDATE labels SET uses = 6; UPDATE nothing SET uses = 5; UPDATE labels SET uses = 4");
        let error = second_fails.execute(&*db).await.unwrap_err();
        assert!(error.to_string().contains("nothing"), "{error}");
        assert_ne!(select(Label::uses).all(&*db).await.unwrap(), [4]);
    }
}
