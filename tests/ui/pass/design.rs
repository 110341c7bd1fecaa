//! The entities of the README, and what is made of them.

#![allow(dead_code)]

use relata::prelude::*;

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "users", has_many(posts: Post))]
struct User {
    #[column(primary_key)] id: i64,
    #[column(unique)] email: String,
    name: Option<String>,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "posts", belongs_to(author: User, key = author_id), has_many(comments: Comment),
         many_to_many(tags: Tag, through = PostTag))]
struct Post {
    #[column(primary_key)] id: i64,
    #[column(references = User::id, on_delete = "cascade")] author_id: i64,
    title: String,
    #[column(version)] version: i32,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "comments", belongs_to(post: Post, key = post_id))]
struct Comment {
    #[column(primary_key)] id: i64,
    #[column(references = Post::id, on_delete = "cascade")] post_id: i64,
    body: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "tags", many_to_many(posts: Post, through = PostTag))]
struct Tag {
    #[column(primary_key)] id: i64,
    #[column(unique, length = 40)] name: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "post_tags", belongs_to(post: Post), belongs_to(tag: Tag))]
struct PostTag {
    #[column(primary_key, references = Post::id, on_delete = "cascade")] post_id: i64,
    #[column(primary_key, references = Tag::id, on_delete = "cascade")] tag_id: i64,
}

#[derive(Shape, Debug)] #[shape(of = User)]
struct Author { email: String, posts: Vec<PostCard> }
#[derive(Shape, Debug)] #[shape(of = Post)]
struct PostCard { title: String, comments: Vec<Comment>, tags: Vec<Tag> }

#[derive(Row, Debug, PartialEq)]
struct Busy {
    email: String,
    #[column(name = "n")]
    posts: i64,
}

pub(crate) fn main() {
    let _ = NewUser { email: "alice@example.com".into(), name: None };
    let _ = NewPost { author_id: 1.into(), title: "hello".into() };
    let _ = NewPostTag { post_id: 1.into(), tag_id: 2.into() };
    let _ = select((User::email, count(Post::id).label("n"))).join(User::posts).group_by(User::email).rows::<Busy>();
    let _ = Post::select().join(Post::author).join(Post::comments).join(Post::tags).filter(Post::title.contains("rust"));
    let _ = insert(NewUser { email: "bob@example.com".into(), name: None }.with_key(7));
    let _ = User::select().filter(User::email.ends_with("@example.com")).shape::<Author>();
    let _ = User::select().with(User::posts.with(Post::comments));
    let (author, posts): (BelongsTo<Post, User>, HasMany<User, Post>) = (Post::author, User::posts);
    assert_eq!((author.name(), posts.name()), ("author", "posts"));
}

use relata::relationship::{BelongsTo, HasMany};
