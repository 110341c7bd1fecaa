//! Foreign keys over several columns: whose types do not fit, to two entities of one name, and one that would set to NULL what
//! cannot be.
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
#[entity(
    table = "parcels",
    foreign_key(order_id, number, references = (Line::order_id, Line::number)),
)]
struct Parcel {
    #[column(primary_key)]
    id: i64,
    order_id: i64,
    number: String,
}

#[derive(Entity)]
#[entity(
    table = "claims",
    foreign_key(order_id, number, references = (Line::order_id, Line::number), on_delete = "set null"),
)]
struct Claim {
    #[column(primary_key)]
    id: i64,
    order_id: Option<i64>,
    number: i16,
}

mod other {
    use relata::prelude::*;

    #[derive(Entity)]
    #[entity(table = "other_lines")]
    pub struct Line {
        #[column(primary_key)]
        pub order_id: i64,
        #[column(primary_key)]
        pub number: i16,
    }
}

#[derive(Entity)]
#[entity(
    table = "returns",
    foreign_key(order_id, number, references = (Line::order_id, other::Line::number)),
)]
struct Return {
    #[column(primary_key)]
    id: i64,
    order_id: i64,
    number: i16,
}

fn main() {}
