use relata::prelude::*;

#[derive(Entity)]
#[column(name = "people")]
struct Person {
    #[column(primary_key)]
    id: i64,
    #[entity(unique)]
    email: String,
}

#[derive(Row)]
#[column(name = "email")]
struct Line {
    #[row(rename = "email")]
    mail: String,
}

#[derive(Enum)]
#[enumeration(name = "mood")]
enum Mood {
    Happy,
    Sad,
}

#[derive(Type)]
struct Email(#[newtype(length = 3)] String);

#[derive(Entity)]
#[entity(name = "posts", primary_key = "id")]
struct Post {
    #[column(primary_key, table = "posts", belongs_to(author: Person), check("id > 0"))]
    id: i64,
}

#[derive(Enum)]
#[enumeration(rename = "colour")]
enum Colour {
    #[enumeration(native, rename_all = "lowercase")]
    Red,
}

#[derive(Shape)]
#[shape(of = Person, from = mail)]
struct Card {
    #[shape(of = Person)]
    email: String,
}

#[derive(Row)]
#[row(rename = "email")]
struct Named {
    #[column(rename = "email")]
    mail: String,
}

fn main() {}
