use relata::prelude::*;

#[derive(Entity, Clone)]
#[entity(has_many(posts: Post))]
struct User {
    #[column(primary_key)]
    id: i64,
    email: String,
}

#[derive(Entity, Clone)]
#[entity(belongs_to(author: User, key = author_id))]
struct Post {
    #[column(primary_key)]
    id: i64,
    #[column(references = User::id)]
    author_id: i64,
}

#[derive(Shape)]
#[shape(of = User)]
struct WrongColumn {
    email: i64,
}

#[derive(Shape)]
#[shape(of = User)]
struct Misspelled {
    emial: String,
}

#[derive(Shape)]
#[shape(of = User)]
struct NotMany {
    posts: Option<Post>,
}

#[derive(Shape)]
#[shape(of = User)]
struct OfAnother {
    posts: Vec<User>,
}

#[derive(Shape)]
#[shape(of = Post)]
struct NotOptional {
    author: Option<User>,
}

fn main() {}
