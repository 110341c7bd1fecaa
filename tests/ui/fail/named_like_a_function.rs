use relata::prelude::*;

#[derive(Entity)]
#[entity(belongs_to(entity: User, key = other_id))]
struct User {
    #[column(primary_key)]
    id: i64,
    other_id: i64,
    select: bool,
    #[column(name = "found")]
    find: bool,
    r#alias: String,
}

fn main() {
    let _ = User::select().filter(User::id.eq(1));
}
