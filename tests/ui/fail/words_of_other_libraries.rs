use relata::prelude::*;

#[derive(Entity)]
#[entity(table_name = "users", rename_all = "camelCase", one_to_many(posts: Post), new(derive(PartialEq, Debug)))]
#[entity(has_many(pages: Post, foreign_key = author_id))]
struct User {
    #[column(primary_key, auto_increment)]
    id: i64,
    #[column(nullable, column_name = "mail", max_length = 100)]
    email: String,
    #[column(skip)]
    cache: String,
}

#[derive(Entity)]
struct Post {
    #[column(pk)]
    id: i64,
    #[column(foreign_key = User::id, on_delete = "CASCADE")]
    author_id: i64,
    #[column(primary_key, references = User::id, on_delete = "SET_NULL", sql_type = "BIGINT")]
    editor_id: i64,
}

fn main() {}
