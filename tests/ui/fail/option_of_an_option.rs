use relata::prelude::*;

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: i64,
    name: Option<Option<String>>,
}

#[derive(Row)]
struct Name {
    name: Option<Option<String>>,
}

fn main() {
    let _ = User::select().rows::<Name>();
}
