use relata::prelude::*;

#[derive(Entity)]
#[entity(table = users, colour = "red", unique(emial), belongs_to(author))]
#[entity(unique(email, name = "a", name = "b"), check(name = "a", name = "b", "1 = 1"))]
struct User {
    id: i64,
    #[column(length = "long", on_delete = "explode")]
    email: String,
    #[column(unique = 1, version, version)]
    version: i32,
}

fn main() {
    let _ = (User::email, NewUser { id: 1, email: "a".into() });
}
