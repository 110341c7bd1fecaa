//! The tables: trees, pairs, keys of two columns, and links of which one end has such a key.

use relata::prelude::*;

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "graph_people",
    belongs_to(mentor: Person, key = mentor_id),
    has_many(pupils: Person, key = mentor_id),
    has_one(card: Card),
    has_many(books: Book, key = author_id),
    many_to_many(follows: Person, through = Follow, key = follower_id, target_key = followed_id),
    many_to_many(followers: Person, through = Follow, key = followed_id, target_key = follower_id)
)]
pub struct Person {
    #[column(primary_key, generated = false)]
    pub id: i64,
    #[column(length = 10)]
    pub name: Option<String>,
    pub level: i32,
    #[column(references = Person::id)]
    pub mentor_id: Option<i64>,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "graph_cards", belongs_to(holder: Person, key = holder_id))]
pub struct Card {
    #[column(primary_key, length = 10)]
    pub code: String,
    #[column(references = Person::id, unique)]
    pub holder_id: Option<i64>,
    pub level: i32,
}

/// Its key has two columns, one of which refers to its author.
#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "graph_books",
    belongs_to(author: Person, key = author_id),
    has_many(reviews: Review, key = (author_id, book)),
    many_to_many(tags: Tag, through = BookTag)
)]
pub struct Book {
    #[column(primary_key, references = Person::id)]
    pub author_id: i64,
    #[column(primary_key)]
    pub number: i16,
    #[column(length = 10)]
    pub title: Option<String>,
    pub level: i32,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "graph_reviews",
    foreign_key(author_id, book, references = (Book::author_id, Book::number)),
    belongs_to(of: Book, key = (author_id, book)),
    belongs_to(reader: Person, key = reader_id)
)]
pub struct Review {
    #[column(primary_key, generated = false)]
    pub id: i64,
    pub author_id: Option<i64>,
    pub book: Option<i16>,
    #[column(references = Person::id)]
    pub reader_id: i64,
    pub level: i32,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "graph_tags", many_to_many(books: Book, through = BookTag))]
pub struct Tag {
    #[column(primary_key, length = 10)]
    pub name: String,
    pub level: i32,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(
    table = "graph_book_tags",
    foreign_key(author_id, number, references = (Book::author_id, Book::number))
)]
pub struct BookTag {
    #[column(primary_key)]
    pub author_id: i64,
    #[column(primary_key)]
    pub number: i16,
    #[column(primary_key, references = Tag::name, length = 10)]
    pub tag: String,
}

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "graph_follows")]
pub struct Follow {
    #[column(primary_key, references = Person::id)]
    pub follower_id: i64,
    #[column(primary_key, references = Person::id)]
    pub followed_id: i64,
}

pub async fn create(db: &Engine) {
    Schema::new()
        .with::<Person>()
        .with::<Card>()
        .with::<Book>()
        .with::<Review>()
        .with::<Tag>()
        .with::<BookTag>()
        .with::<Follow>()
        .create(db)
        .await
        .unwrap();
}
