//! One engine in several runtimes.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::thread;

use relata::prelude::*;
use relata_tests::{Server, at_rest, blog::*, on_every_database};
use tokio::runtime::{Builder, Runtime};

fn tag(name: &str) -> NewTag {
    NewTag { name: name.into() }
}

/// An engine that was opened in a runtime of a single thread, and that runtime, which nobody drives any more.
fn opened_elsewhere(url: &str) -> (Engine, Runtime) {
    let url = url.to_owned();
    let opening = thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let db = runtime.block_on(Engine::connect(&url)).unwrap();
        (db, runtime)
    });
    opening.join().unwrap()
}

on_every_database! {
    async fn the_one_it_was_opened_in_has_ended(db: Database) {
        schema().create(&*db).await.unwrap();
        let (other, runtime) = opened_elsewhere(&db.url);
        thread::spawn(|| drop(runtime)).join().unwrap();
        insert(tag("a")).execute(&other).await.unwrap();
        let mut tx = other.begin().await.unwrap();
        insert(tag("b")).execute(&mut tx).await.unwrap();
        drop(tx);
        at_rest(&other).await;
        assert_eq!(select(Tag::name).all(&other).await.unwrap(), ["a"]);
    }

    /// The connection of a server goes on only there.
    async fn the_one_it_was_opened_in_is_not_driven(db: Database) {
        if db.server() != Server::Sqlite {
            return;
        }
        schema().create(&*db).await.unwrap();
        let (other, runtime) = opened_elsewhere(&db.url);
        let mut tx = other.begin().await.unwrap();
        insert(tag("a")).execute(&mut tx).await.unwrap();
        drop(tx);
        at_rest(&other).await;
        insert(tag("b")).execute(&*db).await.unwrap();
        assert_eq!(select(Tag::name).all(&other).await.unwrap(), ["b"]);
        other.close().await.unwrap();
        thread::spawn(|| drop(runtime)).join().unwrap();
    }
}
