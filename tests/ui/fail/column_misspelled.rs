use relata::prelude::*;

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: i64,
    email: String,
}

fn main() {
    let _ = User::select().filter(User::emial.eq("alice@example.com"));
}
