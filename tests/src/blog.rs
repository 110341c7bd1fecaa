//! Users, posts, comments and tags: the mapped types that most tests use.

use relata::prelude::*;

/// Writes posts.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "users", has_many(posts: Post, key = author_id))]
pub struct User {
    #[column(primary_key)]
    pub id: i64,
    #[column(unique)]
    pub email: String,
    pub name: Option<String>,
}

/// Has an author, comments and tags.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "posts",
    belongs_to(author: User, key = author_id),
    belongs_to(reviewer: User, key = reviewer_id),
    has_many(comments: Comment),
    many_to_many(tags: Tag, through = PostTag)
)]
pub struct Post {
    #[column(primary_key)]
    pub id: i64,
    #[column(references = User::id, on_delete = "cascade")]
    pub author_id: i64,
    #[column(references = User::id, on_delete = "set null")]
    pub reviewer_id: Option<i64>,
    pub title: String,
    #[column(version)]
    pub version: i32,
}

/// Belongs to a post.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "comments", belongs_to(post: Post, key = post_id))]
pub struct Comment {
    #[column(primary_key)]
    pub id: i64,
    #[column(references = Post::id, on_delete = "cascade")]
    pub post_id: i64,
    pub text: String,
}

/// Is put on posts.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "tags", many_to_many(posts: Post, through = PostTag))]
pub struct Tag {
    #[column(primary_key)]
    pub id: i64,
    #[column(unique)]
    pub name: String,
}

/// Says which tag is on which post.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "post_tags")]
pub struct PostTag {
    #[column(primary_key, references = Post::id, on_delete = "cascade")]
    pub post_id: i64,
    #[column(primary_key, references = Tag::id, on_delete = "cascade")]
    pub tag_id: i64,
}

/// The tables of all of them.
pub fn schema() -> Schema {
    Schema::new().with::<User>().with::<Post>().with::<Comment>().with::<Tag>().with::<PostTag>()
}
