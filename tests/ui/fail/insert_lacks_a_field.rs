use relata::prelude::*;

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: i64,
    email: String,
    name: Option<String>,
}

fn main() {
    let _ = insert(NewUser { email: "alice@example.com".into() });
}
