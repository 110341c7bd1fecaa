use relata::prelude::*;

#[derive(Entity)]
#[entity(tabel = "users")]
struct User {
    #[column(primary_key)]
    id: i64,
}

fn main() {
    let _ = User::select().filter(User::id.eq(1));
}
