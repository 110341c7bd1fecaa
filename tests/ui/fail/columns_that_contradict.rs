use relata::prelude::*;

#[derive(Entity)]
struct User {
    #[column(primary_key, unique, version)]
    id: i64,
    #[column(name = "id")]
    number: i64,
    #[column(on_delete = "cascade")]
    group: i64,
    #[column(default = 1, default_sql = "2", index, unique)]
    level: i64,
    #[column(generated, default = 1)]
    a: i64,
    #[column(generated, precision(2, 3))]
    b: i64,
    #[column(version)]
    c: i64,
}

#[derive(Entity)]
struct Reading {
    #[column(primary_key)]
    second: f64,
}

fn main() {}
