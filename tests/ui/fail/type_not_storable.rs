use relata::prelude::*;

#[derive(Debug, Clone)]
struct Colour;

#[derive(Entity)]
struct Car {
    #[column(primary_key)]
    id: i64,
    colour: Colour,
}

fn main() {}
