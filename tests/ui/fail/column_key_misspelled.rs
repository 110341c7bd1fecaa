use relata::prelude::*;

#[derive(Entity)]
struct User {
    #[column(primry_key)]
    id: i64,
    #[column(primary_key)]
    other: i64,
}

fn main() {
    let _ = User::id;
}
