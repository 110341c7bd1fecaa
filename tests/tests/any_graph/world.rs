//! Random rows, and what is at the ends of their relationships.

use relata::prelude::*;
use relata_tests::Dice;

use crate::{
    tables::{
        Book, BookTag, Card, Follow, NewBook, NewBookTag, NewCard, NewFollow, NewPerson, NewReview, NewTag,
        Person, Review, Tag,
    },
    wish::{TEXTS, Wish},
};

#[derive(Default, Debug)]
pub struct World {
    pub people: Vec<Person>,
    pub cards: Vec<Card>,
    pub books: Vec<Book>,
    pub reviews: Vec<Review>,
    pub tags: Vec<Tag>,
    pub book_tags: Vec<BookTag>,
    pub follows: Vec<Follow>,
}

impl World {
    pub fn any(dice: &mut Dice) -> Self {
        let mut world = World::default();
        let text =
            |dice: &mut Dice| if dice.roll(4) == 0 { None } else { dice.pick(&TEXTS).map(String::from) };
        // Now and then more than a statement asks for at once.
        let many = dice.roll(12) == 0;
        for id in 0..if many { 600 } else { dice.roll(9) as i64 } {
            let others: Vec<i64> = world.people.iter().map(|person| person.id).collect();
            let mentor_id = if dice.roll(3) == 0 { None } else { dice.pick(&others) };
            let name = text(dice);
            world.people.push(Person { id: id * 7 - 20, name, level: dice.roll(4) as i32, mentor_id });
        }
        let people: Vec<i64> = world.people.iter().map(|person| person.id).collect();
        for (at, id) in people.iter().enumerate() {
            if dice.roll(2) == 0 {
                let holder_id = if dice.roll(4) == 0 { None } else { Some(*id) };
                world.cards.push(Card { code: format!("c{at}"), holder_id, level: dice.roll(4) as i32 });
            }
            for number in 0..dice.roll(3) as i16 {
                let title = text(dice);
                world.books.push(Book {
                    author_id: *id,
                    number: number - 1,
                    title,
                    level: dice.roll(4) as i32,
                });
            }
            for other in &people {
                if dice.roll(if many { 300 } else { 3 }) == 0 {
                    world.follows.push(Follow { follower_id: *id, followed_id: *other });
                }
            }
        }
        for name in ["x", "y", "z"].iter().take(dice.roll(4)) {
            world.tags.push(Tag { name: (*name).into(), level: dice.roll(4) as i32 });
        }
        let books: Vec<(i64, i16)> = world.books.iter().map(|book| (book.author_id, book.number)).collect();
        for (author_id, number) in &books {
            for tag in world.tags.iter().filter(|_| dice.roll(2) == 0) {
                let tag = tag.name.clone();
                world.book_tags.push(BookTag { author_id: *author_id, number: *number, tag });
            }
        }
        let readers = if many { 900 } else { dice.roll(12) as i64 };
        for id in 0..if people.is_empty() { 0 } else { readers } {
            let of = if dice.roll(4) == 0 { None } else { dice.pick(&books) };
            world.reviews.push(Review {
                id,
                author_id: of.map(|of| of.0),
                book: of.map(|of| of.1),
                reader_id: dice.pick(&people).unwrap(),
                level: dice.roll(4) as i32,
            });
        }
        world
    }

    pub async fn put(&self, db: &Engine) {
        // Nobody may refer to who goes.
        delete::<BookTag>().execute(db).await.unwrap();
        delete::<Review>().execute(db).await.unwrap();
        delete::<Book>().execute(db).await.unwrap();
        delete::<Tag>().execute(db).await.unwrap();
        delete::<Card>().execute(db).await.unwrap();
        delete::<Follow>().execute(db).await.unwrap();
        update::<Person>().set(Person::mentor_id, None).execute(db).await.unwrap();
        delete::<Person>().execute(db).await.unwrap();
        let people = self.people.iter().cloned().map(|Person { id, name, level, mentor_id }| NewPerson {
            id,
            name,
            level,
            mentor_id: mentor_id.map(Into::into),
        });
        insert_many(people).execute(db).await.unwrap();
        let cards = self.cards.iter().cloned().map(|Card { code, holder_id, level }| NewCard {
            code,
            holder_id: holder_id.map(Into::into),
            level,
        });
        insert_many(cards).execute(db).await.unwrap();
        let books = self.books.iter().cloned().map(|Book { author_id, number, title, level }| NewBook {
            author_id: author_id.into(),
            number,
            title,
            level,
        });
        insert_many(books).execute(db).await.unwrap();
        let tags = self.tags.iter().cloned().map(|Tag { name, level }| NewTag { name, level });
        insert_many(tags).execute(db).await.unwrap();
        let reviews = self.reviews.iter().map(|review| NewReview {
            id: review.id,
            author_id: review.author_id,
            book: review.book,
            reader_id: review.reader_id.into(),
            level: review.level,
        });
        insert_many(reviews).execute(db).await.unwrap();
        let links = self.book_tags.iter().map(|link| NewBookTag {
            author_id: link.author_id,
            number: link.number,
            tag: link.tag.clone().into(),
        });
        insert_many(links).execute(db).await.unwrap();
        let follows = self.follows.iter().map(|follow| NewFollow {
            follower_id: follow.follower_id.into(),
            followed_id: follow.followed_id.into(),
        });
        insert_many(follows).execute(db).await.unwrap();
    }

    pub fn person(&self, id: i64) -> &Person {
        self.people.iter().find(|person| person.id == id).unwrap()
    }

    pub fn mentor(&self, of: &Person) -> Option<Person> {
        of.mentor_id.map(|id| self.person(id).clone())
    }

    pub fn pupils(&self, of: &Person, wish: &Wish) -> Vec<Person> {
        wish.of(self.people.iter().filter(|pupil| pupil.mentor_id == Some(of.id)))
    }

    pub fn card(&self, of: &Person, wish: &Wish) -> Option<Card> {
        self.cards.iter().find(|card| card.holder_id == Some(of.id) && wish.keeps(*card)).cloned()
    }

    pub fn books(&self, of: &Person, wish: &Wish) -> Vec<Book> {
        wish.of(self.books.iter().filter(|book| book.author_id == of.id))
    }

    pub fn follows(&self, of: &Person, wish: &Wish) -> Vec<Person> {
        let follows = self.follows.iter().filter(|follow| follow.follower_id == of.id);
        wish.of(follows.map(|follow| self.person(follow.followed_id)))
    }

    pub fn followers(&self, of: &Person, wish: &Wish) -> Vec<Person> {
        let follows = self.follows.iter().filter(|follow| follow.followed_id == of.id);
        wish.of(follows.map(|follow| self.person(follow.follower_id)))
    }

    pub fn tags(&self, of: &Book, wish: &Wish) -> Vec<Tag> {
        let has = |tag: &Tag| {
            let mut links = self.book_tags.iter();
            links.any(|link| (link.author_id, link.number, &link.tag) == (of.author_id, of.number, &tag.name))
        };
        wish.of(self.tags.iter().filter(|tag| has(tag)))
    }

    pub fn tagged(&self, with: &Tag, wish: &Wish) -> Vec<Book> {
        wish.of(self.books.iter().filter(|book| self.tags(book, &Wish::all()).contains(with)))
    }

    pub fn reviews(&self, of: &Book) -> Vec<Review> {
        let (author, number) = (Some(of.author_id), Some(of.number));
        self.reviews
            .iter()
            .filter(|review| (review.author_id, review.book) == (author, number))
            .cloned()
            .collect()
    }

    pub fn reviewed(&self, by: &Review, wish: &Wish) -> Option<Book> {
        let is = |book: &&Book| (Some(book.author_id), Some(book.number)) == (by.author_id, by.book);
        self.books.iter().find(is).filter(|book| wish.keeps(*book)).cloned()
    }
}
