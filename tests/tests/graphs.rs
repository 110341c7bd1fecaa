//! Rows with what is at the ends of their relationships.

use relata::{prelude::*, statement::sql_unchecked};
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

on_every_database! {
    /// The rows are stored in another order, where the database lets them be.
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
}
