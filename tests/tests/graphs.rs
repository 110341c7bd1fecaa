//! Rows with what is at the ends of their relationships.

use std::sync::Arc;

use relata::{
    Executor,
    dialect::Feature,
    driver::{BoxFuture, Job},
    prelude::*,
    render::Compiler,
    statement::{sql, sql_unchecked},
};
use relata_tests::{Server, blog::*, on_every_database};

/// A key that only the database knows how to compare.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "countries", has_many(cities: City, key = country))]
struct Country {
    #[column(primary_key)]
    code: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "cities")]
struct City {
    #[column(primary_key)]
    name: String,
    #[column(references = Country::code)]
    country: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "shelves", has_many(books: Book))]
struct Shelf {
    #[column(primary_key, generated = false)]
    id: i64,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "books")]
struct Book {
    #[column(primary_key, generated = false)]
    id: i64,
    #[column(references = Shelf::id)]
    shelf_id: i64,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "people",
    has_one(passport: Passport),
    many_to_many(following: Person, through = Follow, key = follower_id, target_key = followed_id),
    many_to_many(followers: Person, through = Follow, key = followed_id, target_key = follower_id)
)]
struct Person {
    #[column(primary_key)]
    id: i64,
    name: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "passports", belongs_to(person: Person), has_many(stamps: Stamp))]
struct Passport {
    #[column(primary_key)]
    id: i64,
    #[column(references = Person::id, unique)]
    person_id: i64,
    number: String,
}

/// Nothing but the program makes sure that there is a passport.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "stamps", belongs_to(passport: Passport, key = passport_id))]
struct Stamp {
    #[column(primary_key)]
    id: i64,
    passport_id: i64,
    country: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "follows")]
struct Follow {
    #[column(primary_key, references = Person::id)]
    follower_id: i64,
    #[column(primary_key, references = Person::id)]
    followed_id: i64,
}

async fn people(db: &Engine, names: &[&str]) -> Vec<i64> {
    Schema::new()
        .with::<Person>()
        .with::<Passport>()
        .with::<Stamp>()
        .with::<Follow>()
        .create(db)
        .await
        .unwrap();
    insert_many(names.iter().map(|name| NewPerson { name: (*name).into() }))
        .returning(Person::id)
        .all(db)
        .await
        .unwrap()
}

fn names(people: &[Person]) -> Vec<&str> {
    people.iter().map(|person| person.name.as_str()).collect()
}

/// None of these reads a key for a field.
#[derive(Shape, Debug)]
#[shape(of = User)]
struct Author {
    email: String,
    posts: Vec<Card>,
}

#[derive(Shape, Debug)]
#[shape(of = Post)]
struct Card {
    title: String,
    tags: Vec<Label>,
}

#[derive(Shape, Debug)]
#[shape(of = Tag)]
struct Label {
    name: String,
}

/// Not what tells users apart.
#[derive(Shape, Debug)]
#[shape(of = User)]
struct Named {
    name: Option<String>,
}

/// A person with edges side by side.
#[derive(Shape, Debug)]
#[shape(of = Person)]
struct Acquaintances {
    name: String,
    followers: Vec<Acquaintance>,
    passport: Option<Passport>,
    following: Vec<Person>,
}

#[derive(Shape, Debug)]
#[shape(of = Person)]
struct Acquaintance {
    name: String,
    passport: Option<Passport>,
}

/// Notes how many statements each trip takes along.
struct Trips<'a>(&'a Engine, Vec<usize>);

impl Executor for Trips<'_> {
    fn compiler(&self) -> &Arc<Compiler> {
        self.0.compiler()
    }

    fn run<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, relata::Result<()>> {
        self.1.push(jobs.len());
        self.0.run(jobs)
    }

    fn run_atomic<'a, 's: 'a>(&'a mut self, jobs: &'a mut [Job<'s>]) -> BoxFuture<'a, relata::Result<()>> {
        self.0.run_atomic(jobs)
    }

    fn join<'a>(&'a mut self) -> BoxFuture<'a, relata::Result<Transaction<'a>>> {
        self.0.join()
    }
}

on_every_database! {
    async fn edges_side_by_side_travel_together(db: Database) {
        let ids = people(&db, &["Ann", "Bob", "Cy"]).await;
        let [ann, bob, cy] = ids[..] else { panic!("three people: {ids:?}") };
        let passports = [(ann, "A1"), (bob, "B1")];
        let passports = passports.map(|(person, number)| NewPassport { person_id: person.into(), number: number.into() });
        insert_many(passports).execute(&*db).await.unwrap();
        for (follower, followed) in [(ann, bob), (bob, ann), (cy, ann)] {
            let follow = NewFollow { follower_id: follower.into(), followed_id: followed.into() };
            insert(follow).execute(&*db).await.unwrap();
        }

        let mut trips = Trips(&db, Vec::new());
        let graph = Person::select()
            .order_by(Person::id)
            .with(Person::passport.with(Passport::stamps))
            .with(Person::following.with(Person::passport))
            .with(Person::followers)
            .all(&mut trips)
            .await
            .unwrap();
        assert_eq!(trips.1, [1, 3, 2]);
        let (person, passport, following, followers) = &graph[0];
        assert_eq!((&*person.name, &*passport.as_ref().unwrap().0.number), ("Ann", "A1"));
        let [(friend, Some(their_passport))] = &following[..] else { panic!("{following:?}") };
        assert_eq!((&*friend.name, &*their_passport.number), ("Bob", "B1"));
        assert_eq!(names(followers), ["Bob", "Cy"]);

        let mut trips = Trips(&db, Vec::new());
        let shapes: Vec<Acquaintances> = Person::select().order_by(Person::id).shape().all(&mut trips).await.unwrap();
        assert_eq!(trips.1, [1, 3, 1]);
        let ann = &shapes[0];
        let followers: Vec<_> = ann.followers.iter().map(|person| (&*person.name, person.passport.is_some())).collect();
        assert_eq!((&*ann.name, &followers[..]), ("Ann", &[("Bob", true), ("Cy", false)][..]));
        assert_eq!((ann.passport.as_ref().unwrap().number.as_str(), names(&ann.following)), ("A1", vec!["Bob"]));

        // Whichever of them fails, it is said.
        sql("DROP TABLE follows").execute(&*db).await.unwrap();
        let missing = Person::select().with(Person::passport).with(Person::following).with(Person::followers);
        let error = missing.all(&*db).await.unwrap_err();
        assert!(error.statement().is_some_and(|statement| statement.contains("follows")), "{error}");
    }

    /// The rows are stored in another order, where the database lets them be.
    /// Of two edges that travel together the first cannot be decoded, and the second fails on the server, which will not commit then.
    async fn edges_that_fail_side_by_side(db: Database) {
        if db.server() != Server::Postgres {
            return;
        }
        schema().create(&*db).await.unwrap();
        let user = |email: &str| NewUser { email: email.into(), name: None };
        let author = insert(user("a")).returning(User::id).one(&*db).await.unwrap();
        let post = NewPost { author_id: author.into(), reviewer_id: None, title: "p".into() };
        insert(post).execute(&*db).await.unwrap();
        insert(NewTag { name: "t".into() }).execute(&*db).await.unwrap();
        for change in [
            "INSERT INTO post_tags (post_id, tag_id) SELECT posts.id, tags.id FROM posts, tags",
            "ALTER TABLE comments ALTER COLUMN text DROP NOT NULL",
            "INSERT INTO comments (post_id, text) SELECT id, NULL FROM posts",
            "ALTER TABLE tags RENAME TO all_tags",
            "CREATE VIEW tags AS SELECT id, CAST(1 / (1 - LENGTH(name)) AS TEXT) AS name FROM all_tags",
        ] {
            sql(change).execute(&*db).await.unwrap();
        }
        let mut tx = db.begin().await.unwrap();
        insert(user("b")).execute(&mut tx).await.unwrap();
        let error = Post::select().with(Post::comments).with(Post::tags).all(&mut tx).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Decode, "{error}");
        assert_eq!(tx.commit().await.unwrap_err().class(), ErrorClass::Poisoned);
        assert_eq!(User::select().count(&*db).await.unwrap(), 1);
    }

    async fn ends_come_in_the_order_of_their_keys(db: Database) {
        schema().create(&*db).await.unwrap();
        for text in [
            "INSERT INTO users (id, email) VALUES (2, 'b'), (1, 'a')",
            "INSERT INTO posts (id, author_id, title, version) VALUES \
             (5, 1, 'p5', 1), (2, 1, 'p2', 1), (4, 2, 'p4', 1), (3, 1, 'p3', 1), (1, 2, 'p1', 1)",
            "INSERT INTO comments (id, post_id, text) VALUES (9, 2, 'c9'), (8, 5, 'c8'), (7, 2, 'c7'), (6, 1, 'c6')",
            "INSERT INTO tags (id, name) VALUES (3, 't3'), (1, 't1'), (2, 't2')",
            "INSERT INTO post_tags (post_id, tag_id) VALUES (2, 3), (2, 1), (5, 2), (1, 2), (5, 1)",
        ] {
            sql(text).execute(&*db).await.unwrap();
        }
        let recorder = db.record();
        let graph = User::select()
            .order_by(User::id)
            .with(User::posts.with(Post::comments).with(Post::tags))
            .all(&*db).await.unwrap();
        assert_eq!(recorder.count(), 4, "{recorder:#?}");
        let shown: Vec<String> = graph.iter().flat_map(|(user, posts)| posts.iter().map(move |(post, comments, tags)| {
            let comments: Vec<&str> = comments.iter().map(|comment| comment.text.as_str()).collect();
            let tags: Vec<&str> = tags.iter().map(|tag| tag.name.as_str()).collect();
            format!("{} {} {comments:?} {tags:?}", user.email, post.title)
        })).collect();
        assert_eq!(shown, [
            r#"a p2 ["c7", "c9"] ["t1", "t3"]"#,
            "a p3 [] []",
            r#"a p5 ["c8"] ["t1", "t2"]"#,
            r#"b p1 ["c6"] ["t2"]"#,
            "b p4 [] []",
        ]);
        let authors: Vec<Author> = User::select().order_by(User::id).shape().all(&*db).await.unwrap();
        let shown: Vec<String> = authors.iter().flat_map(|author| author.posts.iter().map(move |post| {
            let tags: Vec<&str> = post.tags.iter().map(|tag| tag.name.as_str()).collect();
            format!("{} {} {tags:?}", author.email, post.title)
        })).collect();
        assert_eq!(shown, [r#"a p2 ["t1", "t3"]"#, "a p3 []", r#"a p5 ["t1", "t2"]"#, r#"b p1 ["t2"]"#, "b p4 []"]);

        let (_, backwards) = User::select().filter(User::id.eq(1)).with(User::posts.order_by(Post::title.desc())).one(&*db).await.unwrap();
        assert_eq!(backwards.iter().map(|post| post.id).collect::<Vec<_>>(), [5, 3, 2]);
        let authors = Post::select().order_by(Post::id).with(Post::author).all(&*db).await.unwrap();
        assert_eq!(authors.iter().map(|(_, user)| user.id).collect::<Vec<_>>(), [2, 1, 1, 2, 1]);
    }

    async fn ends_whose_keys_are_texts(db: Database) {
        Schema::new().with::<Country>().with::<City>().create(&*db).await.unwrap();
        insert_many(["no", "de"].map(|code| NewCountry { code: code.into() })).execute(&*db).await.unwrap();
        let city = |name: &str, country: &str| NewCity { name: name.into(), country: country.to_owned().into() };
        insert_many([city("Oslo", "no"), city("Köln", "de"), city("Bergen", "no"), city("Aachen", "de")])
            .execute(&*db).await.unwrap();
        let graph = Country::select().order_by(Country::code).with(Country::cities).all(&*db).await.unwrap();
        let names: Vec<Vec<String>> = graph.into_iter().map(|(_, cities)| cities.into_iter().map(|city| city.name).collect()).collect();
        assert_eq!(names, [["Aachen", "Köln"], ["Bergen", "Oslo"]]);
    }

    /// A tag that is on several posts comes several times, each time with all that is behind it.
    async fn what_several_lead_to_is_read_once(db: Database) {
        schema().create(&*db).await.unwrap();
        let mut session = db.session();
        let author = session.add(NewUser { email: "a".into(), name: None });
        let posts = session.add_all((1..=5).map(|at| NewPost { author_id: author.into(), reviewer_id: None, title: format!("p{at}") }));
        for name in ["x", "y"] {
            let tag = session.add(NewTag { name: name.into() });
            for post in posts.iter().skip(usize::from(name == "y")) {
                session.link(*post, Post::tags, tag);
            }
        }
        session.commit().await.unwrap();
        drop(session);

        let recorder = db.record();
        let graph = Post::select().order_by(Post::id).with(Post::tags.with(Tag::posts.with(Post::author).with(Post::tags))).all(&*db).await.unwrap();
        assert_eq!(recorder.count(), 5, "{recorder:#?}");
        assert_eq!(graph.len(), 5);
        for (post, tags) in &graph {
            let names: Vec<_> = tags.iter().map(|(tag, _)| tag.name.as_str()).collect();
            assert_eq!(names, if post.title == "p1" { vec!["x"] } else { vec!["x", "y"] });
            for (tag, posts) in tags {
                let titles: Vec<_> = posts.iter().map(|(post, ..)| post.title.as_str()).collect();
                assert_eq!(titles, &["p1", "p2", "p3", "p4", "p5"][usize::from(tag.name == "y")..]);
                assert!(posts.iter().all(|(post, author, tags)| author.email == "a" && tags.len() == if post.title == "p1" { 1 } else { 2 }));
            }
        }
        // The same entity may come twice at the root, too.
        let recorder = db.record();
        let twice = User::select().join(User::posts).order_by(Post::id).with(User::posts.order_by(Post::title.desc())).all(&*db).await.unwrap();
        assert_eq!(recorder.count(), 2, "{recorder:#?}");
        assert_eq!(twice.len(), 5);
        assert!(twice.iter().all(|(_, posts)| posts.len() == 5 && posts[0].title == "p5"));
    }

    async fn keys_that_only_the_database_takes_for_equal(db: Database) {
        let ignoring_case = match db.server() {
            Server::Sqlite => "VARCHAR(20) COLLATE NOCASE",
            Server::Postgres => return,
            Server::MariaDb | Server::MySql => "VARCHAR(20) COLLATE utf8mb4_general_ci",
        };
        for text in [
            format!("CREATE TABLE countries (code {ignoring_case} PRIMARY KEY)"),
            format!("CREATE TABLE cities (name VARCHAR(20) PRIMARY KEY, country {ignoring_case} REFERENCES countries (code))"),
            "INSERT INTO countries VALUES ('fr')".into(),
            "INSERT INTO cities VALUES ('Paris', 'FR')".into(),
        ] {
            sql_unchecked(text).execute(&*db).await.unwrap();
        }
        let error = Country::select().with(Country::cities).all(&*db).await.unwrap_err();
        assert!(error.class() == ErrorClass::Decode && error.to_string().contains("Country::cities"), "{error}");
    }

    /// More keys than one statement takes, unless they are one parameter.
    async fn ends_of_very_many_rows(db: Database) {
        const SHELVES: i64 = 10_003;
        Schema::new().with::<Shelf>().with::<Book>().create(&*db).await.unwrap();
        insert_many((0..SHELVES).map(|id| NewShelf { id })).execute(&*db).await.unwrap();
        let books = (0..SHELVES).chain([SHELVES]).map(|id| NewBook { id, shelf_id: id.min(SHELVES - 1).into() });
        insert_many(books).execute(&*db).await.unwrap();
        let recorder = db.record();
        let graph = Shelf::select().order_by(Shelf::id).with(Shelf::books).all(&*db).await.unwrap();
        assert_eq!(recorder.count(), if db.dialect().supports(Feature::ArrayBind) { 2 } else { 3 });
        let found: Vec<(i64, Vec<i64>)> = graph.iter().map(|(shelf, books)| (shelf.id, books.iter().map(|book| book.id).collect())).collect();
        let mut expected: Vec<(i64, Vec<i64>)> = (0..SHELVES).map(|id| (id, vec![id])).collect();
        expected.last_mut().unwrap().1.push(SHELVES);
        assert!(found == expected);
    }

    async fn a_row_that_must_be_there_is_missing(db: Database) {
        let ann = people(&db, &["Ann"]).await[0];
        let id = insert(NewPassport { person_id: ann.into(), number: "A1".into() }).returning(Passport::id).one(&*db).await.unwrap();
        let stamp = |passport: i64, country: &str| NewStamp { passport_id: passport.into(), country: country.into() };
        insert_many([stamp(id, "no"), stamp(id + 1, "de")]).execute(&*db).await.unwrap();
        let there = Stamp::select().filter(Stamp::passport_id.eq(id)).with(Stamp::passport).one(&*db).await.unwrap();
        assert_eq!((there.0.country.as_str(), there.1.number.as_str()), ("no", "A1"));
        let error = Stamp::select().with(Stamp::passport).all(&*db).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::NotFound, "{error:?}");
        assert!(error.to_string().contains("Stamp::passport") && error.to_string().contains("optional"), "{error}");
        assert_eq!(error.table(), Some("passports"));
        let mut session = db.session();
        assert_eq!(session.all(Stamp::select().with(Stamp::passport)).await.unwrap_err().class(), ErrorClass::NotFound);
    }

    async fn one_at_the_end_or_none(db: Database) {
        let ids = people(&db, &["Ann", "Bob", "Cid"]).await;
        let passport = |person: i64, number: &str| NewPassport { person_id: person.into(), number: number.into() };
        let passports = insert_many([passport(ids[2], "C3"), passport(ids[0], "A1")]).returning(Passport::id).all(&*db).await.unwrap();
        insert(NewStamp { passport_id: passports[0].into(), country: "no".into() }).execute(&*db).await.unwrap();
        let recorder = db.record();
        let graph: Vec<(Person, Option<Passport>)> = Person::select().order_by(Person::id).with(Person::passport).all(&*db).await.unwrap();
        assert_eq!(recorder.count(), 2);
        let numbers: Vec<Option<&str>> = graph.iter().map(|(_, passport)| passport.as_ref().map(|passport| passport.number.as_str())).collect();
        assert_eq!(numbers, [Some("A1"), None, Some("C3")]);
        let deeper = Person::select().order_by(Person::id).with(Person::passport.with(Passport::stamps)).all(&*db).await.unwrap();
        let stamps: Vec<Option<usize>> = deeper.iter().map(|(_, passport)| passport.as_ref().map(|(_, stamps)| stamps.len())).collect();
        assert_eq!(stamps, [Some(0), None, Some(1)]);
        let filtered = Person::select().order_by(Person::id).with(Person::passport.filter(Passport::number.ne("A1"))).all(&*db).await.unwrap();
        assert_eq!(filtered.iter().map(|(_, passport)| passport.is_some()).collect::<Vec<_>>(), [false, false, true]);
        let mut session = db.session();
        let (cid, passport): (Handle<Person>, Option<Handle<Passport>>) =
            session.one(Person::select().filter(Person::name.eq("Cid")).with(Person::passport)).await.unwrap();
        assert_eq!(session[passport.unwrap()].person_id, session[cid].id);
    }

    /// Both ends are of one entity, so that only the keys say which is which.
    async fn many_to_many_by_its_keys(db: Database) {
        let ids = people(&db, &["Ann", "Bob", "Cid"]).await;
        let follow = |follower: usize, followed: usize| NewFollow { follower_id: ids[follower].into(), followed_id: ids[followed].into() };
        insert_many([follow(0, 1), follow(0, 2), follow(1, 2)]).execute(&*db).await.unwrap();
        let graph = Person::select().order_by(Person::id).with(Person::following).with(Person::followers).all(&*db).await.unwrap();
        let shown: Vec<_> = graph.iter().map(|(_, following, followers)| (names(following), names(followers))).collect();
        assert_eq!(shown, [(vec!["Bob", "Cid"], vec![]), (vec!["Cid"], vec!["Ann"]), (vec![], vec!["Ann", "Bob"])]);
        let other = Person::alias("other");
        let pairs = select((Person::name, other.column(Person::name)))
            .join(Person::followers.to(&other))
            .order_by((Person::id, other.column(Person::id)));
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(pairs.all(&*db).await.unwrap(), [pair("Bob", "Ann"), pair("Cid", "Ann"), pair("Cid", "Bob")]);
        let mut session = db.session();
        let handles = session.all(Person::select().order_by(Person::id)).await.unwrap();
        session.link(handles[2], Person::following, handles[0]);
        session.unlink(handles[2], Person::followers, handles[1]);
        session.commit().await.unwrap();
        let left = select((Follow::follower_id, Follow::followed_id)).order_by((Follow::follower_id, Follow::followed_id)).all(&*db).await.unwrap();
        assert_eq!(left, [(ids[0], ids[1]), (ids[0], ids[2]), (ids[2], ids[0])]);
    }

    /// Rows that differ only in what a shape leaves out stay rows.
    async fn distinct_rows_of_a_shape(db: Database) {
        schema().create(&*db).await.unwrap();
        let user = |email: &str| NewUser { email: email.into(), name: Some("Ann".into()) };
        let users = insert_many(["a", "b"].map(user)).returning(User::id).all(&*db).await.unwrap();
        let posts = users.iter().flat_map(|id| [(); 2].map(|()| NewPost { author_id: (*id).into(), reviewer_id: None, title: "x".into() }));
        insert_many(posts).execute(&*db).await.unwrap();
        let authors = || User::select().join(User::posts).distinct();
        assert_eq!(authors().all(&*db).await.unwrap().len(), 2);
        let named: Vec<Named> = authors().order_by(User::id).shape().all(&*db).await.unwrap();
        assert_eq!(named.iter().map(|user| user.name.as_deref()).collect::<Vec<_>>(), [Some("Ann"), Some("Ann")]);
        let written: Vec<Author> = authors().order_by(User::email).shape().all(&*db).await.unwrap();
        assert_eq!(written.iter().map(|author| author.posts.len()).collect::<Vec<_>>(), [2, 2]);
    }

    /// Nothing is sent, whether or not a row leads there.
    async fn edges_that_make_no_sense(db: Database) {
        let recorder = db.record();
        macro_rules! refused {
            ($graph:expr) => {{
                let error = $graph.all(&*db).await.expect_err("it was loaded");
                assert_eq!((error.class(), recorder.count()), (ErrorClass::Compile, 0), "{error}");
                error.to_string()
            }};
        }
        let words = refused!(User::select().with(User::posts.filter(User::id.eq(1))));
        assert!(words.starts_with("column users.id is not in scope: the statement reads from posts;"), "{words}");
        let words = refused!(User::select().with(User::posts.order_by(User::id)));
        assert!(words.contains("users.id is not in scope"), "{words}");
        let words = refused!(User::select().with(User::posts.filter(count(Post::id).gt(1))));
        assert!(words.contains("an aggregate cannot be in a filter"), "{words}");
        let words = refused!(Post::select().with(Post::author).with(Post::tags.filter(User::id.eq(1))));
        assert!(words.contains("the statement reads from tags, post_tags"), "{words}");
        let deep = User::posts.with(Post::reviewer).with(Post::comments.filter(Post::id.eq(1)));
        let words = refused!(User::select().with(deep.clone()));
        assert!(words.contains("posts.id is not in scope: the statement reads from comments"), "{words}");
        let mut session = db.session();
        let error = session.all(User::select().with(deep)).await.unwrap_err();
        assert_eq!((error.class(), recorder.count()), (ErrorClass::Compile, 0), "{error}");
        let words = refused!(Country::select().with(Country::cities.filter(Country::code.eq("x"))));
        assert!(words.contains("countries.code is not in scope"), "{words}");
        let words = refused!(User::select().union(User::select()).with(User::posts));
        assert!(words.contains("a union") && words.contains("in_select"), "{words}");
    }
}
