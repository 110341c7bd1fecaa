use relata::prelude::*;

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: i64,
}

#[derive(Entity)]
struct Post {
    #[column(primary_key)]
    id: i64,
    #[column(references = User::id)]
    author_id: i32,
}

#[derive(Entity)]
#[entity(belongs_to(author: User))]
struct Draft {
    #[column(primary_key)]
    id: i64,
    author_id: String,
}

fn main() {}
