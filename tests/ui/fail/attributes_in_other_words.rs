use relata::prelude::*;

#[derive(Entity)]
#[entity("posts")]
#[entity(unique("email"), check(price > 0), index(email desc), foreign_key("email"), new(derive("Clone")))]
#[entity(belongs_to(type: Post, key = id), has_many(self: Post))]
struct Post {
    #[column(primary_key)]
    id: i64,
    #[column("mail")]
    email: String,
}

fn main() {}
