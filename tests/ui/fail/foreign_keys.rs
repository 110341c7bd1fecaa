//! Foreign keys over several columns that cannot be right: all mistakes in one go.
use relata::prelude::*;

#[derive(Entity)]
#[entity(table = "lines")]
struct Line {
    #[column(primary_key)]
    order_id: i64,
    #[column(primary_key)]
    number: i16,
}

#[derive(Entity)]
#[entity(table = "users")]
struct User {
    #[column(primary_key)]
    id: i64,
}

#[derive(Entity)]
#[entity(
    table = "parcels",
    foreign_key(order_id, number),
    foreign_key(order_id, nummer, references = (Line::order_id, Line::number)),
    foreign_key(order_id, references = (Line::order_id, Line::number)),
    foreign_key(order_id, number, references = (Line::order_id, User::id)),
    foreign_key(user_id, references = User::id),
    foreign_key(order_id, number, references = (Line::order_id, Line::number), on_delete = "vanish"),
)]
struct Parcel {
    #[column(primary_key)]
    id: i64,
    order_id: i64,
    number: i16,
    #[column(references = User::id)]
    user_id: i64,
}

fn main() {}
