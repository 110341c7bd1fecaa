use relata::prelude::*;

#[derive(Entity)]
#[entity(table = users, colour = "red", unique(emial), belongs_to(author))]
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
