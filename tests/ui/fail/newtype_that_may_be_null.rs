use relata::prelude::*;

#[derive(Type, Debug, Clone)]
struct Name(Option<String>);

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: i64,
    name: Name,
}

fn main() {}
