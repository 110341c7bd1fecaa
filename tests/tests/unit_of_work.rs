//! What is flushed in which order, and what memory says afterwards.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use relata::prelude::*;
use relata_tests::on_every_database;

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "countries")]
struct Country {
    #[column(primary_key, length = 8)]
    code: String,
    name: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "cities", belongs_to(country: Country, key = country_code))]
struct City {
    #[column(primary_key)]
    id: i64,
    #[column(references = Country::code, on_delete = "cascade", on_update = "cascade", length = 8)]
    country_code: String,
    name: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "users", belongs_to(boss: User, key = boss_id))]
struct User {
    #[column(primary_key)]
    id: i64,
    #[column(unique, length = 20)]
    email: String,
    #[column(unique, length = 20)]
    nick: Option<String>,
    #[column(references = User::id, on_delete = "cascade")]
    boss_id: Option<i64>,
    #[column(version)]
    version: i16,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "cards", belongs_to(owner: User, key = owner_id))]
struct Card {
    #[column(primary_key, references = User::id, on_delete = "cascade")]
    owner_id: i64,
    pin: i32,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "tags")]
struct Tag {
    #[column(primary_key)]
    id: i64,
    name: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "posts", belongs_to(author: User, key = author_id), many_to_many(tags: Tag, through = PostTag))]
struct Post {
    #[column(primary_key)]
    id: i64,
    #[column(references = User::id, on_delete = "cascade")]
    author_id: i64,
    title: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "post_tags")]
struct PostTag {
    #[column(primary_key, references = Post::id, on_delete = "cascade")]
    post_id: i64,
    #[column(primary_key, references = Tag::id, on_delete = "cascade")]
    tag_id: i64,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "fans")]
struct Fan {
    #[column(primary_key)]
    id: i64,
    #[column(references = User::nick, on_delete = "cascade", length = 20)]
    nick: Option<String>,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "talks", many_to_many(topics: Topic, through = TalkTopic))]
struct Talk {
    #[column(primary_key)]
    id: i64,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "topics")]
struct Topic {
    #[column(primary_key, length = 20)]
    name: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "talk_topics")]
struct TalkTopic {
    #[column(primary_key, references = Talk::id, on_delete = "cascade")]
    talk_id: i64,
    #[column(primary_key, references = Topic::name, on_delete = "cascade", on_update = "cascade", length = 20)]
    topic_name: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "marks")]
struct Mark {
    #[column(primary_key)]
    id: i64,
    #[column(unique)]
    place: f64,
}

async fn create(db: &Engine) {
    Schema::new()
        .with::<Talk>()
        .with::<Topic>()
        .with::<TalkTopic>()
        .with::<Country>()
        .with::<City>()
        .with::<User>()
        .with::<Card>()
        .with::<Tag>()
        .with::<Post>()
        .with::<PostTag>()
        .with::<Fan>()
        .create(db)
        .await
        .unwrap();
}

fn country(code: &str) -> NewCountry {
    NewCountry { code: code.into(), name: code.into() }
}

fn user(email: &str) -> NewUser {
    NewUser { email: email.into(), nick: None, boss_id: None }
}

fn post(author: Handle<User>) -> NewPost {
    NewPost { author_id: author.into(), title: "t".into() }
}

on_every_database! {
    async fn keys_that_move_up(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let [a, b, c] = ["A", "B", "C"].map(|code| session.add(country(code)));
        session.commit().await.unwrap();
        for (handle, code) in [(c, "D"), (b, "C"), (a, "B")] {
            session[handle].code = code.into();
        }
        session.commit().await.unwrap();
        for (code, handle) in [("A", None), ("B", Some(a)), ("C", Some(b)), ("D", Some(c))] {
            assert_eq!(session.get::<Country>(code).await.unwrap(), handle, "{code}");
        }
        // As if nothing was edited in the right order.
        for (handle, code) in [(a, "X"), (b, "B"), (c, "C")] {
            session[handle].code = code.into();
        }
        session.commit().await.unwrap();
        for (code, handle) in [("X", Some(a)), ("B", Some(b)), ("C", Some(c)), ("D", None)] {
            assert_eq!(session.get::<Country>(code).await.unwrap(), handle, "{code}");
        }
    }

    async fn a_row_that_is_deleted_and_added_again(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let old = session.add(country("A"));
        let lost = session.add(NewCity { country_code: old.into(), name: "lost".into() });
        session.commit().await.unwrap();
        session.delete(old);
        let new = session.add(country("A"));
        let city = session.add(NewCity { country_code: new.into(), name: "x".into() });
        session.commit().await.unwrap();
        assert_eq!(session[city].name, "x");
        assert!(session.try_get(lost).is_err());
        assert_eq!(session.get::<Country>("A").await.unwrap(), Some(new));
        assert_eq!(select(City::name).all(&*db).await.unwrap(), ["x"]);
    }

    async fn a_child_moves_away_before_its_parent_goes(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let [a, b] = ["A", "B"].map(|code| session.add(country(code)));
        let city = session.add(NewCity { country_code: a.into(), name: "x".into() });
        session.commit().await.unwrap();
        session.set(city, City::country, b);
        session.delete(a);
        session.commit().await.unwrap();
        assert_eq!(session[city].country_code, "B");
        assert_eq!(City::select().count(&*db).await.unwrap(), 1);
    }

    async fn one_takes_the_place_of_another(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let owner = session.add(user("u"));
        let card = session.add(NewCard { owner_id: owner.into(), pin: 1 });
        session.commit().await.unwrap();
        session.delete(card);
        let card = session.add(NewCard { owner_id: owner.into(), pin: 2 });
        session.commit().await.unwrap();
        assert_eq!(session[card].pin, 2);
        assert_eq!(select(Card::pin).all(&*db).await.unwrap(), [2]);
    }

    /// To a database, the two zeros are one value.
    async fn a_zero_takes_the_place_of_the_other(db: Database) {
        Schema::new().with::<Mark>().create(&*db).await.unwrap();
        let mut session = db.session();
        let mark = session.add(NewMark { place: 0.0 });
        session.commit().await.unwrap();
        session.delete(mark);
        session.add(NewMark { place: -0.0 });
        session.commit().await.unwrap();
        assert_eq!(select(Mark::place).all(&*db).await.unwrap(), [0.0]);
    }

    /// What a cascade frees is free for what is added, edited or linked in the same flush.
    async fn values_that_a_cascade_frees(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let [top, other] = ["top", "other"].map(|email| session.add(user(email)));
        let [middle, low] = ["middle", "low"].map(|email| session.add(user(email)));
        session.set(middle, User::boss, top);
        session.set(low, User::boss, middle);
        session.commit().await.unwrap();
        session.delete(top);
        let new = session.add(user("low"));
        session[other].email = "middle".into();
        session.commit().await.unwrap();
        assert_eq!((&*session[new].email, &*session[other].email), ("low", "middle"));
        assert!(session.try_get(low).is_err());
        let emails = select(User::email).order_by(User::email).all(&*db).await.unwrap();
        assert_eq!(emails, ["low", "middle"]);
        // A row that was deleted with another is no obstacle any more.
        session.delete(new);
        session.delete(other);
        session.flush().await.unwrap();
        session.add(user("low"));
        session.commit().await.unwrap();
    }

    /// Whichever was deleted first would take the others along.
    async fn rows_that_refer_to_each_other_are_deleted(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let [a, b] = ["a", "b"].map(|email| session.add(user(email)));
        let [between, below] = ["between", "below"].map(|email| session.add(user(email)));
        session.flush().await.unwrap();
        for (low, high) in [(a, between), (between, b), (b, below), (below, a)] {
            session.set(low, User::boss, high);
        }
        session.flush().await.unwrap();
        session.delete(a);
        session.delete(b);
        session.commit().await.unwrap();
        assert!([a, b, between, below].iter().all(|handle| session.try_get(*handle).is_err()));
        assert_eq!(User::select().count(&*db).await.unwrap(), 0);
    }

    /// What is added below a row that is deleted goes with it, and is no obstacle for what takes its place.
    async fn what_is_added_below_a_row_that_goes(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let top = session.add(user("top"));
        session.commit().await.unwrap();
        let low = session.add(NewUser { boss_id: Some(top.into()), ..user("low") });
        let taker = session.add(user("top"));
        session.delete(top);
        session.commit().await.unwrap();
        assert!(session.try_get(low).is_err() && session.try_get(top).is_err());
        assert_eq!((&*session[taker].email, session[taker].boss_id), ("top", None));
        assert_eq!(select(User::email).all(&*db).await.unwrap(), ["top"]);
    }

    /// It has to move before the others go, and gets its value only when they are gone, or have let go of it.
    async fn a_row_that_moves_away_and_takes_what_is_freed(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let [top, other, low] = ["top", "other", "low"].map(|email| session.add(user(email)));
        let middle = session.add(NewUser { nick: Some("n".into()), boss_id: Some(top.into()), ..user("middle") });
        session.set(low, User::boss, middle);
        session.commit().await.unwrap();
        session.set(low, User::boss, other);
        session[low].nick = Some("n".into());
        session.delete(top);
        session.commit().await.unwrap();
        assert!(session.try_get(middle).is_err());
        assert_eq!((session[low].nick.as_deref(), session[low].version), (Some("n"), 2));
        let rows = select((User::email, User::nick)).order_by(User::email).all(&*db).await.unwrap();
        assert_eq!(rows, [("low".to_string(), Some("n".to_string())), ("other".to_string(), None)]);
    }

    /// As they are written, whenever that is.
    async fn links_hold_the_keys_of_their_ends(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let talk = session.add(NewTalk {});
        let [a, b, c, _] = ["a", "b", "c", "d"].map(|name| session.add(NewTopic { name: name.into() }));
        session.commit().await.unwrap();
        // It gets its new key only when that is free.
        session.delete(b);
        session[a].name = "b".into();
        session.link(talk, Talk::topics, a);
        session.commit().await.unwrap();
        let linked = select(TalkTopic::topic_name);
        assert_eq!(linked.clone().all(&*db).await.unwrap(), ["b"]);
        // What was edited of a row that is deleted is not sent, and its link is not one to another.
        session.link(talk, Talk::topics, c);
        session[c].name = "d".into();
        session.delete(c);
        session.commit().await.unwrap();
        assert_eq!(linked.all(&*db).await.unwrap(), ["b"]);
    }

    async fn what_is_said_last_counts(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let [a, b] = ["a", "b"].map(|email| session.add(user(email)));
        let draft = session.add(post(a));
        session.set(draft, Post::author, a);
        session.draft_mut(draft).unwrap().author_id = b.into();
        session.flush().await.unwrap();
        assert_eq!(session[draft].author_id, session[b].id);
        let c = session.add(user("c"));
        session.set(draft, Post::author, c);
        session[draft].author_id = session[a].id;
        session.flush().await.unwrap();
        assert_eq!(session[draft].author_id, session[a].id);
        let d = session.add(user("d"));
        session[draft].author_id = session[b].id;
        session.set(draft, Post::author, d);
        session.commit().await.unwrap();
        assert_eq!(session[draft].author_id, session[d].id);
        assert_eq!(select(Post::author_id).one(&*db).await.unwrap(), session[d].id);
    }

    async fn associations_as_entities_and_as_links(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let author = session.add(user("a"));
        let (written, tag) = (session.add(post(author)), session.add(NewTag { name: "t".into() }));
        session.link(written, Post::tags, tag);
        session.commit().await.unwrap();
        let key = (session[written].id, session[tag].id);
        let row = session.get::<PostTag>(key).await.unwrap().unwrap();
        session.delete(row);
        session.link(written, Post::tags, tag);
        session.commit().await.unwrap();
        assert_eq!(PostTag::select().count(&*db).await.unwrap(), 1);
        let row = session.get::<PostTag>(key).await.unwrap().unwrap();
        session.unlink(written, Post::tags, tag);
        session.commit().await.unwrap();
        assert!(session.is_stale(row).unwrap());
        assert_eq!(session.get::<PostTag>(key).await.unwrap(), None);
    }

    async fn what_is_forgotten_is_not_linked(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let author = session.add(user("a"));
        let written = session.add(post(author));
        session.commit().await.unwrap();
        let tag = session.add(NewTag { name: "t".into() });
        session.link(written, Post::tags, tag);
        session.delete(tag);
        session.commit().await.unwrap();
        let tag = session.add(NewTag { name: "t".into() });
        session.commit().await.unwrap();
        session.link(written, Post::tags, tag);
        // What the link and the draft name stays.
        let second = session.add(post(author));
        session.clear_clean();
        session.commit().await.unwrap();
        assert_eq!(session[second].author_id, session[author].id);
        assert_eq!(PostTag::select().count(&*db).await.unwrap(), 1);
        session.link(second, Post::tags, tag);
        session.expunge(tag).unwrap_err();
        session.commit().await.unwrap();
        assert_eq!(PostTag::select().count(&*db).await.unwrap(), 2);
    }

    async fn trees(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let own = session.add(user("own"));
        session.set(own, User::boss, own);
        session.flush().await.unwrap();
        assert_eq!(session[own].boss_id, Some(session[own].id));
        session.commit().await.unwrap();
        assert_eq!(User::select().one(&*db).await.unwrap().boss_id, Some(session[own].id));

        // The database takes b along with a, and c with b.
        let [a, b, c] = ["a", "b", "c"].map(|email| session.add(user(email)));
        session.set(b, User::boss, a);
        session.set(c, User::boss, b);
        session.commit().await.unwrap();
        session.delete(a);
        session.delete(c);
        session.commit().await.unwrap();
        assert!(session.try_get(b).is_err());
        assert_eq!(select(User::email).all(&*db).await.unwrap(), ["own"]);
    }

    async fn null_refers_to_nothing(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let nameless = session.add(user("a"));
        let fan = session.add(NewFan { nick: None });
        session.commit().await.unwrap();
        session.delete(nameless);
        session.commit().await.unwrap();
        assert_eq!(session[fan].nick, None);
    }

    async fn edited_keys(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let [a, b] = ["A", "B"].map(|code| session.add(country(code)));
        let city = session.add(NewCity { country_code: a.into(), name: "x".into() });
        session.commit().await.unwrap();
        // Edited, and then deleted all the same.
        session[a].code = "B".into();
        session.delete(a);
        session.flush().await.unwrap();
        assert_eq!(session.get::<Country>("B").await.unwrap(), Some(b));
        assert!(session.try_get(city).is_err());
        session.rollback().await.unwrap();
        assert_eq!((session[a].code.as_str(), session[city].country_code.as_str()), ("A", "A"));
        // A child is inserted with a key that the parent has not had before; the other child follows.
        session[a].code = "Z".into();
        let other = session.add(NewCity { country_code: a.into(), name: "y".into() });
        session.commit().await.unwrap();
        assert_eq!((session[other].country_code.as_str(), session[city].country_code.as_str()), ("Z", "Z"));
        // One comes to it by the key that it has had.
        let moved = session.add(NewCity { country_code: b.into(), name: "z".into() });
        session.commit().await.unwrap();
        session.set(moved, City::country, a);
        session[a].code = "Q".into();
        session.commit().await.unwrap();
        assert_eq!(session[moved].country_code, "Q");
        assert_eq!(City::select().filter(City::country_code.eq("Q")).count(&*db).await.unwrap(), 3);
    }

    async fn many_edited_keys(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let countries: Vec<_> = (0..150).map(|n| session.add(country(&format!("A{n}")))).collect();
        let cities: Vec<_> = countries
            .iter()
            .map(|at| session.add(NewCity { country_code: (*at).into(), name: "x".into() }))
            .collect();
        session.commit().await.unwrap();
        // Each has the key of the one before it, and the cities move on by one country.
        for n in (0..150).rev() {
            session[countries[n]].code = format!("A{}", n + 1);
        }
        for n in (0..149).step_by(2) {
            session.set(cities[n], City::country, countries[n + 1]);
        }
        session.commit().await.unwrap();
        for n in 0..150 {
            let expected = if n % 2 == 0 && n < 149 { n + 2 } else { n + 1 };
            assert_eq!(session[cities[n]].country_code, format!("A{expected}"), "{n}");
        }
        let stored = select((City::id, City::country_code)).order_by(City::id).all(&*db).await.unwrap();
        let held: Vec<_> = cities.iter().map(|city| (session[*city].id, session[*city].country_code.clone())).collect();
        assert_eq!(stored, held);
    }

    async fn a_version_at_its_end(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let handle = session.add(user("a"));
        session.commit().await.unwrap();
        sql("UPDATE users SET version = 32767").execute(&*db).await.unwrap();
        session.refresh(handle).await.unwrap();
        session[handle].nick = Some("x".into());
        let error = session.commit().await.unwrap_err();
        assert!(error.to_string().contains("version"), "{error}");
        assert_eq!(select(User::nick).one(&*db).await.unwrap(), None);
    }

    async fn many_rows_go_at_once(db: Database) {
        create(&db).await;
        let mut session = db.session();
        let authors = session.add_all((0..300).map(|at| user(&format!("u{at}"))));
        let posts = session.add_all(authors.iter().flat_map(|author| (0..5).map(|_| post(*author))));
        session.commit().await.unwrap();
        for author in &authors[..200] {
            session.delete(*author);
        }
        session.commit().await.unwrap();
        assert!(posts[..1000].iter().all(|post| session.try_get(*post).is_err()));
        assert!(posts[1000..].iter().all(|post| session.try_get(*post).is_ok()));
        assert_eq!(Post::select().count(&*db).await.unwrap(), 500);
    }

    async fn handles_of_another_session(db: Database) {
        create(&db).await;
        let (mut session, mut other) = (db.session(), db.session());
        let own = session.add(user("own"));
        session.commit().await.unwrap();
        let theirs = other.add(user("theirs"));
        session.add(post(theirs));
        let error = session.commit().await.unwrap_err();
        assert!(error.to_string().contains("another session"), "{error}");
        session.rollback().await.unwrap();
        session.add(post(own));
        session.commit().await.unwrap();
        assert!(session.try_set(own, User::boss, theirs).is_err());
    }
}
