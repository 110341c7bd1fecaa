//! What the README and the guide promise, in one go.

use relata::prelude::*;
use relata_tests::{blog::*, on_every_database};

/// Its fields are found by their names, in whatever order.
#[derive(Row, Debug, PartialEq)]
struct Busy {
    posts: i64,
    name: Option<String>,
    email: String,
}

on_every_database! {
    async fn a_session_writes_a_graph_and_reads_it_again(db: Database) {
        schema().create(&*db).await.unwrap();
        let mut session = db.session();
        let alice = session.add(NewUser { email: "alice@example.com".into(), name: None });
        let hello = session.add(NewPost { author_id: alice.into(), reviewer_id: None, title: "hello".into() });
        session.flush().await.unwrap();
        session[hello].title.push_str(", world");
        let bob = session.add(NewUser { email: "bob@example.com".into(), name: None });
        session.flush().await.unwrap();
        session[bob].name = Some("Bob".into());
        let rust = match session.one_or_none(Tag::select().filter(Tag::name.eq("rust"))).await.unwrap() {
            Some(tag) => tag,
            None => session.add(NewTag { name: "rust".into() }),
        };
        session.link(hello, Post::tags, rust);
        session.set(hello, Post::reviewer, bob);
        session.commit().await.unwrap();

        let posts: Vec<Post> = Post::select().filter(Post::title.contains("world")).all(&*db).await.unwrap();
        assert_eq!(posts.len(), 1);
        assert_eq!((posts[0].title.as_str(), posts[0].version), ("hello, world", 3));
        assert_eq!(posts[0].reviewer_id, Some(session[bob].id));

        let graph: Vec<(User, Vec<(Post, Vec<Comment>, Vec<Tag>)>)> =
            User::select().order_by(User::id).with(User::posts.with(Post::comments).with(Post::tags)).all(&*db).await.unwrap();
        assert_eq!(graph.len(), 2);
        let (user, posts) = &graph[0];
        assert_eq!((user.email.as_str(), posts.len()), ("alice@example.com", 1));
        let (post, comments, tags) = &posts[0];
        assert_eq!((post.title.as_str(), comments.len(), tags[0].name.as_str()), ("hello, world", 0, "rust"));
        assert_eq!(graph[1].1, []);
        // What is asked of the root may follow.
        let with_posts = || User::select().with(User::posts);
        let alice = with_posts().filter(User::email.starts_with("alice")).one(&*db).await.unwrap();
        assert_eq!((alice.0.email.as_str(), alice.1.len()), ("alice@example.com", 1));
        let last = with_posts().order_by(User::id.desc()).limit(1).all(&*db).await.unwrap();
        assert_eq!(last.iter().map(|(user, _)| user.id).collect::<Vec<_>>(), [graph[1].0.id]);
        let rest = with_posts().order_by(User::id).limit(5).offset(1).all(&*db).await.unwrap();
        assert_eq!(rest, last);
    }

    async fn typed_queries(db: Database) {
        schema().create(&*db).await.unwrap();
        let users: Vec<User> = insert_many((0..5).map(|i| NewUser { email: format!("{i}@example.com"), name: None }))
            .returning(User::entity()).all(&*db).await.unwrap();
        for (at, user) in users.iter().enumerate() {
            insert_many((0..at).map(|i| NewPost { author_id: user.id.into(), reviewer_id: None, title: format!("post {i}") }))
                .execute(&*db).await.unwrap();
        }
        let busy: Vec<(String, i64)> = select((User::email, count(Post::id).label("n")))
            .join(User::posts).group_by(User::email).having(count(Post::id).gt(3)).all(&*db).await.unwrap();
        assert_eq!(busy, [("4@example.com".to_string(), 4)]);

        let per_author = select((Post::author_id, count(Post::id))).group_by(Post::author_id).subquery("per_author");
        let (author, n) = per_author.columns();
        let top = select((User::email, n.clone())).join_on(per_author, author.eq(User::id)).filter(n.gt(2)).order_by(User::email);
        assert_eq!(top.all(&*db).await.unwrap(), [("3@example.com".to_string(), 3), ("4@example.com".to_string(), 4)]);
    }

    async fn rows_by_name(db: Database) {
        schema().create(&*db).await.unwrap();
        let new = |email: &str, name: Option<&str>| NewUser { email: email.into(), name: name.map(Into::into) };
        let ids = insert_many([new("a", Some("A")), new("b", None)]).returning(User::id).all(&*db).await.unwrap();
        let post = |author: i64| NewPost { author_id: author.into(), reviewer_id: None, title: "t".into() };
        insert_many([post(ids[0]), post(ids[1]), post(ids[0])]).execute(&*db).await.unwrap();
        let busy = || {
            select((User::email, User::name, count(Post::id).label("posts")))
                .join(User::posts).group_by(User::id).order_by(User::id).rows::<Busy>()
        };
        let row = |email: &str, name: Option<&str>, posts: i64| Busy { posts, name: name.map(Into::into), email: email.into() };
        assert_eq!(busy().all(&*db).await.unwrap(), [row("a", Some("A"), 2), row("b", None, 1)]);
        assert_eq!(busy().filter(User::email.eq("b")).one(&*db).await.unwrap(), row("b", None, 1));
        let mut rows = busy().stream(&*db);
        assert_eq!(rows.next().await.unwrap().unwrap(), row("a", Some("A"), 2));
        drop(rows);
        assert_eq!(busy().first(&mut db.session()).await.unwrap(), Some(row("a", Some("A"), 2)));
    }
}
