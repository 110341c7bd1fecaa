//! Every answer that the guide gives about sessions.

use std::time::Duration;

use relata::{dialect::Feature, prelude::*};
use relata_tests::{Database, Line, Server, at_rest, blog::*, on_every_database, polled};

/// Refers to itself.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "nodes", belongs_to(parent: Node, key = parent_id), has_many(children: Node, key = parent_id))]
struct Node {
    #[column(primary_key)]
    id: i64,
    #[column(references = Node::id)]
    parent_id: Option<i64>,
    name: String,
}

/// Has a place that no other has, or none.
/// The database makes its key.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "tokens")]
struct Token {
    #[column(primary_key, default_sql = "'made'", length = 40)]
    code: String,
    name: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "seats")]
struct Seat {
    #[column(primary_key)]
    id: i64,
    #[column(unique, length = 20)]
    label: Option<String>,
    #[column(unique)]
    place: Option<i32>,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "runners")]
struct Runner {
    #[column(primary_key)]
    id: i64,
    #[column(unique)]
    place: Option<i32>,
    #[column(unique)]
    number: i32,
}

/// Has a key of its own.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "countries")]
struct Country {
    #[column(primary_key, length = 2)]
    code: String,
    name: String,
}

/// Has what no `PartialEq` compares well.
#[derive(Entity, Debug)]
#[entity(table = "measures")]
struct Measure {
    #[column(primary_key)]
    id: i64,
    value: Option<f64>,
    #[column(default = 7)]
    weight: i32,
}

/// Links a user and a tag, and says more of it.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "subscriptions", belongs_to(user: User), belongs_to(tag: Tag))]
struct Subscription {
    #[column(primary_key, references = User::id, on_delete = "cascade")]
    user_id: i64,
    #[column(primary_key, references = Tag::id)]
    tag_id: i64,
    level: String,
}

/// Its reader may be gone, but not unsaid.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "loans", belongs_to(reader: User, key = reader_id, optional))]
struct Loan {
    #[column(primary_key)]
    id: i64,
    reader_id: i64,
}

async fn blog(db: &Database) {
    schema().create(&**db).await.unwrap();
}

fn user(email: &str) -> NewUser {
    NewUser { email: email.into(), name: None }
}

fn post(author: impl Into<Ref<User, i64>>, title: &str) -> NewPost {
    NewPost { author_id: author.into(), reviewer_id: None, title: title.into() }
}

async fn users(db: &Database) -> Vec<(String, Option<String>)> {
    select((User::email, User::name)).order_by(User::email).all(&**db).await.unwrap()
}

/// Drops a step of a session at each of its await points in turn. What is left is a session that goes on or asks to be rolled
/// back, and nothing on the server.
async fn dropped_midway(
    db: &Database,
    mut step: impl AsyncFnMut(&mut Session, Handle<User>) -> relata::Result<()>,
) {
    blog(db).await;
    insert(user("a")).execute(&**db).await.unwrap();
    for polls in 0.. {
        assert!(polls < 10_000, "it never ends");
        let mut session = db.session();
        let handle = session.one(User::select()).await.unwrap();
        session.commit().await.unwrap();
        session[handle].name = Some(format!("{polls}"));
        let outcome = polled(step(&mut session, handle), polls).await;
        let done = outcome.is_some();
        outcome.transpose().unwrap();
        match session.commit().await {
            Ok(()) => assert_eq!(users(db).await[0].1, Some(format!("{polls}"))),
            Err(error) => {
                assert_eq!(error.class(), ErrorClass::Poisoned, "{error}");
                assert_eq!(session.flush().await.unwrap_err().class(), ErrorClass::Poisoned);
                assert_eq!(session.all(User::select()).await.unwrap_err().class(), ErrorClass::Poisoned);
                assert_eq!(session.savepoint().await.unwrap_err().class(), ErrorClass::Poisoned);
                session.rollback().await.unwrap();
            }
        }
        delete::<User>().filter(User::email.ne("a")).execute(&mut session).await.unwrap();
        session.refresh(handle).await.unwrap();
        assert_eq!(session[handle].email, "a");
        session[handle].name = Some("after it".into());
        session.commit().await.unwrap();
        drop(session);
        at_rest(db).await;
        assert_eq!(users(db).await, [("a".to_string(), Some("after it".to_string()))]);
        // It would wait for a transaction that is open still.
        let change = update::<User>().set(User::name, None::<String>);
        let changed = tokio::time::timeout(Duration::from_secs(10), change.execute(&**db)).await;
        assert_eq!(changed.expect("a lock is held").unwrap(), 1);
        if done {
            break;
        }
    }
}

on_every_database! {
    async fn a_wrong_handle_is_a_typed_error(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let mut other = db.session();
        let foreign = other.add(user("x"));
        let pending = session.add(user("a"));
        assert_eq!(session.try_get(foreign).unwrap_err().class(), ErrorClass::Handle);
        let error = session.try_get(pending).unwrap_err();
        assert!(error.to_string().contains("not flushed yet") && error.to_string().contains("draft"), "{error}");
        assert_eq!(session.draft(pending).unwrap().email, "a");
        session.draft_mut(pending).unwrap().email = "b".into();
        session.flush().await.unwrap();
        assert_eq!(session[pending].email, "b");
        assert_eq!(session.draft(pending).unwrap_err().class(), ErrorClass::Handle);
        session.delete(pending);
        assert!(session.try_get(pending).unwrap_err().to_string().contains("deleted"));
        session.rollback().await.unwrap();
        assert!(session.try_get(pending).unwrap_err().to_string().contains("no longer in the session"));
    }

    async fn indexing_with_a_wrong_handle_panics_in_the_same_words(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let pending = session.add(user("a"));
        let words = session.try_get(pending).unwrap_err().to_string();
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| session[pending].id)).unwrap_err();
        assert_eq!(panic.downcast_ref::<String>(), Some(&words));
    }

    async fn a_row_is_one_entity(db: Database) {
        blog(&db).await;
        insert(user("a")).execute(&*db).await.unwrap();
        let mut session = db.session();
        let first = session.one(User::select()).await.unwrap();
        let again = session.one(User::select().filter(User::email.eq("a"))).await.unwrap();
        assert_eq!(first, again);
        let recorder = db.record();
        let id = session[first].id;
        assert_eq!(session.get::<User>(id).await.unwrap(), Some(first));
        assert_eq!(recorder.count(), 0, "get answers from memory");
        assert_eq!(session.get::<User>(id + 1).await.unwrap(), None);
    }

    async fn reading_again_keeps_edits_and_takes_the_rest(db: Database) {
        blog(&db).await;
        insert(user("a")).execute(&*db).await.unwrap();
        let mut session = db.session();
        session.set_autoflush(false);
        let handle = session.one(User::select()).await.unwrap();
        session[handle].name = Some("mine".into());
        // In this transaction, or SQLite would let nobody else write.
        sql("UPDATE users SET email = 'b', name = 'theirs'").execute(&mut session).await.unwrap();
        session.one(User::select()).await.unwrap();
        assert_eq!((session[handle].email.as_str(), session[handle].name.as_deref()), ("b", Some("mine")));
        session.commit().await.unwrap();
        assert_eq!(users(&db).await, [("b".to_string(), Some("mine".to_string()))]);
    }

    async fn a_statement_that_does_not_flush(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let handle = session.add(user("a"));
        assert_eq!(User::select().count(&mut session.unflushed()).await.unwrap(), 0);
        assert!(session.draft(handle).is_ok());
        assert_eq!(User::select().count(&mut session).await.unwrap(), 1);
        update::<User>().set(User::email, "b").execute(&mut session.unflushed()).await.unwrap();
        assert!(session.is_stale(handle).unwrap());
    }

    async fn refresh_asks_the_database(db: Database) {
        blog(&db).await;
        insert(user("a")).execute(&*db).await.unwrap();
        let mut session = db.session();
        let handle = session.one(User::select()).await.unwrap();
        update::<User>().set(User::email, "b").execute(&mut session).await.unwrap();
        assert!(session.is_stale(handle).unwrap());
        assert_eq!(session[handle].email, "a");
        session.refresh(handle).await.unwrap();
        assert_eq!(session[handle].email, "b");
        assert!(!session.is_stale(handle).unwrap());
        delete::<User>().execute(&mut session).await.unwrap();
        assert_eq!(session.refresh(handle).await.unwrap_err().class(), ErrorClass::Stale);
    }

    async fn only_what_changed_is_written(db: Database) {
        blog(&db).await;
        insert_many([user("a"), user("b")]).execute(&*db).await.unwrap();
        let mut session = db.session();
        let handles = session.all(User::select().order_by(User::id)).await.unwrap();
        // Setting back costs nothing, nor does replacing a whole struct by an equal one.
        session[handles[0]].name = Some("x".into());
        session[handles[0]].name = None;
        session[handles[1]] = session[handles[1]].clone();
        let recorder = db.record();
        session.flush().await.unwrap();
        assert_eq!(recorder.count(), 0, "{:?}", recorder.sql());
        session[handles[1]].name = Some("B".into());
        session.flush().await.unwrap();
        let update = recorder.sql().into_iter().find(|sql| sql.starts_with("UPDATE")).unwrap();
        assert!(update.contains("name") && !update.contains("email"), "{update}");
        session.commit().await.unwrap();
        assert_eq!(users(&db).await[1], ("b".to_string(), Some("B".to_string())));
    }

    async fn values_are_compared_as_the_database_stores_them(db: Database) {
        Schema::new().with::<Measure>().create(&*db).await.unwrap();
        let mut session = db.session();
        let handle = session.add(NewMeasure { value: Some(0.5), weight: None });
        session.commit().await.unwrap();
        assert_eq!(session[handle].weight, 7, "a default of the database comes back");
        session[handle].value = Some(0.25 + 0.25);
        assert!(!session.is_modified(handle).unwrap());
        session[handle].value = None;
        assert!(session.is_modified(handle).unwrap());
        session.commit().await.unwrap();
        assert_eq!(select(Measure::value).all(&*db).await.unwrap(), [None]);
    }

    async fn nan_equals_itself(db: Database) {
        Schema::new().with::<Measure>().create(&*db).await.unwrap();
        let mut session = db.session();
        let handle = session.add(NewMeasure { value: Some(f64::NAN), weight: None });
        if let Err(error) = session.commit().await {
            assert_eq!(error.class(), ErrorClass::Data, "{error:?}");
            return;
        }
        session[handle].value = Some(-f64::NAN);
        assert!(!session.is_modified(handle).unwrap());
        let recorder = db.record();
        session.commit().await.unwrap();
        assert_eq!(recorder.count(), 0, "{:?}", recorder.sql());
        session[handle].value = Some(1.5);
        session.commit().await.unwrap();
        assert_eq!(select(Measure::value).all(&*db).await.unwrap(), [Some(1.5)]);
    }

    async fn pending_parents_in_any_order(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let author = session.add(user("a"));
        let first = session.add(post(author, "one"));
        let reviewer = session.add(user("r"));
        session.set(first, Post::reviewer, reviewer);
        let second = session.add(post(author, "two"));
        let tag = session.add(NewTag { name: "t".into() });
        session.link(second, Post::tags, tag);
        let recorder = db.record();
        session.commit().await.unwrap();
        let inserts: Vec<String> = recorder.sql().into_iter().filter(|sql| sql.starts_with("INSERT")).collect();
        assert!(inserts[0].contains("users") && inserts.iter().filter(|sql| sql.contains("users")).count() == 1, "{inserts:?}");
        assert_eq!(session[first].author_id, session[author].id);
        assert_eq!(session[first].reviewer_id, Some(session[reviewer].id));
        assert_eq!(session[second].reviewer_id, None);
        assert_eq!(PostTag::select().count(&*db).await.unwrap(), 1);
    }

    async fn a_persistent_row_takes_a_pending_parent(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let author = session.add(user("a"));
        let handle = session.add(post(author, "one"));
        session.commit().await.unwrap();
        let reviewer = session.add(user("r"));
        session.set(handle, Post::reviewer, reviewer);
        session.set(handle, Post::author, reviewer);
        session.commit().await.unwrap();
        let id = session[reviewer].id;
        assert_eq!((session[handle].author_id, session[handle].reviewer_id, session[handle].version), (id, Some(id), 2));
        session.clear(handle, Post::reviewer);
        session.commit().await.unwrap();
        let row = Post::select().one(&*db).await.unwrap();
        assert_eq!((row.reviewer_id, row.version), (None, 3));
        assert_eq!(row, session[handle]);
    }

    async fn a_tree_takes_a_statement_a_level(db: Database) {
        Schema::new().with::<Node>().create(&*db).await.unwrap();
        let mut session = db.session();
        // Each node directly behind its parent, as a program that walks a tree adds them.
        let mut edges = Vec::new();
        for root in 0..3 {
            let root = session.add(NewNode { parent_id: None, name: format!("{root}") });
            for child in 0..3 {
                let child = session.add(NewNode { parent_id: None, name: format!("{child}") });
                session.set(child, Node::parent, root);
                edges.push((child, root));
                for leaf in 0..3 {
                    let leaf = session.add(NewNode { parent_id: None, name: format!("{leaf}") });
                    session.set(leaf, Node::parent, child);
                    edges.push((leaf, child));
                }
            }
        }
        let recorder = db.record();
        session.commit().await.unwrap();
        let inserts = recorder.sql().into_iter().filter(|sql| sql.starts_with("INSERT")).count();
        assert_eq!(inserts, 3);
        for (child, parent) in edges {
            assert_eq!(session[child].parent_id, Some(session[parent].id));
        }
        assert_eq!(Node::select().count(&*db).await.unwrap(), 39);
    }

    async fn self_references_and_circles(db: Database) {
        Schema::new().with::<Node>().create(&*db).await.unwrap();
        let mut session = db.session();
        // The children come first.
        let leaf = session.add(NewNode { parent_id: None, name: "leaf".into() });
        let middle = session.add(NewNode { parent_id: None, name: "middle".into() });
        let root = session.add(NewNode { parent_id: None, name: "root".into() });
        session.set(leaf, Node::parent, middle);
        session.set(middle, Node::parent, root);
        session.flush().await.unwrap();
        assert_eq!(session[leaf].parent_id, Some(session[middle].id));
        // Two that refer to each other: one is inserted without, and completed.
        let a = session.add(NewNode { parent_id: None, name: "a".into() });
        let b = session.add(NewNode { parent_id: None, name: "b".into() });
        session.set(a, Node::parent, b);
        session.set(b, Node::parent, a);
        session.flush().await.unwrap();
        assert_eq!(session[a].parent_id, Some(session[b].id));
        assert_eq!(session[b].parent_id, Some(session[a].id));
        session.commit().await.unwrap();
        let stored: Vec<(i64, Option<i64>)> = select((Node::id, Node::parent_id)).order_by(Node::id).all(&*db).await.unwrap();
        for handle in [leaf, middle, root, a, b] {
            assert!(stored.contains(&(session[handle].id, session[handle].parent_id)));
        }
        // Children are deleted before their parents.
        session.delete(root);
        session.delete(middle);
        session.delete(leaf);
        session.commit().await.unwrap();
        assert_eq!(Node::select().count(&*db).await.unwrap(), 2);
    }

    async fn unique_values_are_handed_over(db: Database) {
        Schema::new().with::<Runner>().create(&*db).await.unwrap();
        let mut session = db.session();
        let a = session.add(NewRunner { place: Some(1), number: 10 });
        let b = session.add(NewRunner { place: Some(2), number: 20 });
        let c = session.add(NewRunner { place: None, number: 30 });
        session.commit().await.unwrap();
        // c takes what b had, b takes what a had, a takes a new one: the order of the edits is the wrong one.
        session[c].number = 20;
        session[b].number = 10;
        session[a].number = 5;
        session.commit().await.unwrap();
        // A swap goes through NULL where the column allows.
        session[a].place = Some(2);
        session[b].place = Some(1);
        session.commit().await.unwrap();
        let rows: Vec<(Option<i32>, i32)> = select((Runner::place, Runner::number)).order_by(Runner::number).all(&*db).await.unwrap();
        assert_eq!(rows, [(Some(2), 5), (Some(1), 10), (None, 20)]);
        // What is deleted frees its values for what is inserted in the same flush.
        session.delete(a);
        session.add(NewRunner { place: Some(2), number: 5 });
        session.commit().await.unwrap();
        // A swap that cannot be ordered is refused by name, and loses nothing.
        session[b].number = 20;
        session[c].number = 10;
        let error = session.flush().await.unwrap_err();
        assert!(error.to_string().contains("circle") && error.to_string().contains("Runner"), "{error}");
        session[b].number = 40;
        session.flush().await.unwrap();
        session.commit().await.unwrap();
        assert_eq!(session[c].number, 10);
    }

    async fn only_the_value_that_is_wanted_is_let_go(db: Database) {
        Schema::new().with::<Seat>().create(&*db).await.unwrap();
        let mut session = db.session();
        let [a, b] = [(1, "a"), (2, "b")].map(|(place, label)| {
            session.add(NewSeat { label: Some(label.into()), place: Some(place) })
        });
        session.commit().await.unwrap();
        // The place is swapped; the label is unique and edited, but nobody waits for it.
        session[a].label = Some("c".into());
        session[b].label = Some("d".into());
        session[a].place = Some(2);
        session[b].place = Some(1);
        session.commit().await.unwrap();
        // Both are swapped.
        session[a].label = Some("d".into());
        session[b].label = Some("c".into());
        session[a].place = Some(1);
        session[b].place = Some(2);
        session.commit().await.unwrap();
        let rows: Vec<(Option<i32>, Option<String>)> = select((Seat::place, Seat::label)).order_by(Seat::place).all(&*db).await.unwrap();
        assert_eq!(rows, [(Some(1), Some("d".into())), (Some(2), Some("c".into()))]);
    }

    async fn keys_that_the_database_makes(db: Database) {
        let made = match db.server() {
            Server::Sqlite => "CREATE TABLE tokens (code TEXT PRIMARY KEY DEFAULT (lower(hex(randomblob(8)))), name TEXT)",
            Server::Postgres => "CREATE TABLE tokens (code TEXT PRIMARY KEY DEFAULT gen_random_uuid()::text, name TEXT)",
            Server::MariaDb => "CREATE TABLE tokens (code VARCHAR(40) PRIMARY KEY DEFAULT (UUID()), name TEXT)",
            // No INSERT … RETURNING: nobody could tell which key it was.
            Server::MySql => return,
        };
        sql(made).execute(&*db).await.unwrap();
        let mut session = db.session();
        let recorder = db.record();
        let tokens = session.add_all(["a", "b", "c"].map(|name| NewToken { code: None, name: name.into() }));
        session.commit().await.unwrap();
        assert_eq!(recorder.count(), 3, "one by one, as nothing says which came back: {recorder:#?}");
        for handle in tokens {
            let stored = Token::find(&session[handle].code).one(&*db).await.unwrap();
            assert_eq!(stored, session[handle]);
        }
    }

    async fn natural_keys_change(db: Database) {
        Schema::new().with::<Country>().create(&*db).await.unwrap();
        let mut session = db.session();
        let one = session.add(NewCountry { code: "XX".into(), name: "one".into() });
        session.commit().await.unwrap();
        session[one].code = "YY".into();
        assert_eq!(session.get::<Country>("XX").await.unwrap(), Some(one), "the key that was loaded, from memory");
        assert!(session.is_modified(one).unwrap());
        assert_eq!(session.get::<Country>("YY").await.unwrap(), Some(one), "asking the database flushes");
        assert!(!session.is_modified(one).unwrap());
        assert_eq!(session.get::<Country>("YY").await.unwrap(), Some(one));
        let two = session.add(NewCountry { code: "XX".into(), name: "two".into() });
        session.flush().await.unwrap();
        assert_eq!(session.get::<Country>("XX").await.unwrap(), Some(two));
        session.rollback().await.unwrap();
        assert_eq!(session[one].code, "XX");
        assert_eq!(session.get::<Country>("XX").await.unwrap(), Some(one));
        assert_eq!(session.get::<Country>("YY").await.unwrap(), None);
    }

    async fn explicit_and_generated_keys(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let generated = session.add(user("g"));
        let explicit = session.add(user("e").with_key(1000));
        let last = session.add(user("l"));
        session.flush().await.unwrap();
        assert_eq!(session[explicit].id, 1000);
        assert_eq!(session[explicit].email, "e");
        assert_eq!((session[generated].email.as_str(), session[last].email.as_str()), ("g", "l"));
        assert!(session[generated].id != session[last].id && session[generated].id != 1000);
        session.commit().await.unwrap();
    }

    async fn many_rows_know_their_keys(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let handles = session.add_all((0..250).map(|i| user(&format!("user{i}"))));
        session.commit().await.unwrap();
        let stored: Vec<(i64, String)> = select((User::id, User::email)).all(&*db).await.unwrap();
        assert_eq!(stored.len(), 250);
        for (i, handle) in handles.iter().enumerate() {
            assert_eq!(session[*handle].email, format!("user{i}"));
            assert!(stored.contains(&(session[*handle].id, format!("user{i}"))));
        }
    }

    async fn versions_find_lost_updates(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let author = session.add(user("a"));
        let handle = session.add(post(author, "one"));
        session.commit().await.unwrap();
        assert_eq!(session[handle].version, 1);
        update::<Post>().set(Post::title, "theirs").execute(&*db).await.unwrap();
        session[handle].title = "mine".into();
        let error = session.flush().await.unwrap_err();
        assert!(error.is_stale() && error.to_string().contains("Post"), "{error}");
        // Nothing is lost: read again, and the edit is on top of what the others did.
        session.refresh(handle).await.unwrap();
        assert_eq!((session[handle].title.as_str(), session[handle].version), ("mine", 2));
        session.commit().await.unwrap();
        let row = Post::select().one(&*db).await.unwrap();
        assert_eq!((row.title.as_str(), row.version), ("mine", 3));
        // A version is not for hands.
        session[handle].version = 99;
        assert!(session.flush().await.unwrap_err().to_string().contains("version"));
    }

    async fn a_row_that_vanished_is_stale(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let handle = session.add(user("a"));
        session.commit().await.unwrap();
        delete::<User>().execute(&*db).await.unwrap();
        session[handle].email = "b".into();
        assert!(session.flush().await.unwrap_err().is_stale());
        session.rollback().await.unwrap();
        session.delete(handle);
        assert!(session.flush().await.unwrap_err().is_stale());
    }

    async fn a_failed_flush_changes_nothing(db: Database) {
        blog(&db).await;
        insert(user("taken")).execute(&*db).await.unwrap();
        let mut session = db.session();
        let first = session.add(user("first"));
        session.flush().await.unwrap();
        session[first].name = Some("First".into());
        let fine = session.add(user("fine"));
        let clash = session.add(user("taken"));
        let error = session.flush().await.unwrap_err();
        assert!(error.is_unique_violation(), "{error:?}");
        assert!(error.to_string().contains("User"), "{error}");
        // Everything is pending still, and what was flushed before is there.
        assert_eq!(session.draft(fine).unwrap().email, "fine");
        assert!(session.is_modified(first).unwrap());
        session.draft_mut(clash).unwrap().email = "free".into();
        session.commit().await.unwrap();
        let emails: Vec<String> = users(&db).await.into_iter().map(|(email, _)| email).collect();
        assert_eq!(emails, ["fine", "first", "free", "taken"]);
        assert_eq!(users(&db).await[1].1.as_deref(), Some("First"));
    }

    async fn a_value_that_the_database_cannot_hold_fails_the_flush_only(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let first = session.add(user("first"));
        session.flush().await.unwrap();
        session[first].name = Some("First".into());
        let fine = session.add(user("fine"));
        session.flush().await.unwrap();
        let odd = session.add(user("odd\0"));
        let refuses = db.server() == Server::Postgres;
        let flushed = session.flush().await;
        assert_eq!(flushed.is_err(), refuses);
        if let Err(error) = flushed {
            assert_eq!(error.class(), ErrorClass::Data, "{error:?}");
            session.draft_mut(odd).unwrap().email = "odd".into();
            session.flush().await.unwrap();
        }
        session[fine].name = Some("a\0".into());
        let flushed = session.flush().await;
        assert_eq!(flushed.is_err(), refuses);
        if let Err(error) = flushed {
            assert_eq!(error.class(), ErrorClass::Data, "{error:?}");
            session[fine].name = Some("a".into());
        }
        session.commit().await.unwrap();
        assert_eq!(users(&db).await.len(), 3);
    }

    async fn rollback_takes_the_memory_along(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let kept = session.add(user("kept"));
        let deleted = session.add(user("deleted"));
        session.commit().await.unwrap();
        insert(user("read")).execute(&*db).await.unwrap();
        session[kept].name = Some("one".into());
        session.flush().await.unwrap();
        session[kept].name = Some("two".into());
        session.delete(deleted);
        let added = session.add(user("added"));
        session.flush().await.unwrap();
        let read = session.one(User::select().filter(User::email.eq("read"))).await.unwrap();
        let recorder = db.record();
        session.rollback().await.unwrap();
        assert!(recorder.sql().iter().all(|sql| sql == "ROLLBACK"), "{:?}", recorder.sql());
        assert_eq!(session[kept].name, None, "as at the begin, not as at the last flush");
        assert_eq!(session[deleted].email, "deleted");
        assert!(session.try_get(added).is_err());
        assert!(session.try_get(read).is_err(), "what was first read in it leaves");
        // All of it works on.
        session[kept].name = Some("three".into());
        session.delete(deleted);
        session.commit().await.unwrap();
        assert_eq!(users(&db).await, [("kept".to_string(), Some("three".to_string())), ("read".to_string(), None)]);
    }

    async fn savepoints_take_the_memory_along(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let handle = session.add(user("a"));
        session.commit().await.unwrap();
        session[handle].name = Some("outer".into());
        let outer = session.savepoint().await.unwrap();
        session[handle].name = Some("inner".into());
        let added = session.add(user("b"));
        let inner = session.savepoint().await.unwrap();
        session.delete(handle);
        session.flush().await.unwrap();
        session.rollback_to(inner).await.unwrap();
        assert_eq!((session[handle].name.as_deref(), session[added].email.as_str()), (Some("inner"), "b"));
        let released = session.savepoint().await.unwrap();
        session[added].name = Some("B".into());
        session.release(released).await.unwrap();
        session.rollback_to(outer).await.unwrap();
        assert_eq!(session[handle].name.as_deref(), Some("outer"));
        assert!(session.try_get(added).is_err());
        session.commit().await.unwrap();
        assert_eq!(users(&db).await, [("a".to_string(), Some("outer".to_string()))]);
    }

    async fn savepoints_that_nothing_followed(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        session.add(user("a"));
        let _ = session.savepoint().await.unwrap();
        session.commit().await.unwrap();
        assert_eq!(users(&db).await, [("a".to_string(), None)]);

        let kept = session.one(User::select()).await.unwrap();
        let outer = session.savepoint().await.unwrap();
        session[kept].name = Some("undone".into());
        let _ = session.savepoint().await.unwrap();
        let _ = session.savepoint().await.unwrap();
        session.rollback_to(outer).await.unwrap();
        session.add(user("b"));
        let _ = session.savepoint().await.unwrap();
        session.commit().await.unwrap();
        assert_eq!(users(&db).await, [("a".to_string(), None), ("b".to_string(), None)]);
    }

    async fn a_savepoint_whose_release_fails_is_still_there(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        session.add(user("a"));
        let savepoint = session.savepoint().await.unwrap();
        session.add(user("a"));
        assert_eq!(session.release(savepoint).await.unwrap_err().class(), ErrorClass::Unique);
        session.rollback_to(savepoint).await.unwrap();
        assert_eq!(session.rollback_to(savepoint).await.unwrap_err().class(), ErrorClass::Session);
        session.commit().await.unwrap();
        assert_eq!(users(&db).await, [("a".to_string(), None)]);
    }

    async fn a_savepoint_is_still_there_where_a_statement_has_failed(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let first = session.add(user("a"));
        let savepoint = session.savepoint().await.unwrap();
        session[first].name = Some("b".into());
        session.add(user("b"));
        session.flush().await.unwrap();
        sql("SELECT nothing FROM nowhere").columns::<i64>().all(&mut session).await.unwrap_err();
        let released = session.release(savepoint).await;
        assert_eq!(released.is_err(), db.server() == Server::Postgres);
        match released {
            // Nothing that is in memory is missing in the database then.
            Ok(()) => session.commit().await.unwrap(),
            Err(error) => {
                assert_eq!(error.class(), ErrorClass::Poisoned, "{error}");
                assert_eq!(session.commit().await.unwrap_err().class(), ErrorClass::Poisoned);
                session.rollback().await.unwrap();
                assert!(users(&db).await.is_empty());
                return;
            }
        }
        assert_eq!(users(&db).await, [("a".to_string(), Some("b".to_string())), ("b".to_string(), None)]);
    }

    async fn after_a_failed_statement_a_savepoint_can_be_rolled_back_to(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let first = session.add(user("a"));
        let savepoint = session.savepoint().await.unwrap();
        session[first].name = Some("b".into());
        session.flush().await.unwrap();
        sql("SELECT nothing FROM nowhere").columns::<i64>().all(&mut session).await.unwrap_err();
        if db.server() == Server::Postgres {
            session.release(savepoint).await.unwrap_err();
            session.rollback_to(savepoint).await.unwrap();
            assert_eq!(session[first].name, None);
        }
        session.commit().await.unwrap();
        assert_eq!(users(&db).await, [("a".to_string(), session[first].name.clone())]);
    }

    async fn bulk_statements_leave_stale_entities(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let author = session.add(user("a"));
        let handle = session.add(post(author, "one"));
        session.commit().await.unwrap();
        update::<Post>().set(Post::title, "bulk").execute(&mut session).await.unwrap();
        assert!(session.is_stale(handle).unwrap());
        // Reading it by its key asks the database then.
        let id = session[handle].id;
        assert_eq!(session.get::<Post>(id).await.unwrap(), Some(handle));
        assert_eq!((session[handle].title.as_str(), session[handle].version), ("bulk", 2));
        // An edit of what is stale is refused, for its version is another one; it is kept on top of what is read again.
        update::<Post>().set(Post::reviewer_id, None::<i64>).execute(&mut session).await.unwrap();
        session[handle].title = "edited".into();
        let error = session.get::<Post>(id).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Stale);
        assert!(error.to_string().contains("another statement of this session"), "{error}");
        session.refresh(handle).await.unwrap();
        session.flush().await.unwrap();
        assert_eq!((session[handle].title.as_str(), session[handle].version), ("edited", 4));
        session.rollback().await.unwrap();
        assert_eq!(session[handle].title, "bulk", "as it was read before the edit");
        assert!(session.is_stale(handle).unwrap(), "what was read in the transaction is not to be trusted");
        session.refresh(handle).await.unwrap();
        assert_eq!((session[handle].title.as_str(), session[handle].version), ("one", 1));
    }

    async fn statements_with_rows_leave_stale_entities(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let author = session.add(user("a"));
        session.commit().await.unwrap();
        // UPDATE … RETURNING is not everywhere, but upserts give their rows back.
        let upsert = insert(user("a")).on_conflict(User::email).do_update(|row| row.take(User::name));
        assert_eq!(upsert.returning(User::email).one(&mut session).await.unwrap(), "a");
        assert!(session.is_stale(author).unwrap());
        if let Server::Sqlite | Server::Postgres = db.server() {
            session.refresh(author).await.unwrap();
            update::<User>().set(User::name, "b").returning(User::email).one(&mut session).await.unwrap();
            assert!(session.is_stale(author).unwrap());
        }
    }

    async fn entities_that_a_statement_returns_take_its_values(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let known = session.add(user("a"));
        session.commit().await.unwrap();
        // New rows are in the session as others are.
        let many = insert_many([user("b"), user("c")]).returning(User::entity());
        let [b, c] = session.all(many).await.unwrap()[..] else { panic!("two rows") };
        assert_eq!((&*session[b].email, &*session[c].email), ("b", "c"));
        assert!(!session.is_stale(known).unwrap(), "new rows change no others");
        session[c].name = Some("edited".into());

        let upsert = insert(NewUser { email: "a".into(), name: Some("upsert".into()) });
        let upsert = upsert.on_conflict(User::email).do_update(|row| row.take(User::name)).returning(User::entity());
        assert_eq!(session.one(upsert).await.unwrap(), known);
        assert_eq!((session[known].name.as_deref(), session.is_stale(known).unwrap()), (Some("upsert"), false));
        assert!(session.is_stale(b).unwrap(), "another that may have changed");
        assert_eq!(session[c].name.as_deref(), Some("edited"));

        if db.dialect().supports(Feature::UpdateReturning) {
            let rename = || update::<User>().set(User::name, "bulk").filter(User::email.lt("c")).returning(User::entity());
            assert_eq!(session.all(rename()).await.unwrap().len(), 2);
            let names = [known, b].map(|user| session[user].name.clone());
            assert_eq!(names, [Some("bulk".into()), Some("bulk".into())]);
            assert!(!session.is_stale(known).unwrap() && !session.is_stale(b).unwrap());
            assert_eq!(session.one(rename()).await.unwrap_err().class(), ErrorClass::TooManyRows);
        }
        let by_hand = sql("SELECT id, email, name FROM users ORDER BY email").entities::<User>();
        assert_eq!(session.all(by_hand.clone()).await.unwrap(), [known, b, c]);
        assert_eq!(session.first(by_hand).await.unwrap(), Some(known));
        session.rollback().await.unwrap();
        assert!(session.try_get(b).is_err(), "first known in the transaction");
        assert!(session.is_stale(known).unwrap(), "changed in the transaction");
        session.refresh(known).await.unwrap();
        assert_eq!(session[known].name, None);
    }

    async fn bulk_statements_leave_stale_what_they_cascade_to(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let author = session.add(user("a"));
        let written = session.add(post(author, "one"));
        let said = session.add(NewComment { post_id: written.into(), text: "hm".into() });
        let tag = session.add(NewTag { name: "t".into() });
        session.commit().await.unwrap();
        let (post_id, comment_id) = (session[written].id, session[said].id);
        update::<User>().set(User::name, "b").execute(&mut session).await.unwrap();
        assert!(session.is_stale(author).unwrap());
        assert!(!session.is_stale(written).unwrap(), "no key follows an UPDATE");
        delete::<User>().execute(&mut session).await.unwrap();
        assert!(session.is_stale(written).unwrap() && session.is_stale(said).unwrap());
        assert!(!session.is_stale(tag).unwrap(), "nothing leads there");
        assert_eq!(session.get::<Post>(post_id).await.unwrap(), None);
        assert_eq!(session.get::<Comment>(comment_id).await.unwrap(), None);
    }

    async fn a_limit_stays_when_one_row_is_asked_for(db: Database) {
        blog(&db).await;
        insert_many([user("a"), user("b")]).execute(&*db).await.unwrap();
        let mut session = db.session();
        let select = || User::select().order_by(User::email);
        let first = session.one(select().limit(1)).await.unwrap();
        assert_eq!(session[first].email, "a");
        assert_eq!(session.first(select().limit(0)).await.unwrap(), None);
        assert_eq!(select().with(User::posts).limit(0).first(&mut session).await.unwrap(), None);
        assert!(select().with(User::posts).limit(1).one(&mut session).await.is_ok());
        assert_eq!(session.one(select()).await.unwrap_err().class(), ErrorClass::TooManyRows);
    }

    async fn bulk_statements_behind_a_savepoint(db: Database) {
        blog(&db).await;
        insert_many([user("a"), user("b")]).execute(&*db).await.unwrap();
        let mut session = db.session();
        let known = session.one(User::select().filter(User::email.eq("a"))).await.unwrap();
        session.commit().await.unwrap();
        let read = session.one(User::select().filter(User::email.eq("b"))).await.unwrap();
        session[known].name = Some("before".into());
        let savepoint = session.savepoint().await.unwrap();
        update::<User>().set(User::name, "bulk").execute(&mut session).await.unwrap();
        for handle in [known, read] {
            session.refresh(handle).await.unwrap();
            assert_eq!(session[handle].name.as_deref(), Some("bulk"));
        }
        session.rollback_to(savepoint).await.unwrap();
        for (handle, name) in [(known, Some("before")), (read, None)] {
            assert!(session.is_stale(handle).unwrap());
            let id = session[handle].id;
            assert_eq!(session.get::<User>(id).await.unwrap(), Some(handle));
            assert_eq!(session[handle].name.as_deref(), name);
        }
        session.commit().await.unwrap();
        assert_eq!(users(&db).await, [("a".to_string(), Some("before".to_string())), ("b".to_string(), None)]);
    }

    async fn cascades_are_followed(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let author = session.add(user("a"));
        let reviewer = session.add(user("r"));
        let handle = session.add(post(author, "one"));
        session.set(handle, Post::reviewer, reviewer);
        session.flush().await.unwrap();
        let comment = session.add(NewComment { post_id: handle.into(), text: "!".into() });
        session.commit().await.unwrap();
        session.delete(reviewer);
        session.flush().await.unwrap();
        assert!(session.is_stale(handle).unwrap());
        session.refresh(handle).await.unwrap();
        assert_eq!(session[handle].reviewer_id, None);
        session.delete(author);
        session.flush().await.unwrap();
        assert!(session.try_get(handle).is_err());
        assert!(session.try_get(comment).is_err(), "a cascade goes on from row to row");
        session.rollback().await.unwrap();
        assert_eq!((session[handle].title.as_str(), session[comment].text.as_str()), ("one", "!"));
    }

    async fn cascades_through_rows_that_are_not_in_memory(db: Database) {
        blog(&db).await;
        let author = insert(user("a")).returning(User::id).one(&*db).await.unwrap();
        let id = insert(post(author, "one")).returning(Post::id).one(&*db).await.unwrap();
        insert(NewComment { post_id: id.into(), text: "!".into() }).execute(&*db).await.unwrap();
        let mut session = db.session();
        let author = session.one(User::select()).await.unwrap();
        let comment = session.one(Comment::select()).await.unwrap();
        session.delete(author);
        session.flush().await.unwrap();
        assert!(session.is_stale(comment).unwrap());
        let key = session[comment].id;
        assert_eq!(session.get::<Comment>(key).await.unwrap(), None);
    }

    async fn links(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let author = session.add(user("a"));
        let handle = session.add(post(author, "one"));
        let [rust, sql] = ["rust", "sql"].map(|name| session.add(NewTag { name: name.into() }));
        session.link(handle, Post::tags, rust);
        session.link(handle, Post::tags, rust);
        session.link(handle, Post::tags, sql);
        session.unlink(handle, Post::tags, sql);
        session.commit().await.unwrap();
        // Linking what is linked is no error and makes no second row; so does the other side of it.
        session.link(handle, Post::tags, rust);
        session.link(rust, Tag::posts, handle);
        session.link(handle, Post::tags, sql);
        session.commit().await.unwrap();
        assert_eq!(PostTag::select().count(&*db).await.unwrap(), 2);
        session.unlink(handle, Post::tags, rust);
        session.commit().await.unwrap();
        session.unlink(handle, Post::tags, rust);
        session.commit().await.unwrap();
        let id = session[sql].id;
        assert_eq!(select(PostTag::tag_id).all(&*db).await.unwrap(), [id]);
    }

    async fn an_association_with_columns_of_its_own(db: Database) {
        blog(&db).await;
        Schema::new().with::<Subscription>().create(&*db).await.unwrap();
        let mut session = db.session();
        let [ann, bob] = ["ann", "bob"].map(|email| session.add(user(email)));
        let [rust, sql] = ["rust", "sql"].map(|name| session.add(NewTag { name: name.into() }));
        let [first, second, third] = [(bob, rust, "all"), (ann, sql, "some"), (bob, sql, "none")].map(|(user, tag, level)| {
            session.add(NewSubscription { user_id: user.into(), tag_id: tag.into(), level: level.into() })
        });
        session.commit().await.unwrap();
        for (handle, user, tag) in [(first, bob, rust), (second, ann, sql), (third, bob, sql)] {
            let key = (session[user].id, session[tag].id);
            assert_eq!((session[handle].user_id, session[handle].tag_id), key);
            assert_eq!(session.get::<Subscription>(key).await.unwrap(), Some(handle));
        }
        session[second].level = "most".into();
        session.delete(third);
        session.commit().await.unwrap();
        let levels = select((User::email, Tag::name, Subscription::level))
            .join(Subscription::user).join(Subscription::tag).order_by(User::email);
        let row = |email: &str, tag: &str, level: &str| (email.to_owned(), tag.to_owned(), level.to_owned());
        assert_eq!(levels.all(&*db).await.unwrap(), [row("ann", "sql", "most"), row("bob", "rust", "all")]);
    }

    async fn graphs_come_as_handles(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let author = session.add(user("a"));
        let handle = session.add(post(author, "one"));
        session.flush().await.unwrap();
        session.add(NewComment { post_id: handle.into(), text: "!".into() });
        let graph: Vec<(Handle<User>, Vec<(Handle<Post>, Vec<Handle<Comment>>)>)> =
            session.all(User::select().with(User::posts.with(Post::comments))).await.unwrap();
        assert_eq!((graph[0].0, graph[0].1[0].0), (author, handle));
        let comment = graph[0].1[0].1[0];
        assert_eq!(session[comment].text, "!", "pending work is flushed first");
        let rows: Vec<(String, String)> = select((User::email, Post::title)).join(User::posts).all(&mut session).await.unwrap();
        assert_eq!(rows, [("a".to_string(), "one".to_string())]);
        let (post, user) = session.one(Post::select().with(Post::author)).await.unwrap();
        assert_eq!((post, user), (handle, author));
    }

    async fn two_at_once(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let [a, b] = ["a", "b"].map(|email| session.add(user(email)));
        let handle = session.add(post(a, "one"));
        session.flush().await.unwrap();
        let (first, second) = session.pair_mut(a, b).unwrap();
        std::mem::swap(&mut first.name, &mut second.name);
        first.name = Some("A".into());
        let (post, author) = session.pair_mut(handle, a).unwrap();
        post.title = author.email.clone();
        assert!(session.pair_mut(a, a).is_err());
        session.commit().await.unwrap();
        assert_eq!(users(&db).await[0].1.as_deref(), Some("A"));
        assert_eq!(select(Post::title).one(&*db).await.unwrap(), "a");
    }

    async fn expunge_and_clear(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let [a, b] = ["a", "b"].map(|email| session.add(user(email)));
        session.commit().await.unwrap();
        session[a].name = Some("x".into());
        assert_eq!(session.expunge(a).unwrap_err().class(), ErrorClass::Session);
        session.flush().await.unwrap();
        let value = session.expunge(a).unwrap();
        assert_eq!(value.name.as_deref(), Some("x"));
        assert!(session.try_get(a).is_err());
        session.commit().await.unwrap();
        session.clear_clean();
        assert!(session.try_get(b).is_err());
        assert_eq!(users(&db).await.len(), 2);
    }

    async fn what_a_bulk_statement_touched_can_be_cleared(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let [a, b, c] = ["a", "b", "c"].map(|email| session.add(user(email)));
        session.commit().await.unwrap();
        session[b].name = Some("b".into());
        session.flush().await.unwrap();
        update::<User>().set(User::name, "x").execute(&mut session).await.unwrap();
        session[c].name = Some("c".into());
        session.clear_clean();
        assert!(session.try_get(a).is_err());
        assert!(session.try_get(b).is_ok(), "a rollback takes its edit back");
        assert!(session.try_get(c).is_ok(), "it is edited");
        session.rollback().await.unwrap();
        assert_eq!((session[b].name.as_deref(), session[c].name.as_deref()), (None, None));
    }

    async fn a_dropped_future_poisons(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let handle = session.add(user("a"));
        session.commit().await.unwrap();
        // At each of its await points in turn.
        for polls in 1.. {
            session[handle].name = Some(format!("{polls}"));
            let done = polled(session.flush(), polls).await.is_some();
            if done {
                break;
            }
            assert!(polls < 10_000);
            // Unless it was dropped before anything was sent.
            if let Err(error) = session.flush().await {
                assert_eq!(error.class(), ErrorClass::Poisoned, "{error}");
            }
            session.rollback().await.unwrap();
            assert_eq!(session[handle].name, None);
            assert_eq!(db.status().in_use, 0);
        }
        session.rollback().await.unwrap();
        assert_eq!(users(&db).await, [("a".to_string(), None)]);
    }

    async fn a_commit_whose_answer_is_lost(db: Database) {
        blog(&db).await;
        let Some(line) = Line::lay(&db).await else { return };
        let mut session = line.session();
        let handle = session.add(user("a"));
        session.commit().await.unwrap();
        session[handle].name = Some("x".into());
        let added = session.add(user("b"));
        session.flush().await.unwrap();
        line.lose_the_next_answer();
        let error = session.commit().await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::CommitUnknown, "{error:?}");
        assert!(!error.is_retryable());
        assert_eq!(users(&db).await.len(), 2, "here it had happened");
        session[handle].email = "c".into();
        assert_eq!(session.commit().await.unwrap_err().class(), ErrorClass::Poisoned);
        assert_eq!(session.all(User::select()).await.unwrap_err().class(), ErrorClass::Poisoned);
        session.rollback().await.unwrap();
        assert!(session.try_get(added).is_err());
        assert_eq!((session[handle].email.as_str(), session[handle].name.as_deref()), ("a", None));
        // Memory cannot know which of the two it is; the database does.
        assert!(session.is_stale(handle).unwrap());
        let id = session[handle].id;
        assert_eq!(session.get::<User>(id).await.unwrap(), Some(handle));
        assert_eq!(session[handle].name.as_deref(), Some("x"));
        session[handle].name = Some("y".into());
        session.commit().await.unwrap();
        assert_eq!(users(&db).await, [("a".to_string(), Some("y".to_string())), ("b".to_string(), None)]);
    }

    /// Nothing was done in the transaction before, so nothing is lost with it: what is pending goes into the next.
    async fn a_first_flush_whose_connection_is_lost(db: Database) {
        blog(&db).await;
        let Some(line) = Line::lay(&db).await else { return };
        let mut session = line.session();
        let handle = session.add(user("a"));
        line.lose_the_next_answer();
        let error = session.flush().await.unwrap_err();
        assert!(error.is_disconnect(), "{error:?}");
        session.draft_mut(handle).unwrap().name = Some("x".into());
        session.commit().await.unwrap();
        assert_eq!(users(&db).await, [("a".to_string(), Some("x".to_string()))]);
    }

    async fn a_connection_that_is_lost(db: Database) {
        blog(&db).await;
        let Some(line) = Line::lay(&db).await else { return };
        let mut session = line.session();
        let handle = session.add(user("a"));
        session.commit().await.unwrap();
        session[handle].name = Some("x".into());
        session.flush().await.unwrap();
        let added = session.add(user("b"));
        line.lose_the_next_answer();
        let error = session.flush().await.unwrap_err();
        assert!(error.is_disconnect() && !error.is_retryable(), "{error:?}");
        assert_eq!(session.flush().await.unwrap_err().class(), ErrorClass::Poisoned);
        session.rollback().await.unwrap();
        assert_eq!(session[handle].name, None);
        assert!(session.try_get(added).is_err());
        // With the ROLLBACK itself, which is no error: the server does it by itself.
        session[handle].name = Some("y".into());
        session.flush().await.unwrap();
        line.lose_the_next_answer();
        session.rollback().await.unwrap();
        assert_eq!(session[handle].name, None);
        session[handle].name = Some("z".into());
        session.commit().await.unwrap();
        assert_eq!(users(&db).await, [("a".to_string(), Some("z".to_string()))]);
    }

    async fn a_commit_that_is_dropped(db: Database) {
        dropped_midway(&db, async |session, _| session.commit().await).await;
    }

    async fn a_savepoint_that_is_dropped(db: Database) {
        dropped_midway(&db, async |session, _| {
            let outer = session.savepoint().await?;
            session.add(user("b"));
            let inner = session.savepoint().await?;
            session.release(inner).await?;
            session.rollback_to(outer).await
        }).await;
    }

    async fn a_query_that_is_dropped(db: Database) {
        dropped_midway(&db, async |session, _| session.all(User::select().with(User::posts)).await.map(drop)).await;
    }

    async fn a_refresh_that_is_dropped(db: Database) {
        dropped_midway(&db, async |session, handle| session.refresh(handle).await).await;
    }

    async fn try_set_and_try_clear(db: Database) {
        blog(&db).await;
        Schema::new().with::<Loan>().create(&*db).await.unwrap();
        let (mut session, mut other) = (db.session(), db.session());
        let [a, b, gone] = ["a", "b", "gone"].map(|email| session.add(user(email)));
        let handle = session.add(post(a, "one"));
        session.flush().await.unwrap();
        let loan = session.add(NewLoan { reader_id: session[a].id.into() });
        session.commit().await.unwrap();
        session.try_set(handle, Post::reviewer, b).unwrap();
        session.commit().await.unwrap();
        assert_eq!(select(Post::reviewer_id).one(&*db).await.unwrap(), Some(session[b].id));
        session.delete(gone);
        let foreign = other.add(user("foreign"));
        for wrong in [gone, foreign] {
            assert_eq!(session.try_set(handle, Post::author, wrong).unwrap_err().class(), ErrorClass::Handle);
        }
        session.commit().await.unwrap();
        assert_eq!(session.try_set(handle, Post::author, gone).unwrap_err().class(), ErrorClass::Handle);
        let error = session.try_clear(loan, Loan::reader).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Session, "{error:?}");
        assert!(error.to_string().contains("Loan::reader") && error.to_string().contains("NOT NULL"), "{error}");
        assert!(!session.has_pending(), "what failed has changed nothing");
        session.try_clear(handle, Post::reviewer).unwrap();
        session.commit().await.unwrap();
        assert_eq!(select((Post::author_id, Post::reviewer_id)).one(&*db).await.unwrap(), (session[a].id, None));
        session.delete(handle);
        assert_eq!(session.try_clear(handle, Post::reviewer).unwrap_err().class(), ErrorClass::Handle);
        assert_eq!(session.try_set(handle, Post::reviewer, b).unwrap_err().class(), ErrorClass::Handle);
    }

    async fn try_link_and_try_unlink(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        let author = session.add(user("a"));
        let handle = session.add(post(author, "one"));
        let [rust, gone] = ["rust", "gone"].map(|name| session.add(NewTag { name: name.into() }));
        session.try_link(handle, Post::tags, rust).unwrap();
        session.commit().await.unwrap();
        assert_eq!(PostTag::select().count(&*db).await.unwrap(), 1);
        session.delete(gone);
        session.commit().await.unwrap();
        assert_eq!(session.try_link(handle, Post::tags, gone).unwrap_err().class(), ErrorClass::Handle);
        assert_eq!(session.try_link(gone, Tag::posts, handle).unwrap_err().class(), ErrorClass::Handle);
        assert_eq!(session.try_unlink(handle, Post::tags, gone).unwrap_err().class(), ErrorClass::Handle);
        assert_eq!(session.try_unlink(gone, Tag::posts, handle).unwrap_err().class(), ErrorClass::Handle);
        assert!(!session.has_pending());
        session.try_unlink(handle, Post::tags, rust).unwrap();
        session.commit().await.unwrap();
        assert_eq!(PostTag::select().count(&*db).await.unwrap(), 0);
    }

    async fn try_delete(db: Database) {
        blog(&db).await;
        let (mut session, mut other) = (db.session(), db.session());
        let [kept, deleted] = ["kept", "deleted"].map(|email| session.add(user(email)));
        session.commit().await.unwrap();
        session.try_delete(deleted).unwrap();
        assert_eq!(session.try_delete(deleted).unwrap_err().class(), ErrorClass::Handle);
        let draft = session.add(user("draft"));
        session.try_delete(draft).unwrap();
        assert_eq!(session.try_delete(draft).unwrap_err().class(), ErrorClass::Handle);
        session.commit().await.unwrap();
        assert_eq!(session.try_delete(deleted).unwrap_err().class(), ErrorClass::Handle);
        assert_eq!(session.try_delete(other.add(user("foreign"))).unwrap_err().class(), ErrorClass::Handle);
        assert_eq!(users(&db).await, [("kept".to_string(), None)]);
        assert_eq!(session[kept].email, "kept");
    }

    async fn has_pending(db: Database) {
        blog(&db).await;
        let mut session = db.session();
        assert!(!session.has_pending());
        let author = session.add(user("a"));
        assert!(session.has_pending());
        session.delete(author);
        assert!(!session.has_pending(), "what was never there is forgotten");
        let author = session.add(user("a"));
        let handle = session.add(post(author, "one"));
        let tag = session.add(NewTag { name: "t".into() });
        session.commit().await.unwrap();
        assert!(!session.has_pending());
        session[author].name = Some("A".into());
        assert!(session.has_pending());
        session.flush().await.unwrap();
        assert!(!session.has_pending());
        session.link(handle, Post::tags, tag);
        assert!(session.has_pending());
        session.rollback().await.unwrap();
        assert!(!session.has_pending());
        session.delete(handle);
        assert!(session.has_pending());
        session.all(User::select()).await.unwrap();
        assert!(!session.has_pending(), "a query flushes");
    }

    async fn sessions_with_options(db: Database) {
        blog(&db).await;
        insert(user("a")).execute(&*db).await.unwrap();
        let mut session = db.session_with(TransactionOptions::new().read_only());
        // In each of its transactions.
        for _ in 0..2 {
            let handle = session.one(User::select()).await.unwrap();
            session[handle].name = Some("x".into());
            assert_eq!(session.flush().await.unwrap_err().class(), ErrorClass::ReadOnly);
            session.rollback().await.unwrap();
        }
        let mut session = db.session_with(TransactionOptions::new().isolation(Isolation::Serializable));
        let handle = session.one(User::select()).await.unwrap();
        session[handle].name = Some("y".into());
        session.commit().await.unwrap();
        assert_eq!(users(&db).await, [("a".to_string(), Some("y".to_string()))]);
    }

    async fn a_session_moves_between_threads(db: Database) {
        fn shared<T: Send + Sync>(_: &T) {}
        blog(&db).await;
        let mut session = db.session();
        shared(&session);
        let prefix = String::from("user");
        let prefix = &prefix;
        let handle = session.add(user(prefix));
        let engine = db.clone();
        tokio::spawn(async move {
            session.commit().await.unwrap();
            assert_eq!(session[handle].email, "user");
            engine.unit_of_work().run(|mut session: Session| async move {
                session.add(user("second"));
                session.commit().await
            }).await.unwrap();
        }).await.unwrap();
        assert_eq!(users(&db).await.len(), 2);
    }
}
