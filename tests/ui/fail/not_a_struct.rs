use relata::prelude::*;

#[derive(Entity)]
enum Mood {
    Happy,
}

#[derive(Entity)]
struct Pair(i64, i64);

#[derive(Entity)]
union Either {
    a: i64,
    b: f64,
}

#[derive(Entity)]
struct Borrowed<'a> {
    #[column(primary_key)]
    name: &'a str,
}

#[derive(Entity)]
struct Generic<T> {
    #[column(primary_key)]
    id: T,
}

fn main() {}
