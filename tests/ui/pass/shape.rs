//! Structs that are filled by columns and relationships of every kind.

#![deny(warnings)]
#![allow(unreachable_pub)]

use relata::prelude::*;

#[derive(Entity)]
#[entity(has_many(posts: Post, key = author_id), has_one(profile: Profile))]
struct User {
    #[column(primary_key)]
    id: i64,
    name: Option<String>,
    picture: Vec<u8>,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(belongs_to(user: User))]
struct Profile {
    #[column(primary_key, references = User::id)]
    user_id: i64,
    motto: String,
}

#[derive(Entity)]
#[entity(
    belongs_to(author: User, key = author_id),
    belongs_to(editor: User, key = editor_id),
    many_to_many(tags: Tag, through = PostTag)
)]
struct Post {
    #[column(primary_key)]
    id: i64,
    #[column(references = User::id)]
    author_id: i64,
    editor_id: Option<i64>,
    title: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(many_to_many(posts: Post, through = PostTag))]
struct Tag {
    #[column(primary_key)]
    id: i64,
    name: String,
}

#[derive(Entity)]
struct PostTag {
    #[column(primary_key, references = Post::id)]
    post_id: i64,
    #[column(primary_key, references = Tag::id)]
    tag_id: i64,
}

#[derive(Shape, Debug, PartialEq)]
#[shape(of = User)]
struct Author {
    posts: Vec<PostCard>,
    name: Option<String>,
    picture: Vec<u8>,
    profile: Option<Profile>,
}

#[derive(Shape, Debug, PartialEq)]
#[shape(of = Post)]
struct PostCard {
    #[shape(from = title)]
    heading: String,
    author: Name,
    editor: Option<Name>,
    tags: Vec<Tag>,
}

#[derive(Shape, Debug, Clone, PartialEq)]
#[shape(of = User)]
struct Name {
    name: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() {
    loads().await.unwrap();
}

async fn loads() -> Result<(), Error> {
    let db = Engine::connect("sqlite::memory:").await?;
    Schema::new()
        .with::<User>()
        .with::<Profile>()
        .with::<Post>()
        .with::<Tag>()
        .with::<PostTag>()
        .create(&db)
        .await?;

    let ann = NewUser { name: Some("Ann".into()), picture: vec![1, 2] };
    let bob = NewUser { name: None, picture: vec![] };
    insert_many([ann, bob]).execute(&db).await?;
    insert(NewProfile { user_id: 1.into(), motto: "hi".into() }).execute(&db).await?;
    let first = NewPost { author_id: 1.into(), editor_id: None, title: "first".into() };
    let second = NewPost { author_id: 1.into(), editor_id: Some(2.into()), title: "second".into() };
    insert_many([first, second]).execute(&db).await?;
    insert(NewTag { name: "rust".into() }).execute(&db).await?;
    insert(NewPostTag { post_id: 2.into(), tag_id: 1.into() }).execute(&db).await?;

    let authors: Vec<Author> = User::select().order_by(User::id).shape().all(&db).await?;
    let ann = Name { name: Some("Ann".into()) };
    assert_eq!(
        authors,
        [
            Author {
                posts: vec![
                    PostCard { heading: "first".into(), author: ann.clone(), editor: None, tags: vec![] },
                    PostCard {
                        heading: "second".into(),
                        author: ann,
                        editor: Some(Name { name: None }),
                        tags: vec![Tag { id: 1, name: "rust".into() }],
                    },
                ],
                name: Some("Ann".into()),
                picture: vec![1, 2],
                profile: Some(Profile { user_id: 1, motto: "hi".into() }),
            },
            Author { posts: vec![], name: None, picture: vec![], profile: None },
        ]
    );
    Ok(())
}
