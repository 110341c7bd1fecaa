use relata::prelude::*;

#[derive(Entity)]
#[entity(table = "", schema, index, check(price), many_to_many(tags: Tag), has_many(posts = Post))]
struct User {
    #[column(primary_key = "yes", name = "")]
    id: i64,
    #[column(primary_key)]
    key: i64,
    #[column(precision = 12)]
    price: i64,
    #[column(default = now())]
    at: i64,
    #[column(references = Other)]
    other: i64,
    #[column = "x"]
    x: i64,
}

fn main() {}
