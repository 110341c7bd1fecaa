//! Relationships that are joined more than once in one SELECT.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use relata::{
    dialect::Standard,
    prelude::*,
    relationship::{Aliased, HasMany},
    render::Statement,
};
use relata_tests::{Database, blog::*, on_every_database};

#[derive(Entity, Debug, Clone)]
#[entity(table = "nodes", has_many(children: Node, key = parent_id))]
struct Node {
    #[column(primary_key)]
    id: i64,
    #[column(references = Node::id)]
    parent_id: Option<i64>,
}

/// Posts with their tags: "all" has a, b and c, "two" a and b, "one" a, "none" none.
async fn tagged(db: &Database) {
    schema().create(&**db).await.unwrap();
    let mut session = db.session();
    let author = session.add(NewUser { email: "a@example.com".into(), name: None });
    let tags = ["a", "b", "c"].map(|name| session.add(NewTag { name: name.into() }));
    for (title, count) in [("all", 3), ("two", 2), ("one", 1), ("none", 0)] {
        let post = session.add(NewPost { author_id: author.into(), reviewer_id: None, title: title.into() });
        for tag in &tags[..count] {
            session.link(post, Post::tags, *tag);
        }
    }
    session.commit().await.unwrap();
}

#[track_caller]
fn compiled(statement: impl Statement) -> String {
    statement.compile(&Standard).unwrap().sql
}

#[track_caller]
fn refused(statement: impl Statement) -> String {
    statement.compile(&Standard).unwrap_err().to_string()
}

#[test]
fn a_relationship_goes_on_from_an_alias() {
    let (reviewer, other) = (User::alias("reviewer"), Post::alias("other"));
    let from_alias = |posts: Aliased<HasMany<User, Post>>| {
        compiled(select(Post::title).join(Post::reviewer.to(&reviewer)).join(posts))
    };
    let sql = from_alias(User::posts.of(&reviewer).to(&other));
    assert!(sql.ends_with(r#"JOIN "posts" AS "other" ON "other"."author_id" = "reviewer"."id""#), "{sql}");
    assert_eq!(from_alias(User::posts.to(&other).of(&reviewer)), sql);
    let linked = compiled(select(Tag::name).from(&other).join(Post::tags.of(&other)));
    assert!(linked.contains(r#""post_tags"."post_id" = "other"."id""#), "{linked}");
    let words = refused(select(Comment::text).from(&other).join(Post::comments));
    assert!(
        words.contains("posts is read as other: take the column, or the relationship, `.of(…)` that alias"),
        "{words}"
    );
    let words = refused(select(Post::title).join(User::posts.of(&reviewer).to(&other)));
    assert!(words.contains("column reviewer.id is not in scope"), "{words}");
}

#[test]
fn rows_at_the_end_for_the_row_around() {
    let sql = compiled(User::select().filter(exists(User::posts.correlated().filter(Post::title.eq("x")))));
    let condition = r#"WHERE "posts"."author_id" = "users"."id" AND "posts"."title" = ?)"#;
    assert!(sql.ends_with(condition), "{sql}");
    let sql = compiled(Post::select().filter(not_exists(Post::tags.correlated())));
    assert!(
        sql.ends_with(
            r#"FROM "tags" JOIN "post_tags" ON "post_tags"."tag_id" = "tags"."id" WHERE "post_tags"."post_id" = "posts"."id")"#
        ),
        "{sql}"
    );
    let author = User::alias("author");
    let named = Post::author.to(&author).correlated().project(User::name.of(&author));
    let sql = compiled(select((Post::id, scalar(named))));
    assert!(sql.contains(r#"FROM "users" AS "author" WHERE "author"."id" = "posts"."author_id")"#), "{sql}");
    // One column is enough to know whether there is a row.
    let sql = compiled(Post::select().filter(exists(Post::author.to(&author).correlated())));
    assert!(sql.contains(r#"EXISTS (SELECT "author"."id" FROM"#), "{sql}");
    let words = refused(User::select().filter(exists(User::posts.correlated().join(Post::author))));
    assert!(words.contains("users is read in the subquery, too"), "{words}");
    let words = refused(User::posts.correlated());
    assert!(words.contains("users.id is not in scope"), "{words}");
    let words = refused(Node::select().filter(exists(Node::children.correlated())));
    assert!(
        words.contains("`let other = Node::alias(\"other\")` and `Node::children.to(&other).correlated()`"),
        "{words}"
    );
}

#[test]
fn the_table_between_has_a_second_name_where_the_first_is_taken() {
    let (t2, t3) = (Tag::alias("t2"), Tag::alias("t3"));
    // Alone, it keeps its own.
    let alone = select((Post::title, PostTag::tag_id)).join(Post::tags.to(&t2));
    assert_eq!(
        compiled(alone),
        r#"SELECT "posts"."title", "post_tags"."tag_id" FROM "posts" JOIN "post_tags" ON "post_tags"."post_id" = "posts"."id" JOIN "tags" AS "t2" ON "t2"."id" = "post_tags"."tag_id""#
    );
    let twice = select((Tag::name, Tag::name.of(&t2)))
        .from(Post::entity())
        .join(Post::tags)
        .left_join(Post::tags.to(&t3))
        .join(Post::tags.to(&t2));
    assert_eq!(
        compiled(twice),
        r#"SELECT "tags"."name", "t2"."name" FROM "posts" JOIN "post_tags" ON "post_tags"."post_id" = "posts"."id" JOIN "tags" ON "tags"."id" = "post_tags"."tag_id" LEFT JOIN "post_tags" AS "t3_link" ON "t3_link"."post_id" = "posts"."id" LEFT JOIN "tags" AS "t3" ON "t3"."id" = "t3_link"."tag_id" JOIN "post_tags" AS "t2_link" ON "t2_link"."post_id" = "posts"."id" JOIN "tags" AS "t2" ON "t2"."id" = "t2_link"."tag_id""#
    );
    // What is read from may be what is between as well.
    let from = select((PostTag::tag_id, Tag::name.of(&t2)))
        .from(PostTag::entity())
        .join_on(Post::entity(), Post::id.eq(PostTag::post_id))
        .join(Post::tags.to(&t2));
    assert_eq!(
        compiled(from),
        r#"SELECT "post_tags"."tag_id", "t2"."name" FROM "post_tags" JOIN "posts" ON "posts"."id" = "post_tags"."post_id" JOIN "post_tags" AS "t2_link" ON "t2_link"."post_id" = "posts"."id" JOIN "tags" AS "t2" ON "t2"."id" = "t2_link"."tag_id""#
    );
}

#[test]
fn the_second_name_is_nobody_elses() {
    let (t2, link) = (Tag::alias("t2"), User::alias("t2_link"));
    let both = select((Tag::name, Tag::name.of(&t2)))
        .from(Post::entity())
        .join(Post::author.to(&link))
        .join(Post::tags)
        .join(Post::tags.to(&t2));
    let sql = compiled(both);
    assert!(sql.contains(r#"JOIN "users" AS "t2_link" ON"#), "{sql}");
    assert!(sql.contains(r#"JOIN "post_tags" AS "t2_link_2" ON "t2_link_2"."post_id""#), "{sql}");
    let later = select((Tag::name, Tag::name.of(&t2)))
        .from(Post::entity())
        .join(Post::tags)
        .join(Post::tags.to(&t2))
        .join(Post::author.to(&link));
    assert!(refused(later).starts_with("t2_link is read from twice: "));
}

#[test]
fn what_is_joined_under_its_own_name_is_joined_once() {
    let t2 = Tag::alias("t2");
    let advice = "post_tags is read from already, and Post::tags leads through it: give the other end another name, `let other = Tag::alias(\"other\")` and `.join(Post::tags.to(&other))`";
    let post = || select(Post::title).from(Post::entity());
    assert_eq!(refused(post().join(Post::tags).join(Post::tags)), advice);
    assert_eq!(refused(post().join(Post::tags.to(&t2)).join(Post::tags)), advice);
    // As it says.
    compiled(post().join(Post::tags.to(&t2)).join(Post::tags.to(&Tag::alias("other"))));
    let same = refused(post().join(Post::tags.to(&t2)).join(Post::tags.to(&t2)));
    assert!(same.starts_with("t2 is read from twice"), "{same}");
}

on_every_database! {
    async fn posts_that_have_both_tags(db: Database) {
        tagged(&db).await;
        let t2 = Tag::alias("t2");
        let both = select(Post::title)
            .join(Post::tags)
            .join(Post::tags.to(&t2))
            .filter(Tag::name.eq("a").and(Tag::name.of(&t2).eq("b")))
            .order_by(Post::id);
        assert_eq!(both.all(&*db).await.unwrap(), ["all", "two"]);
        // The association under its own name is that of the first; the other has a name as well.
        let second = PostTag::alias("t2_link");
        let pairs = select((Post::title, PostTag::tag_id, PostTag::tag_id.of(&second)))
            .join(Post::tags)
            .join(Post::tags.to(&t2))
            .filter(Tag::name.eq("a").and(Tag::name.of(&t2).eq("b")))
            .order_by(Post::id);
        let ids = select(Tag::id).order_by(Tag::name).all(&*db).await.unwrap();
        let pair = |title: &str| (title.to_owned(), ids[0], ids[1]);
        assert_eq!(pairs.all(&*db).await.unwrap(), [pair("all"), pair("two")]);
    }

    async fn three_joins(db: Database) {
        tagged(&db).await;
        let (t2, t3) = (Tag::alias("t2"), Tag::alias("t3"));
        let three = select((Post::title, Tag::name, Tag::name.of(&t2), Tag::name.of(&t3)))
            .join(Post::tags)
            .join(Post::tags.to(&t2))
            .join(Post::tags.to(&t3))
            .filter(Tag::name.lt(Tag::name.of(&t2)).and(Tag::name.of(&t2).lt(Tag::name.of(&t3))));
        let row = ["all", "a", "b", "c"].map(str::to_owned);
        let [title, a, b, c] = row;
        assert_eq!(three.all(&*db).await.unwrap(), [(title, a, b, c)]);
    }

    async fn outer_joins(db: Database) {
        tagged(&db).await;
        let t2 = Tag::alias("t2");
        let pairs = select((Post::title, Tag::name.optional(), Tag::name.of(&t2).optional()))
            .left_join(Post::tags)
            .left_join(Post::tags.to(&t2))
            .filter(Tag::name.is_null().or(Tag::name.eq("a")))
            .order_by((Post::id, Tag::name.of(&t2)));
        let row = |title: &str, first: Option<&str>, second: Option<&str>| {
            (title.to_owned(), first.map(str::to_owned), second.map(str::to_owned))
        };
        assert_eq!(
            pairs.all(&*db).await.unwrap(),
            [
                row("all", Some("a"), Some("a")),
                row("all", Some("a"), Some("b")),
                row("all", Some("a"), Some("c")),
                row("two", Some("a"), Some("a")),
                row("two", Some("a"), Some("b")),
                row("one", Some("a"), Some("a")),
                row("none", None, None),
            ]
        );
    }

    /// There, along one relationship, and back along another that leads through the same table.
    async fn posts_that_share_a_tag(db: Database) {
        tagged(&db).await;
        let other = Post::alias("other");
        let sharing = select((Post::title, Post::title.of(&other)))
            .join(Post::tags)
            .join(Tag::posts.to(&other))
            .filter(Tag::name.eq("b").and(Post::id.ne(Post::id.of(&other))))
            .order_by(Post::id);
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(sharing.all(&*db).await.unwrap(), [pair("all", "two"), pair("two", "all")]);
    }

    /// In a subquery, the names are its own, whatever the statement around it has.
    async fn in_a_subquery(db: Database) {
        tagged(&db).await;
        let (t2, other) = (Tag::alias("t2"), Post::alias("other"));
        let like_it = select(PostTag::tag_id)
            .from(&other)
            .join_on(PostTag::entity(), PostTag::post_id.eq(Post::id.of(&other)))
            .filter(Post::title.of(&other).eq("two"));
        let found = select((Post::title, Tag::name.of(&t2)))
            .join(Post::tags)
            .join(Post::tags.to(&t2))
            .filter(Tag::name.eq("c").and(Tag::id.of(&t2).in_select(like_it)))
            .order_by(Tag::name.of(&t2));
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(found.all(&*db).await.unwrap(), [pair("all", "a"), pair("all", "b")]);
    }

    async fn long_names(db: Database) {
        tagged(&db).await;
        let long = Tag::alias("t".repeat(58));
        let longest = Tag::alias("t".repeat(63));
        let posts = |alias: &Alias<Tag>| {
            select(Post::title).distinct().join(Post::tags).join(Post::tags.to(alias))
        };
        assert_eq!(posts(&long).all(&*db).await.unwrap().len(), 3);
        match posts(&longest).all(&*db).await {
            Ok(posts) => assert_eq!(posts.len(), 3),
            Err(error) => {
                assert_eq!(error.class(), ErrorClass::Compile);
                assert!(error.to_string().contains("t_link\" is longer than the 6"), "{error}");
            }
        }
    }
}
