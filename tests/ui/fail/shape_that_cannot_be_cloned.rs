use relata::prelude::*;

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: i64,
    email: String,
}

#[derive(Entity)]
#[entity(belongs_to(author: User, key = author_id))]
struct Post {
    #[column(primary_key)]
    id: i64,
    #[column(references = User::id)]
    author_id: i64,
}

#[derive(Shape)]
#[shape(of = User)]
struct Author {
    email: String,
}

#[derive(Shape)]
#[shape(of = Post)]
struct Signed {
    author: Author,
}

fn main() {}
