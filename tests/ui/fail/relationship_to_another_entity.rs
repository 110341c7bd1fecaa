use relata::prelude::*;

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: i64,
}

#[derive(Entity)]
struct Editor {
    #[column(primary_key)]
    id: i64,
}

#[derive(Entity)]
#[entity(belongs_to(author: Editor, key = author_id))]
struct Post {
    #[column(primary_key)]
    id: i64,
    #[column(references = User::id)]
    author_id: i64,
}

fn main() {}
