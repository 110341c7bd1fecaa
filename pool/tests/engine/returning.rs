//! RETURNING where the database has none: the same results.

use relata_core::{
    Error, ErrorClass, Result,
    driver::{Flow, Row, Sink},
    entity::{Entity, Insertable, InsertableExt},
    expr::{Operators, excluded},
    statement::{Insert, delete, insert, insert_many},
};
use relata_pool::{Execute, Fetch, insert_returning};

use crate::support::*;

/// Runs the same inserts on a database with RETURNING and on one without, and expects the same rows of both.
async fn same(inserts: impl Fn() -> Vec<Insert<User>>, batch: usize) -> Result<Vec<Vec<User>>> {
    let mut results = Vec::new();
    for returning in [true, false] {
        let db = database_with(options(), Behaviour { returning, batch, aborts: false }).await;
        insert_many(["old@x", "older@x"].map(new)).execute(&db.engine).await?;
        let mut rows = Vec::new();
        for insert in inserts() {
            rows.push(insert.all(&db.engine).await?);
        }
        assert_eq!(db.engine.status().in_use, 0);
        results.push((rows, User::select().order_by(User::id).all(&db.engine).await?));
    }
    // Which numbers a database leaves out is its own business.
    let dense = |mut result: (Vec<Vec<User>>, Vec<User>)| {
        let mut ids: Vec<i64> =
            result.1.iter().map(|user| user.id).filter(|id| *id > 2 && *id < 10).collect();
        ids.sort_unstable();
        for user in result.0.iter_mut().flatten().chain(&mut result.1) {
            user.id = ids.iter().position(|id| *id == user.id).map_or(user.id, |at| at as i64 + 3);
        }
        result
    };
    let results: Vec<_> = results.into_iter().map(dense).collect();
    let [with, without] = results.try_into().unwrap();
    assert_eq!(with, without);
    Ok(with.0)
}

fn entities<N: Insertable<Entity = User>>(rows: impl IntoIterator<Item = N>) -> Insert<User> {
    insert_many(rows).returning(User::entity())
}

#[tokio::test]
async fn generated_keys() -> Result<()> {
    for batch in [1, 3, 1000] {
        let rows = same(|| vec![entities((0..7).map(|n| new(&format!("{n}@x"))))], batch).await?;
        assert_eq!(rows[0].iter().map(|user| user.id).collect::<Vec<_>>(), [3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(rows[0][6].email, "6@x");
    }
    Ok(())
}

#[tokio::test]
async fn keys_of_ones_own_in_any_order() -> Result<()> {
    let keys = [50, 20, 40, 10, 30];
    let rows = same(|| vec![entities(keys.map(|key| new(&format!("{key}@x")).with_key(key)))], 1000).await?;
    assert_eq!(rows[0].iter().map(|user| user.id).collect::<Vec<_>>(), keys);
    Ok(())
}

#[tokio::test]
async fn mixed_keys() -> Result<()> {
    let insert = || {
        let width = User::TABLE.columns.len();
        let mut inputs = vec![Default::default(); 5 * width];
        for (at, row) in inputs.chunks_mut(width).enumerate() {
            new(&format!("{at}@x")).into_inputs(row);
        }
        for (row, key) in [(1, 100), (3, 70)] {
            inputs[row * width] = relata_core::entity::Input::Value(relata_core::value::Value::I64(key));
        }
        vec![Insert::from_inputs(User::TABLE, inputs).returning(User::entity())]
    };
    let rows = same(insert, 1000).await?;
    assert_eq!(rows[0].iter().map(|user| user.id).collect::<Vec<_>>(), [3, 100, 101, 70, 102]);
    Ok(())
}

#[tokio::test]
async fn upserts() -> Result<()> {
    let rows =
        || ["new@x", "old@x", "newer@x"].map(|email| NewUser { email: email.into(), name: Some("N".into()) });
    let nothing =
        move || vec![insert_many(rows()).on_conflict(User::email).do_nothing().returning(User::entity())];
    let left = same(nothing, 1000).await?;
    assert_eq!(left[0].iter().map(|user| &*user.email).collect::<Vec<_>>(), ["new@x", "newer@x"]);

    let all_there = || {
        let insert = insert_many(["old@x", "older@x"].map(new)).on_conflict(User::email).do_nothing();
        vec![insert.returning(User::entity())]
    };
    assert_eq!(same(all_there, 1000).await?, [[]]);

    let update = move || {
        let insert = insert_many(rows()).on_conflict(User::email);
        vec![
            insert
                .do_update(|set| set.set(User::name, excluded(User::name).concat("!")))
                .returning(User::entity()),
        ]
    };
    let rows = same(update, 1000).await?;
    assert_eq!(
        rows[0].iter().map(|user| (&*user.email, user.name.as_deref())).collect::<Vec<_>>(),
        [("new@x", Some("N")), ("old@x", Some("N!")), ("newer@x", Some("N"))]
    );
    assert_eq!(rows[0][1].id, 1, "the row that was there");
    Ok(())
}

#[tokio::test]
async fn it_is_a_unit() -> Result<()> {
    let db = database_with(options(), Behaviour { returning: false, batch: 2, aborts: false }).await;
    let error = entities(["a@x", "b@x", "c@x", "a@x"].map(new)).all(&db.engine).await.unwrap_err();
    assert!(error.is_unique_violation(), "{error}");
    settled(&db).await;
    assert_eq!(emails(&db).await, [""; 0]);

    // In a transaction it is a part of that.
    let mut tx = db.engine.begin().await?;
    entities(["a@x", "b@x", "c@x"].map(new)).all(&mut tx).await?;
    tx.rollback().await?;
    assert_eq!(emails(&db).await, [""; 0]);

    // Of which no half stays. One INSERT alone is none.
    let mut tx = db.engine.begin().await?;
    db.server.trips();
    insert(new("a@x")).returning(User::id).one(&mut tx).await?;
    assert_eq!(db.server.trips(), ["BEGIN IMMEDIATE; INSERT INTO", "SELECT \"users\".\"id\""]);
    let error = entities(["b@x", "c@x", "d@x", "a@x"].map(new)).all(&mut tx).await.unwrap_err();
    assert!(error.is_unique_violation(), "{error}");
    tx.commit().await?;
    assert_eq!(emails(&db).await, ["a@x"]);
    delete::<User>().execute(&db.engine).await?;

    db.server.trips();
    insert(new("d@x")).returning(User::id).one(&db.engine).await?;
    assert_eq!(db.server.trips(), ["BEGIN IMMEDIATE; INSERT INTO", "SELECT \"users\".\"id\"", "COMMIT"]);
    Ok(())
}

/// A row that is refused here: the database knows nothing of it.
#[tokio::test]
async fn a_list_without_a_savepoint_lets_nothing_be_done_after_an_error() -> Result<()> {
    struct Refuse;
    impl Sink for Refuse {
        fn row(&mut self, _: &mut dyn Row) -> Result<Flow, Error> {
            Err(Error::new(ErrorClass::Decode, "refused"))
        }
    }
    let db = database_with(options(), Behaviour { batch: 2, aborts: true, ..Behaviour::default() }).await;
    // All at once, and in waves.
    for rows in [3, 30] {
        let list = || entities((0..rows).map(|row| new(&format!("{row}@x"))));
        let mut tx = db.engine.begin().await?;
        let error = insert_returning(&mut tx, list().into_body(), &mut Refuse).await.err().unwrap();
        assert_eq!(error.class(), ErrorClass::Decode);
        assert_eq!(list().all(&mut tx).await.unwrap_err().class(), ErrorClass::Poisoned);
        tx.rollback().await?;

        let mut tx = db.engine.begin().await?;
        list().all(&mut tx).await?;
        tx.rollback().await?;
        let trips = db.server.trips().join("; ");
        assert!(!trips.contains("SAVEPOINT"), "{trips}");
    }
    Ok(())
}

#[tokio::test]
async fn into_a_sink_of_ones_own() -> Result<()> {
    struct Ids(Vec<String>);
    impl Sink for Ids {
        fn row(&mut self, row: &mut dyn Row) -> Result<Flow, Error> {
            self.0.push(format!("{:?}", row.cell(0)?));
            Ok(Flow::Continue)
        }
    }
    for returning in [true, false] {
        let db = database_with(options(), Behaviour { returning, batch: 2, aborts: false }).await;
        let body = entities(["a@x", "b@x", "c@x"].map(new)).into_body();
        let mut ids = Ids(Vec::new());
        let ran = insert_returning(&mut &db.engine, body, &mut ids).await?;
        assert_eq!(ids.0, ["I64(1)", "I64(2)", "I64(3)"]);
        assert_eq!(ran.rows_affected, 3);
    }
    Ok(())
}
