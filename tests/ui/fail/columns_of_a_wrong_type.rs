use relata::prelude::*;

#[derive(Entity)]
struct Order {
    #[column(primary_key)]
    id: Option<i64>,
    #[column(length = 5)]
    number: i64,
    #[column(precision(12, 2))]
    price: f64,
    #[column(version)]
    version: String,
    #[column(references = Order::number, on_delete = "set null")]
    other: i64,
    #[column(default = now)]
    at: String,
    #[column(default = "x")]
    count: i32,
    #[column(generated)]
    made: String,
}

fn main() {}
