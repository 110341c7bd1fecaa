//! The guide in `docs/src` and the README: their Rust snippets are doc tests of this module, so that what they show compiles
//! and, where no server is needed, runs.

use relata::{
    prelude::*,
    statement::{insert, insert_many},
};

use crate::blog::*;

/// Runs a snippet on a database of its own, in memory, with the tables of the [blog](crate::blog) and a few rows.
pub fn run<F: AsyncFnOnce(Engine) -> relata::Result<()>>(snippet: F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let db = Engine::connect("sqlite::memory:?pool_size=4").await.unwrap();
        schema().create(&db).await.unwrap();
        fill(&db).await.unwrap();
        snippet(db).await.unwrap();
    });
}

/// Two users, three posts, two comments, two tags.
async fn fill(db: &Engine) -> relata::Result<()> {
    let user = |email: &str, name: Option<&str>| NewUser { email: email.into(), name: name.map(Into::into) };
    insert_many([user("alice@example.com", Some("Alice")), user("bob@example.com", None)])
        .execute(db)
        .await?;
    let post = |author: i64, reviewer: Option<i64>, title: &str| NewPost {
        author_id: author.into(),
        reviewer_id: reviewer.map(Into::into),
        title: title.into(),
    };
    insert_many([post(1, Some(2), "rust and SQL"), post(1, None, "hello"), post(2, None, "rust again")])
        .execute(db)
        .await?;
    let comment = |post: i64, text: &str| NewComment { post_id: post.into(), text: text.into() };
    insert_many([comment(1, "first"), comment(1, "second")]).execute(db).await?;
    insert_many(["rust", "sql"].map(|name| NewTag { name: name.into() })).execute(db).await?;
    insert(NewPostTag { post_id: 1.into(), tag_id: 1.into() }).execute(db).await?;
    Ok(())
}

/// The pages.
#[cfg(doctest)]
mod pages {
    macro_rules! pages {
        ($($name:ident $path:literal)*) => {
            $(#[doc = include_str!(concat!("../../", $path))] mod $name {})*
        };
    }

    pages! {
        readme "README.md"
        getting_started "docs/src/getting-started.md"
        mapping "docs/src/mapping.md"
        reading "docs/src/reading.md"
        writing "docs/src/writing.md"
        sessions "docs/src/sessions.md"
        transactions "docs/src/transactions.md"
        connecting "docs/src/connecting.md"
        testing "docs/src/testing.md"
        errors "docs/src/errors/index.md"
    }
}
