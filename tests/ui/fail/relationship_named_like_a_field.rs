use relata::prelude::*;

#[derive(Entity)]
#[entity(belongs_to(author: Author, key = author))]
struct Post {
    #[column(primary_key)]
    id: i64,
    #[column(references = Author::id)]
    author: i64,
}

#[derive(Entity)]
struct Author {
    #[column(primary_key)]
    id: i64,
}

fn main() {}
