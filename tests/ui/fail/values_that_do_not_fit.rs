use relata::prelude::*;

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: i64,
    name: Option<String>,
    age: i32,
}

#[derive(Entity)]
struct Page {
    #[column(primary_key)]
    number: usize,
}

fn main() {
    let (id, age, name): (&i64, usize, Option<&str>) = (&1, 2, None);
    let _ = User::id.eq(id);
    let _ = User::name.eq(name);
    let _ = User::age.eq(age);
    let _ = User::age.in_list([age]);
    let _ = User::id.in_list(["a"]);
    let _ = User::age.between("a", 7);
    let _ = User::id.eq(select(max(User::id)));
    let _ = update::<User>().set(User::age, 7_i64);
    let _ = update::<User>().set(User::age, Some(7));
    let _ = update::<User>().set(User::name, name);
}
