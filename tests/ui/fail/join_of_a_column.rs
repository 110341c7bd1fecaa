use relata::prelude::*;

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: i64,
}

fn main() {
    let _ = User::select().join(User::id);
}
