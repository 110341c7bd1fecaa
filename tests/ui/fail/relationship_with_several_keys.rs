use relata::prelude::*;

#[derive(Entity)]
#[entity(has_many(posts: Post))]
struct User {
    #[column(primary_key)]
    id: i64,
}

#[derive(Entity)]
struct Post {
    #[column(primary_key)]
    id: i64,
    #[column(references = User::id)]
    author_id: i64,
    #[column(references = User::id)]
    reviewer_id: i64,
}

fn main() {}
