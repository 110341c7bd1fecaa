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
    #[column(references = User::ident)]
    author_id: i64,
}

fn main() {}
