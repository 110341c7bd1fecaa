use relata::prelude::*;

struct Post;

#[derive(Entity)]
#[entity(has_many(posts: Post))]
struct User {
    #[column(primary_key)]
    id: i64,
}

fn main() {}
