use relata::prelude::*;

#[derive(Entity)]
struct User {
    id: i64,
}

fn main() {
    let _ = User::select();
}
