use relata::prelude::*;

#[derive(Entity)]
#[entity(
    belongs_to(author: User),
    belongs_to(reviewer: User, key = reviewr_id),
    has_many(comments: Comment, foreign_key = post_id)
)]
struct Post {
    #[column(primary_key)]
    id: i64,
    reviewer_id: i64,
}

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: i64,
}

#[derive(Entity)]
struct Comment {
    #[column(primary_key)]
    id: i64,
    #[column(references = Post::id)]
    post_id: i64,
}

fn main() {}
