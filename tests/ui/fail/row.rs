use relata::prelude::*;

struct Colour;

#[derive(Row)]
struct Pair(String, i64);

#[derive(Row)]
struct Borrowed<'a> {
    name: &'a str,
}

#[derive(Row)]
struct Twice {
    name: String,
    #[column(name = "name")]
    other: String,
    #[column(nam = "x")]
    third: String,
}

#[derive(Entity, Row)]
struct Both {
    #[column(primary_key)]
    id: i64,
}

#[derive(Row)]
struct Paint {
    colour: Colour,
}

fn main() {}
