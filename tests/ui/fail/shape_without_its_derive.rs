use relata::prelude::*;

#[derive(Entity, Clone)]
struct User {
    #[column(primary_key)]
    id: i64,
    email: String,
}

struct Mail {
    email: String,
}

fn main() {
    let _ = User::select().shape::<Mail>();
}
