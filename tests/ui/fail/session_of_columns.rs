use relata::prelude::*;

#[derive(Entity)]
#[entity(has_many(posts: Post))]
struct User {
    #[column(primary_key)]
    id: i64,
    email: String,
}

#[derive(Entity)]
struct Post {
    #[column(primary_key)]
    id: i64,
    #[column(references = User::id)]
    author_id: i64,
}

#[derive(Shape)]
#[shape(of = User)]
struct Card {
    email: String,
}

fn read(session: &mut Session) {
    let _ = session.all(select(User::email));
    let _ = session.one(User::select().shape::<Card>());
    let _ = session.all(update::<User>().set(User::email, "a"));
}

fn main() {}
