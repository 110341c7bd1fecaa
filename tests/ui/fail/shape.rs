use relata::prelude::*;

#[derive(Shape)]
struct Homeless {
    email: String,
}

#[derive(Shape)]
#[shape(of = "User", from = users)]
struct Text {
    email: String,
}

#[derive(Shape)]
#[shape(of = User)]
struct Tuple(String);

#[derive(Shape)]
#[shape(of = User)]
enum Either {
    A,
}

#[derive(Shape)]
#[shape(of = User)]
struct Generic<T> {
    email: T,
}

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: i64,
    email: String,
}

fn main() {}
