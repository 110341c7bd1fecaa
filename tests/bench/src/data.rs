//! The tables, and what is in them.

use relata::prelude::*;

use crate::database::Server;

/// There are 10,000.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "users", has_many(posts: Post, key = author_id))]
pub struct User {
    #[column(primary_key)]
    pub id: i64,
    pub email: String,
    pub name: String,
}

/// The first 50 users have ten each.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "posts", has_many(comments: Comment, key = post_id))]
pub struct Post {
    #[column(primary_key)]
    pub id: i64,
    #[column(references = User::id)]
    pub author_id: i64,
    pub title: String,
}

/// The first 100 posts have ten each.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "comments")]
pub struct Comment {
    #[column(primary_key)]
    pub id: i64,
    #[column(references = Post::id)]
    pub post_id: i64,
    pub text: String,
}

/// There are 500,000.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "readings")]
pub struct Reading {
    #[column(primary_key)]
    pub id: i64,
    pub place: String,
    pub note: String,
}

/// What the inserts write. Empty before each of them.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "notes")]
pub struct Note {
    #[column(primary_key)]
    pub id: i64,
    pub title: String,
    pub text: String,
    pub stars: i32,
}

const READINGS: i64 = 500_000;

/// Creates the tables and fills them; the readings only if somebody reads them.
pub async fn fill(server: Server, url: &str, readings: bool) -> relata::Result<()> {
    let db = Engine::connect(url).await?;
    let schema =
        Schema::new().with::<User>().with::<Post>().with::<Comment>().with::<Reading>().with::<Note>();
    schema.create(&db).await?;
    // The drafts leave the keys to the database, which counts from 1 in an empty table.
    let users =
        (1..=10_000).map(|i| NewUser { email: format!("user{i}@example.com"), name: format!("User {i}") });
    insert_many(users).execute(&db).await?;
    let posts = (0..500)
        .map(|i| NewPost { author_id: (1 + i / 10).into(), title: format!("What happened on day {i}") });
    insert_many(posts).execute(&db).await?;
    let comments =
        (0..1000).map(|i| NewComment { post_id: (1 + i / 10).into(), text: format!("I say {i} to this.") });
    insert_many(comments).execute(&db).await?;
    let readings = if readings { READINGS } else { 0 };
    for start in (0..readings).step_by(50_000) {
        let readings = (start..start + 50_000).map(|i| NewReading {
            place: format!("place {}", i % 1000),
            note: format!("reading number {i}"),
        });
        insert_many(readings).execute(&db).await?;
    }
    if let Some(statement) = server.analyzing() {
        sql(statement).execute(&db).await?;
    }
    db.close().await
}

/// Rows to be inserted.
pub fn notes(count: usize) -> Vec<NewNote> {
    (0..count)
        .map(|i| NewNote {
            title: format!("note {i}"),
            text: format!("the text of note number {i}, which says little"),
            stars: (i % 5) as i32,
        })
        .collect()
}
