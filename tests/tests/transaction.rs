//! Transactions on every database: what they keep, what they undo, and what a dropped future leaves behind.

use std::{
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use relata::{RetryOptions, prelude::*, transaction::AfterError};
use relata_tests::{Database, blog::*, on_every_database};

fn new(email: &str) -> NewUser {
    NewUser { email: email.into(), name: None }
}

async fn emails(db: &Database) -> Vec<String> {
    select(User::email).order_by(User::id).all(&**db).await.unwrap()
}

async fn create(db: &Database) {
    Schema::new().with::<User>().create(&**db).await.unwrap();
}

/// Waits until nothing is being cleaned any more.
async fn settled(db: &Database) {
    for _ in 0..5000 {
        if db.status().in_use == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("connections are still in use: {:?}", db.status());
}

/// A future that is given up when it has waited so many times.
struct GivenUp<'f, T> {
    future: Pin<&'f mut (dyn Future<Output = T> + Send)>,
    waits: usize,
}

impl<T> Future for GivenUp<'_, T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        match self.future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if self.waits == 0 => Poll::Ready(None),
            Poll::Pending => {
                self.waits -= 1;
                Poll::Pending
            }
        }
    }
}

on_every_database! {
    async fn savepoints(db: Database) {
        create(&db).await;
        let mut tx = db.begin().await.unwrap();
        insert(new("a")).execute(&mut tx).await.unwrap();
        let mut inner = tx.begin().await.unwrap();
        insert(new("b")).execute(&mut inner).await.unwrap();
        inner.rollback().await.unwrap();
        let mut inner = tx.begin().await.unwrap();
        insert(new("c")).execute(&mut inner).await.unwrap();
        inner.commit().await.unwrap();
        let mut inner = tx.begin().await.unwrap();
        insert(new("d")).execute(&mut inner).await.unwrap();
        drop(inner);
        tx.commit().await.unwrap();
        assert_eq!(emails(&db).await, ["a", "c"]);

        let mut tx = db.begin().await.unwrap();
        insert(new("e")).execute(&mut tx).await.unwrap();
        drop(tx);
        settled(&db).await;
        assert_eq!(emails(&db).await, ["a", "c"]);
    }

    async fn after_a_failed_statement(db: Database) {
        create(&db).await;
        let mut tx = db.begin().await.unwrap();
        insert(new("a")).execute(&mut tx).await.unwrap();
        let mut inner = tx.begin().await.unwrap();
        assert!(insert(new("a")).execute(&mut inner).await.unwrap_err().is_unique_violation());
        drop(inner);
        insert(new("b")).execute(&mut tx).await.unwrap();
        assert!(insert(new("a")).execute(&mut tx).await.unwrap_err().is_unique_violation());
        let committed = tx.commit().await;
        if db.dialect().after_error(ErrorClass::Unique) == AfterError::Open {
            committed.unwrap();
            assert_eq!(emails(&db).await, ["a", "b"]);
        } else {
            assert_eq!(committed.unwrap_err().class(), ErrorClass::Poisoned);
            assert_eq!(emails(&db).await, [""; 0]);
        }
        assert_eq!(db.status().in_use, 0);
    }

    async fn a_large_insert_is_a_unit(db: Database) {
        create(&db).await;
        let rows = |n: usize| insert_many((0..n).map(|n| new(&n.to_string())));
        let users = rows(2500).returning(User::entity()).all(&*db).await.unwrap();
        let expected: Vec<String> = (0..2500).map(|n| n.to_string()).collect();
        assert_eq!(users.iter().map(|user| &*user.email).collect::<Vec<_>>(), expected);
        assert!(users.is_sorted_by_key(|user| user.id));
        delete::<User>().filter(User::email.ne("1999")).execute(&*db).await.unwrap();
        assert!(rows(2500).execute(&*db).await.unwrap_err().is_unique_violation());
        assert_eq!(emails(&db).await, ["1999"]);
    }

    async fn returning(db: Database) {
        create(&db).await;
        insert_many(["old", "older"].map(new)).execute(&*db).await.unwrap();
        let keys = [50, 20, 40];
        let rows = keys.map(|key| new(&format!("k{key}")).with_key(key));
        assert_eq!(insert_many(rows).returning(User::id).all(&*db).await.unwrap(), keys);

        let rows = || ["new", "old", "newer"].map(|email| NewUser { email: email.into(), name: Some("N".into()) });
        let skipping = insert_many(rows()).on_conflict(User::email).do_nothing().returning(User::email);
        assert_eq!(skipping.all(&*db).await.unwrap(), ["new", "newer"]);
        let update = insert_many(rows()).on_conflict(User::email).do_update(|set| set.take(User::name));
        let users = update.returning((User::email, User::name)).all(&*db).await.unwrap();
        let named = |email: &str| (email.to_owned(), Some("N".to_owned()));
        assert_eq!(users, ["new", "old", "newer"].map(named));
    }

    async fn dropped_at_each_await(db: Database) {
        create(&db).await;
        for waits in 0.. {
            let request = async {
                let mut tx = db.begin().await?;
                insert(new(&format!("{waits}-1"))).execute(&mut tx).await?;
                let mut inner = tx.begin().await?;
                insert(new(&format!("{waits}-2"))).returning(User::id).one(&mut inner).await?;
                inner.rollback().await?;
                insert_many([new(&format!("{waits}-3")), new(&format!("{waits}-4"))]).execute(&mut tx).await?;
                select(User::id).stream(&mut tx).next().await.transpose()?;
                tx.commit().await
            };
            let ended = GivenUp { future: pin!(request), waits }.await;
            if ended.is_some() {
                break;
            }
        }
        settled(&db).await;
        // All or nothing, and no lock is left.
        let rows = emails(&db).await;
        let count = |end: &str| rows.iter().filter(|row| row.ends_with(end)).count();
        assert_eq!((count("-1"), count("-2"), count("-3")), (count("-4"), 0, count("-4")));
        delete::<User>().execute(&*db).await.unwrap();
    }

    async fn units_of_work_are_serialised(db: Database) {
        create(&db).await;
        insert(NewUser { email: "counter".into(), name: Some("0".into()) }).execute(&*db).await.unwrap();
        let tasks: Vec<_> = (0..4).map(|_| {
            let engine = Engine::clone(&db);
            tokio::spawn(async move {
                for _ in 0..5 {
                    let options = RetryOptions::new().attempts(200).max_backoff(Duration::from_millis(20));
                    engine.retry(options).transaction(|mut tx| async move {
                        let name = select(User::name).one(&mut tx).await?;
                        let count: u32 = name.and_then(|name| name.parse().ok()).unwrap_or_default();
                        update::<User>().set(User::name, (count + 1).to_string()).execute(&mut tx).await
                    }).await.unwrap();
                }
            })
        }).collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(select(User::name).one(&*db).await.unwrap().as_deref(), Some("20"));
    }
}
