use relata::prelude::*;

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: i64,
    email: String,
}

fn main() {
    let _ = select((User::id, User::email)).rows::<(i64, String)>();
    let _ = User::select().rows::<User>();
    let _ = insert(vec![NewUser { email: "a".into() }]);
}
