//! Units of work that are run again, from places where borrowing is hard.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use relata_core::{
    Error, ErrorClass, Result,
    entity::Entity,
    expr::Operators,
    statement::{insert, update},
};
use relata_pool::{Attempt, Engine, Execute, Fetch, FetchSelect, RetryOptions};

use crate::support::*;

fn quick() -> RetryOptions {
    RetryOptions::new().backoff(Duration::from_micros(100))
}

#[tokio::test]
async fn again_after_a_deadlock() -> Result<()> {
    let db = database().await;
    db.server.fault("INSERT", 2, Fault::Error(ErrorClass::Deadlock));
    let attempts = AtomicUsize::new(0);
    let id = db
        .engine
        .retry(quick())
        .transaction(|mut tx| {
            attempts.fetch_add(1, SeqCst);
            async move { insert(new("a@x")).returning(User::id).one(&mut tx).await }
        })
        .await?;
    assert_eq!((attempts.load(SeqCst), id), (3, 1));
    assert_eq!(emails(&db).await, ["a@x"]);

    db.server.fault("COMMIT", 1, Fault::Error(ErrorClass::Serialization));
    db.engine
        .retry(quick())
        .transaction(|mut tx| async move { insert(new("b@x")).execute(&mut tx).await })
        .await?;
    assert_eq!(emails(&db).await, ["a@x", "b@x"]);
    Ok(())
}

#[tokio::test]
async fn not_for_ever_and_not_for_everything() {
    let db = database().await;
    let attempts = AtomicUsize::new(0);
    for (class, expected) in
        [(ErrorClass::Serialization, 3), (ErrorClass::Unique, 1), (ErrorClass::CommitUnknown, 1)]
    {
        attempts.store(0, SeqCst);
        let error = db
            .engine
            .retry(quick().attempts(3))
            .transaction(|mut tx| {
                attempts.fetch_add(1, SeqCst);
                async move {
                    insert(new("a@x")).execute(&mut tx).await?;
                    Err::<(), _>(Error::new(class, "as the test wants"))
                }
            })
            .await
            .unwrap_err();
        assert_eq!((error.class(), attempts.load(SeqCst)), (class, expected));
    }
    assert_eq!(emails(&db).await, [""; 0]);
    assert_eq!(db.engine.status().in_use, 0);
}

#[tokio::test]
async fn a_handle_that_was_given_away_commits_nothing() {
    let db = database().await;
    let kept: Mutex<Option<Attempt>> = Mutex::new(None);
    let error = db
        .engine
        .transaction(|mut tx| async {
            insert(new("a@x")).execute(&mut tx).await?;
            *kept.lock().unwrap() = Some(tx);
            Ok(())
        })
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Poisoned);
    drop(kept);
    settled(&db).await;
    assert_eq!(emails(&db).await, [""; 0]);
}

/// Writes in a unit of work that borrows what is around it.
async fn rename(engine: &Engine, names: &[String]) -> Result<u64> {
    let suffix = String::from("!");
    engine
        .transaction(|mut tx| {
            let suffix = &suffix;
            async move {
                let mut renamed = 0;
                for name in names {
                    insert(new(&format!("{name}@x"))).execute(&mut tx).await?;
                    let mut inner = tx.begin().await?;
                    let to = format!("{name}{suffix}");
                    let email = format!("{name}@x");
                    renamed += update::<User>()
                        .set(User::name, to)
                        .filter(User::email.eq(email))
                        .execute(&mut inner)
                        .await?;
                    inner.commit().await?;
                }
                Ok(renamed)
            }
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn inside_of_a_spawned_task() -> Result<()> {
    let db = database_with(options(), Behaviour::default()).await;
    let engine = db.engine.clone();
    let renamed = tokio::spawn(async move {
        let names = vec!["a".to_string(), "b".to_string()];
        let renamed = rename(&engine, &names).await?;

        // The guard, too, and statements with borrowed locals.
        let email = String::from("c@x");
        let mut tx = engine.begin().await?;
        insert(new(&email)).execute(&mut tx).await?;
        let before = User::select().filter(User::email.eq(&*email)).count(&mut tx).await?;
        tx.commit().await?;
        let mut rows = User::select().stream(&engine);
        while let Some(row) = rows.next().await {
            row?;
        }
        User::select().for_each(&engine, |_| Ok(std::ops::ControlFlow::Continue(()))).await?;
        Ok::<_, Error>(renamed + before as u64)
    })
    .await
    .unwrap()?;
    assert_eq!(renamed, 3);
    assert_eq!(emails(&db).await, ["a@x", "b@x", "c@x"]);
    Ok(())
}

#[tokio::test]
async fn inside_of_an_axum_handler() -> Result<()> {
    use axum::{Router, extract::State, routing::post};

    async fn handler(State(engine): State<Engine>, body: String) -> String {
        let names: Vec<String> = body.split(',').map(str::to_owned).collect();
        match rename(&engine, &names).await {
            Ok(renamed) => renamed.to_string(),
            Err(error) => error.to_string(),
        }
    }
    async fn direct(State(engine): State<Engine>, body: String) -> String {
        let names: Vec<&str> = body.split(',').collect();
        let result = engine
            .transaction(|mut tx| {
                let names = &names;
                async move {
                    for name in names {
                        insert(new(name)).execute(&mut tx).await?;
                    }
                    User::select().count(&mut tx).await
                }
            })
            .await;
        format!("{result:?}")
    }

    let db = database().await;
    let app: Router<()> = Router::new()
        .route("/rename", post(handler))
        .route("/direct", post(direct))
        .with_state(db.engine.clone());
    let _ = app;
    assert_eq!(handler(State(db.engine.clone()), "a,b".into()).await, "2");
    assert_eq!(direct(State(db.engine.clone()), "c,d".into()).await, "Ok(4)");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_lose_nothing() -> Result<()> {
    let db = database_with(options().pool_size(4), Behaviour::default()).await;
    insert(NewUser { email: "counter".into(), name: Some("0".into()) }).execute(&db.engine).await?;
    let engine = Arc::new(db.engine.clone());
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move {
                for _ in 0..5 {
                    engine
                        .retry(RetryOptions::new().attempts(1000).max_backoff(Duration::from_millis(5)))
                        .transaction(|mut tx| async move {
                            let user = User::find(&1).one(&mut tx).await?;
                            let count: u32 = user.name.and_then(|name| name.parse().ok()).unwrap_or_default();
                            let count = (count + 1).to_string();
                            update::<User>()
                                .set(User::name, count)
                                .filter(User::id.eq(1))
                                .execute(&mut tx)
                                .await
                        })
                        .await?;
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap()?;
    }
    assert_eq!(User::find(&1).one(&db.engine).await?.name.as_deref(), Some("40"));
    Ok(())
}
