use relata::prelude::*;

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: i64,
    email: String,
    name: Option<String>,
}

#[derive(Entity)]
struct Label {
    #[column(primary_key)]
    text: String,
}

fn main() {
    let _ = insert_select(User::email, select(User::name));
    let _ = insert_select((User::email, User::name), select(User::email));
    let _ = insert_select((User::email, Label::text), select((User::email, User::email)));
    let _ = insert_select(Label::text, User::select());
}
