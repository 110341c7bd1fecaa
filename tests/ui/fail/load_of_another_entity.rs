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
#[shape(of = Post)]
struct Line {
    id: i64,
}

fn main() {
    let _ = Post::select().with(User::posts);
    let _ = User::select().with(User::posts.with(User::posts));
    let _ = User::select().with(User::email);
    let _ = User::select().shape::<Line>();
}
