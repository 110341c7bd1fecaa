use relata::prelude::*;

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: i64,
    age: Option<i32>,
}

fn main() {
    let _ = case().when(User::id.gt(1), "old").otherwise(3);
    let _ = case().when(User::id.gt(1), User::age).otherwise(0);
    let _ = case().when(User::id.gt(1), User::age).otherwise(Some(0));
    let _ = case().when(User::id.gt(1), User::id).when(User::id.gt(2), 0).otherwise(1);
    let _ = case().when(User::id.gt(1), 0).otherwise(User::id);
}
