use relata::prelude::*;

#[derive(Entity)]
#[entity(has_many(posts: Post, key = title))]
struct User {
    #[column(primary_key)]
    id: i64,
}

#[derive(Entity)]
struct Post {
    #[column(primary_key)]
    id: i64,
    title: String,
    #[column(references = User::id)]
    author_id: i64,
}

fn main() {}
