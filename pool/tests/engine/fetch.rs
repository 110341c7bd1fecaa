//! Reading and writing on an engine.

use std::ops::ControlFlow;

use crate::support::*;
use relata_core::{
    ErrorClass, Result,
    entity::Entity,
    expr::Operators,
    statement::{delete, insert, insert_many, select, sql, update},
};
use relata_pool::{Engine, Execute, Fetch, FetchSelect, RowStream};

#[tokio::test]
async fn rows_and_counts() -> Result<()> {
    let db = database().await;
    let engine = &db.engine;

    assert_eq!(insert(new("a@x")).execute(engine).await?, 1);
    let bob = insert(NewUser { email: "b@x".into(), name: Some("Bob".into()) }).returning(User::entity());
    assert_eq!(bob.one(engine).await?, User { id: 2, email: "b@x".into(), name: Some("Bob".into()) });
    let ids = insert_many(["c@x", "d@x"].map(new)).returning(User::id).all(engine).await?;
    assert_eq!(ids, [3, 4]);

    let all = User::select().order_by(User::id);
    assert_eq!(all.clone().all(engine).await?.len(), 4);
    assert_eq!(all.clone().first(engine).await?.map(|user| user.id), Some(1));
    assert_eq!(all.clone().count(engine).await?, 4);
    assert!(all.clone().filter(User::id.gt(3)).exists(engine).await?);
    assert!(!all.clone().filter(User::id.gt(4)).exists(engine).await?);
    assert_eq!(all.clone().limit(3).count(engine).await?, 3);

    assert_eq!(update::<User>().set(User::name, "x").filter(User::id.gt(2)).execute(engine).await?, 2);
    assert_eq!(delete::<User>().filter(User::id.eq(1)).execute(engine).await?, 1);
    let names = sql("SELECT name FROM users WHERE id > ?").bind(2_i64).columns::<Option<String>>();
    assert_eq!(names.all(engine).await?, [Some("x".to_string()), Some("x".to_string())]);
    Ok(())
}

#[tokio::test]
async fn one_row_is_one_row() -> Result<()> {
    let db = database().await;
    insert_many(["a@x", "b@x"].map(new)).execute(&db.engine).await?;

    let none = User::find(&7).one(&db.engine).await.unwrap_err();
    assert_eq!(none.class(), ErrorClass::NotFound);
    assert!(none.to_string().contains("SELECT"), "{none}");
    assert_eq!(User::find(&7).one_or_none(&db.engine).await?, None);
    assert_eq!(User::find(&1).one(&db.engine).await?.email, "a@x");
    let many = User::select().one_or_none(&db.engine).await.unwrap_err();
    assert_eq!(many.class(), ErrorClass::TooManyRows);
    Ok(())
}

#[tokio::test]
async fn a_large_insert_is_one_unit() -> Result<()> {
    let db = database_with(options(), Behaviour { batch: 3, ..Behaviour::default() }).await;
    let rows = |range: std::ops::Range<u32>| insert_many(range.map(|n| new(&format!("{n:02}@x"))));

    assert_eq!(rows(0..8).execute(&db.engine).await?, 8);
    assert_eq!(
        db.server.trips(),
        ["BEGIN IMMEDIATE; INSERT INTO; INSERT INTO; INSERT INTO; COMMIT"],
        "one trip, one transaction"
    );
    let emails = rows(8..15).returning(User::email).all(&db.engine).await?;
    assert_eq!(emails, (8..15).map(|n| format!("{n:02}@x")).collect::<Vec<_>>());

    let twice = rows(14..20).execute(&db.engine).await.unwrap_err();
    assert!(twice.is_unique_violation());
    assert_eq!(User::select().count(&db.engine).await?, 15, "nothing of it stays");
    assert_eq!(insert_many(Vec::<NewUser>::new()).execute(&db.engine).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_stream_is_bounded_and_ordered() -> Result<()> {
    let db = database().await;
    insert_many((0..1000).map(|n| new(&format!("{n}@x")))).execute(&db.engine).await?;

    let mut rows = select(User::id).order_by(User::id).stream(&db.engine);
    let mut expected = 1..=1000;
    while let Some(id) = rows.next().await {
        assert_eq!(Some(id?), expected.next());
    }
    assert_eq!(expected.next(), None);
    assert!(rows.next().await.is_none());

    let mut sum = 0;
    select(User::id)
        .order_by(User::id)
        .for_each(&db.engine, |id| {
            sum += id;
            Ok(if id == 600 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
        .await?;
    assert_eq!(sum, 600 * 601 / 2);
    assert_eq!(User::select().count(&db.engine).await?, 1000, "the connection is usable");
    Ok(())
}

#[tokio::test]
async fn an_error_names_the_statement() {
    let db = database().await;
    let error = sql("SELECT nothing FROM nowhere").columns::<i64>().all(&db.engine).await.unwrap_err();
    assert_eq!(error.statement(), Some("SELECT nothing FROM nowhere"));
    let decode = sql("SELECT 'x'").columns::<i64>().one(&db.engine).await.unwrap_err();
    assert_eq!((decode.class(), decode.statement()), (ErrorClass::Decode, Some("SELECT 'x'")));
}

#[tokio::test]
async fn a_stream_may_own_its_engine() -> Result<()> {
    fn ids(engine: Engine) -> RowStream<'static, i64> {
        select(User::id).order_by(User::id).stream(engine)
    }
    let db = database().await;
    insert_many(["a@x", "b@x"].map(new)).execute(&db.engine).await?;
    let mut rows = ids(db.engine.clone());
    assert_eq!(rows.next().await.transpose()?, Some(1));
    assert_eq!(rows.next().await.transpose()?, Some(2));
    assert_eq!(rows.next().await.transpose()?, None);
    Ok(())
}

#[tokio::test]
async fn a_stream_gives_what_it_has_before_an_error() -> Result<()> {
    let db = database().await;
    let mut rows =
        sql("SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 'x'").columns::<i64>().stream(&db.engine);
    assert_eq!(rows.next().await.transpose()?, Some(1));
    assert_eq!(rows.next().await.transpose()?, Some(2));
    assert_eq!(rows.next().await.transpose().unwrap_err().class(), ErrorClass::Decode);
    assert!(rows.next().await.is_none());
    Ok(())
}
