//! A unit of work that returns without having committed what it did: nothing of it is saved, and that is said.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use relata::prelude::*;
use relata_tests::{Database, at_rest, blog::*, on_every_database};

fn user(email: &str) -> NewUser {
    NewUser { email: email.into(), name: None }
}

/// A user, her post, and a tag.
async fn blog(db: &Database) {
    schema().create(&**db).await.unwrap();
    let mut session = db.session();
    let author = session.add(user("a"));
    session.add(NewPost { author_id: author.into(), reviewer_id: None, title: "x".into() });
    session.add(NewTag { name: "t".into() });
    session.commit().await.unwrap();
}

/// What is in the tables of the blog: users, titles, links.
async fn saved(db: &Database) -> (Vec<String>, Vec<String>, i64) {
    let emails = select(User::email).order_by(User::email).all(&**db).await.unwrap();
    let titles = select(Post::title).all(&**db).await.unwrap();
    (emails, titles, PostTag::select().count(&**db).await.unwrap())
}

/// A closure that returns `Ok`, but has not committed: that is said, and nothing is saved.
async fn is_lost<F, U>(db: &Database, unit: F)
where
    F: FnMut(Session) -> U,
    U: Future<Output = Result<(), Error>>,
{
    let before = saved(db).await;
    let error = db.unit_of_work().run(unit).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Session, "{error}");
    let words = error.to_string();
    assert!(words.contains("did not commit") && words.contains("`session.commit().await?`"), "{words}");
    at_rest(db).await;
    assert_eq!(saved(db).await, before);
}

/// A closure that loses nothing.
async fn is_fine<F, U>(db: &Database, unit: F)
where
    F: FnMut(Session) -> U,
    U: Future<Output = Result<(), Error>>,
{
    let before = saved(db).await;
    db.unit_of_work().run(unit).await.unwrap();
    at_rest(db).await;
    assert_eq!(saved(db).await, before);
}

on_every_database! {
    async fn what_is_pending(db: Database) {
        blog(&db).await;
        is_lost(&db, |mut session: Session| async move {
            session.add(user("b"));
            Ok(())
        }).await;
        is_lost(&db, |mut session: Session| async move {
            let post = session.one(Post::select()).await?;
            session[post].title = "y".into();
            Ok(())
        }).await;
        is_lost(&db, |mut session: Session| async move {
            let post = session.one(Post::select()).await?;
            session.delete(post);
            Ok(())
        }).await;
        is_lost(&db, |mut session: Session| async move {
            let (post, tag) = (session.one(Post::select()).await?, session.one(Tag::select()).await?);
            session.link(post, Post::tags, tag);
            Ok(())
        }).await;
        is_lost(&db, |mut session: Session| async move {
            let post = session.one(Post::select()).await?;
            let reviewer = session.one(User::select()).await?;
            session.set(post, Post::reviewer, reviewer);
            Ok(())
        }).await;
    }

    async fn what_is_flushed(db: Database) {
        blog(&db).await;
        is_lost(&db, |mut session: Session| async move {
            session.add(user("b"));
            session.flush().await
        }).await;
        is_lost(&db, |mut session: Session| async move {
            let post = session.one(Post::select()).await?;
            session[post].title = "y".into();
            // Which flushes.
            session.all(Post::select()).await?;
            Ok(())
        }).await;
        is_lost(&db, |mut session: Session| async move {
            session.add(user("b"));
            let savepoint = session.savepoint().await?;
            session.add(user("c"));
            session.flush().await?;
            session.rollback_to(savepoint).await
        }).await;
        is_lost(&db, |mut session: Session| async move {
            let savepoint = session.savepoint().await?;
            session.add(user("b"));
            session.release(savepoint).await
        }).await;
    }

    async fn bulk_statements(db: Database) {
        blog(&db).await;
        is_lost(&db, |mut session: Session| async move {
            insert(user("b")).execute(&mut session).await.map(drop)
        }).await;
        is_lost(&db, |mut session: Session| async move {
            insert_many([user("b"), user("c")]).returning(User::id).all(&mut session).await.map(drop)
        }).await;
        is_lost(&db, |mut session: Session| async move {
            session.one(insert(user("b")).returning(User::entity())).await.map(drop)
        }).await;
        is_lost(&db, |mut session: Session| async move {
            update::<Post>().set(Post::title, "y").execute(&mut session).await.map(drop)
        }).await;
        is_lost(&db, |mut session: Session| async move {
            delete::<Post>().execute(&mut session.unflushed()).await.map(drop)
        }).await;
        is_lost(&db, |mut session: Session| async move {
            sql("UPDATE posts SET title = 'y'").execute(&mut session).await.map(drop)
        }).await;
        let many = 5000;
        is_lost(&db, |mut session: Session| async move {
            let rows = (0..many).map(|number| user(&number.to_string()));
            assert_eq!(insert_many(rows).execute(&mut session).await?, many);
            Ok(())
        }).await;
    }

    async fn what_was_only_read(db: Database) {
        blog(&db).await;
        is_fine(&db, |_: Session| async { Ok(()) }).await;
        is_fine(&db, |mut session: Session| async move {
            let graph = session.all(User::select().with(User::posts)).await?;
            assert_eq!(graph.len(), 1);
            assert_eq!(select(Post::title).all(&mut session).await?, ["x"]);
            assert_eq!(User::select().count(&mut session).await?, 1);
            sql("SELECT id FROM posts").columns::<i64>().all(&mut session).await?;
            // Neither of these finds a row to change.
            update::<Post>().set(Post::title, "y").filter(Post::id.eq(-1)).execute(&mut session).await?;
            delete::<Post>().filter(Post::id.eq(-1)).execute(&mut session).await.map(drop)
        }).await;
        // Borrowed to be changed, or changed and set back; added and deleted.
        is_fine(&db, |mut session: Session| async move {
            let post = session.one(Post::select()).await?;
            let title = std::mem::replace(&mut session[post].title, "y".into());
            session[post].title = title;
            let author = session.add(user("b"));
            session.delete(author);
            Ok(())
        }).await;
    }

    async fn what_was_rolled_back(db: Database) {
        blog(&db).await;
        is_fine(&db, |mut session: Session| async move {
            session.add(user("b"));
            session.rollback().await
        }).await;
        is_fine(&db, |mut session: Session| async move {
            session.add(user("b"));
            session.flush().await?;
            update::<Post>().set(Post::title, "y").execute(&mut session).await?;
            session.rollback().await
        }).await;
        is_fine(&db, |mut session: Session| async move {
            let savepoint = session.savepoint().await?;
            session.add(user("b"));
            session.flush().await?;
            session.rollback_to(savepoint).await
        }).await;
        is_lost(&db, |mut session: Session| async move {
            session.add(user("b"));
            session.rollback().await?;
            session.add(user("c"));
            Ok(())
        }).await;
    }

    async fn what_was_committed(db: Database) {
        blog(&db).await;
        db.unit_of_work().run(|mut session: Session| async move {
            session.add(user("b"));
            session.commit().await?;
            // It only reads from here on.
            session.all(Post::select()).await.map(drop)
        }).await.unwrap();
        assert_eq!(saved(&db).await.0, ["a", "b"]);
        // What comes behind the commit is not of it.
        is_lost(&db, |mut session: Session| async move {
            let post = session.one(Post::select()).await?;
            session[post].title = "x".into();
            session.commit().await?;
            session.add(user("c"));
            Ok(())
        }).await;
    }

    /// The closure was told, and made of it what it wanted.
    async fn what_could_not_be_committed(db: Database) {
        blog(&db).await;
        is_fine(&db, |mut session: Session| async move {
            session.add(user("a"));
            let error = session.commit().await.unwrap_err();
            assert!(error.is_unique_violation(), "{error}");
            Ok(())
        }).await;
        is_lost(&db, |mut session: Session| async move {
            session.add(user("a"));
            session.commit().await.unwrap_err();
            session.rollback().await?;
            session.add(user("b"));
            Ok(())
        }).await;
    }

    async fn what_is_returned(db: Database) {
        blog(&db).await;
        let mut session = db.unit_of_work().run(|mut session: Session| async move {
            session.add(user("b"));
            session.flush().await?;
            session.add(user("c"));
            Ok(session)
        }).await.unwrap();
        session.commit().await.unwrap();
        drop(session);
        assert_eq!(saved(&db).await.0, ["a", "b", "c"]);
        // Or kept elsewhere.
        let mut kept = Vec::new();
        let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
        db.unit_of_work().run(|mut session: Session| {
            let send = send.clone();
            async move {
                session.add(user("d"));
                send.send(session).unwrap();
                Ok(())
            }
        }).await.unwrap();
        kept.extend(receive.recv().await);
        kept[0].commit().await.unwrap();
        assert_eq!(saved(&db).await.0, ["a", "b", "c", "d"]);
    }

    /// An error is the closure's own, and a session outside of a unit of work is dropped without a word.
    async fn what_is_not_its_business(db: Database) {
        blog(&db).await;
        let error = db.unit_of_work().run(|mut session: Session| async move {
            session.add(user("b"));
            session.flush().await?;
            Err::<(), _>(Error::new(ErrorClass::NotFound, "as the test wants"))
        }).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::NotFound);
        let mut session = db.session();
        session.add(user("b"));
        drop(session);
        at_rest(&db).await;
        assert_eq!(saved(&db).await.0, ["a"]);
    }
}
