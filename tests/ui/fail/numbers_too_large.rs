use relata::prelude::*;

#[derive(Entity)]
struct Order {
    #[column(primary_key)]
    id: i64,
    #[column(precision(300, 5))]
    price: f64,
    #[column(length = 5000000000)]
    note: String,
    #[column(default = 340282366920938463463374607431768211456)]
    most: u64,
}

fn main() {}
