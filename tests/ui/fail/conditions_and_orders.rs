use relata::prelude::*;

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: i64,
    email: String,
}

fn main() {
    let newest = Some(User::id.gt(7));
    let _ = User::select().filter(User::email);
    let _ = User::select().filter(newest);
    let _ = User::select().order_by("email");
    let _ = User::select().filter(all_of(Some(User::id.gt(7)))).filter(all_of(vec![User::id.gt(7)]));
}
