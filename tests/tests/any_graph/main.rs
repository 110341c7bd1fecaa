//! Graphs and joins by relationships beside what loops over the same rows find: random rows, filters and orders.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod tables;
mod wish;
mod world;

use std::fmt::Debug;

use relata::prelude::*;
use relata_tests::{Dice, Server, on_every_database};

use tables::{Book, Card, Person, Review, Tag, create};
use wish::{Thing, Wish};
use world::World;

/// An edge with a filter and an order.
macro_rules! wished {
    ($edge:expr, $wish:expr, $ty:ty) => {
        $edge.filter($wish.filter::<$ty>()).order_by($wish.order::<$ty>())
    };
}

fn roots<T: Thing>(wish: &Wish) -> Select<T> {
    T::select().filter(wish.filter::<T>()).order_by(wish.order::<T>())
}

/// The world of a seed, which is in the database then; and what further chance comes from.
async fn world_of(seed: u64, db: &Engine) -> (World, Dice) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let world = World::any(&mut dice);
    world.put(db).await;
    (world, dice)
}

/// All of them, or `None` where there is none.
fn or_none<T>(all: Vec<T>) -> Vec<Option<T>> {
    if all.is_empty() { vec![None] } else { all.into_iter().map(Some).collect() }
}

/// The same rows, in any order.
fn alike<T: Debug>(rows: Vec<T>, expected: Vec<T>, about: &dyn Fn() -> String) {
    let sorted = |rows: Vec<T>| {
        let mut told: Vec<_> = rows.iter().map(|row| format!("{row:?}")).collect();
        told.sort();
        told
    };
    assert_eq!(sorted(rows), sorted(expected), "{}", about());
}

on_every_database! {
    async fn any_graph_is_what_loops_find(db: Database) {
        create(&db).await;
        for seed in 1..=40_u64 {
            let (world, mut dice) = world_of(seed, &db).await;
            let all = Wish::all();
            for _ in 0..3 {
                let [root, a, b, c] = std::array::from_fn(|_| Wish::any(&mut dice));
                let about = || format!("seed {seed}: {root:?} {a:?} {b:?} {c:?}");

                let graph = roots::<Person>(&root)
                    .with(wished!(Person::pupils, a, Person).with(Person::mentor).with(wished!(Person::books, b, Book)))
                    .with(Person::card.filter(c.filter::<Card>()))
                    .all(&*db)
                    .await
                    .unwrap();
                let expected: Vec<_> = root
                    .of(&world.people)
                    .into_iter()
                    .map(|person| {
                        let pupil = |pupil: Person| {
                            let (mentor, books) = (world.mentor(&pupil), world.books(&pupil, &b));
                            (pupil, mentor, books)
                        };
                        let pupils: Vec<_> = world.pupils(&person, &a).into_iter().map(pupil).collect();
                        let card = world.card(&person, &c);
                        (person, pupils, card)
                    })
                    .collect();
                assert_eq!(graph, expected, "{}", about());

                let graph = roots::<Book>(&root)
                    .with(Book::author.with(wished!(Person::follows, a, Person).with(Person::card)))
                    .with(wished!(Book::tags, b, Tag).with(wished!(Tag::books, c, Book)))
                    .with(Book::reviews.with(Review::of).with(Review::reader))
                    .all(&*db)
                    .await
                    .unwrap();
                let expected: Vec<_> = root
                    .of(&world.books)
                    .into_iter()
                    .map(|book| {
                        let author = world.person(book.author_id);
                        let follows = world.follows(author, &a).into_iter().map(|other| {
                            let card = world.card(&other, &all);
                            (other, card)
                        });
                        let author = (author.clone(), follows.collect::<Vec<_>>());
                        let tags = world.tags(&book, &b).into_iter().map(|tag| {
                            let books = world.tagged(&tag, &c);
                            (tag, books)
                        });
                        let tags: Vec<_> = tags.collect();
                        let reviews = world.reviews(&book).into_iter().map(|review| {
                            let (of, reader) = (world.reviewed(&review, &all), world.person(review.reader_id).clone());
                            (review, of, reader)
                        });
                        let reviews: Vec<_> = reviews.collect();
                        (book, author, tags, reviews)
                    })
                    .collect();
                assert_eq!(graph, expected, "{}", about());

                let mut session = db.session();
                let follower = Person::followers.with(Person::mentor);
                let graph = session.all(roots::<Card>(&root).with(Card::holder.with(follower))).await.unwrap();
                let graph: Vec<_> = graph
                    .into_iter()
                    .map(|(card, holder)| {
                        let holder = holder.map(|(holder, followers)| {
                            let followers = followers.into_iter().map(|(follower, mentor)| {
                                (session[follower].clone(), mentor.map(|mentor| session[mentor].clone()))
                            });
                            (session[holder].clone(), followers.collect::<Vec<_>>())
                        });
                        (session[card].clone(), holder)
                    })
                    .collect();
                session.commit().await.unwrap();
                let expected: Vec<_> = root
                    .of(&world.cards)
                    .into_iter()
                    .map(|card| {
                        let holder = card.holder_id.map(|id| world.person(id)).map(|holder| {
                            let followers = world.followers(holder, &all).into_iter().map(|follower| {
                                let mentor = world.mentor(&follower);
                                (follower, mentor)
                            });
                            (holder.clone(), followers.collect::<Vec<_>>())
                        });
                        (card, holder)
                    })
                    .collect();
                assert_eq!(graph, expected, "{}", about());
            }
        }
    }

    async fn any_join_is_what_loops_find(db: Database) {
        create(&db).await;
        for seed in 1..=40_u64 {
            let (world, mut dice) = world_of(seed, &db).await;
            let all = Wish::all();
            let [a, b] = std::array::from_fn(|_| Wish::any(&mut dice));
            let about = || format!("seed {seed}: {a:?} {b:?}");

            let rows = select((Person::entity(), Book::entity().optional(), Review::entity().optional()))
                .left_join(Person::books)
                .left_join(Book::reviews)
                .filter(a.filter::<Person>())
                .all(&*db)
                .await
                .unwrap();
            let mut expected = Vec::new();
            for person in a.of(&world.people) {
                for book in or_none(world.books(&person, &all)) {
                    let reviews = book.iter().flat_map(|book| world.reviews(book)).collect();
                    for review in or_none(reviews) {
                        expected.push((person.clone(), book.clone(), review));
                    }
                }
            }
            alike(rows, expected, &about);

            let rows = select((Tag::entity(), Book::entity(), Person::entity()))
                .join(Tag::books)
                .join(Book::author)
                .filter(a.filter::<Person>())
                .filter(b.filter::<Book>())
                .all(&*db)
                .await
                .unwrap();
            let mut expected = Vec::new();
            for tag in &world.tags {
                for book in world.tagged(tag, &b) {
                    let author = world.person(book.author_id);
                    if a.keeps(author) {
                        expected.push((tag.clone(), book, author.clone()));
                    }
                }
            }
            alike(rows, expected, &about);

            let rows = select((Book::entity().optional(), Tag::entity()))
                .right_join(Book::tags)
                .filter(b.filter::<Tag>())
                .all(&*db)
                .await
                .unwrap();
            let mut expected = Vec::new();
            for tag in b.of(&world.tags) {
                expected.extend(or_none(world.tagged(&tag, &all)).into_iter().map(|book| (book, tag.clone())));
            }
            alike(rows, expected, &about);

            let (mentor, fan) = (Person::alias("mentor"), Person::alias("fan"));
            let rows = select((Person::id, Person::id.of(&mentor).optional(), Person::id.of(&fan).optional()))
                .left_join(Person::mentor.to(&mentor))
                .left_join(Person::followers.of(&mentor).to(&fan))
                .filter(a.filter::<Person>())
                .all(&*db)
                .await
                .unwrap();
            let mut expected = Vec::new();
            for person in a.of(&world.people) {
                let mentor = world.mentor(&person);
                let fans = mentor.iter().flat_map(|mentor| world.followers(mentor, &all)).collect();
                let ids = or_none(fans).into_iter().map(|fan| fan.map(|fan: Person| fan.id));
                expected.extend(ids.map(|fan| (person.id, mentor.as_ref().map(|mentor| mentor.id), fan)));
            }
            alike(rows, expected, &about);

            // Of the pupils that have a mentor's level or a book that is wished, how many each has.
            let pupil = Person::alias("pupil");
            let books = Person::books.of(&pupil).correlated().filter(b.filter::<Book>());
            let same = Person::level.of(&pupil).eq(Person::level);
            let pupils = Person::pupils.to(&pupil).correlated().filter(same.or(exists(books)));
            let follows = Person::follows.to(&pupil).correlated();
            let rows = select((Person::id, scalar(pupils.project(count_all()))))
                .filter(a.filter::<Person>().and(exists(Person::card.correlated()).or(not_exists(follows))))
                .all(&*db)
                .await
                .unwrap();
            let mut expected = Vec::new();
            for person in a.of(&world.people) {
                if world.card(&person, &all).is_none() && !world.follows(&person, &all).is_empty() {
                    continue;
                }
                let pupils = world.pupils(&person, &all).into_iter();
                let counted = pupils.filter(|pupil| pupil.level == person.level || !world.books(pupil, &b).is_empty());
                expected.push((person.id, Some(counted.count() as i64)));
            }
            alike(rows, expected, &about);

            let tagged = exists(Book::tags.correlated().filter(a.filter::<Tag>()));
            let rows = Book::select().filter(tagged).all(&*db).await.unwrap();
            let tagged = |book: &&Book| !world.tags(book, &a).is_empty();
            alike(rows, world.books.iter().filter(tagged).cloned().collect(), &about);

            let full = select((Review::entity().optional(), Book::entity().optional())).full_join(Review::of);
            match full.all(&*db).await {
                Ok(rows) => {
                    let reviews = world.reviews.iter();
                    let mut expected: Vec<_> =
                        reviews.map(|review| (Some(review.clone()), world.reviewed(review, &all))).collect();
                    let unread = world.books.iter().filter(|book| world.reviews(book).is_empty());
                    expected.extend(unread.map(|book| (None, Some(book.clone()))));
                    alike(rows, expected, &about);
                }
                Err(error) => {
                    assert!(matches!(db.server(), Server::MariaDb | Server::MySql), "{error}");
                    assert_eq!(error.class(), ErrorClass::Compile, "{error}");
                }
            }
        }
    }

    async fn any_change_along_relationships_is_what_loops_do(db: Database) {
        create(&db).await;
        for seed in 1..=20_u64 {
            let (world, mut dice) = world_of(seed, &db).await;
            let all = Wish::all();
            let [a, b] = std::array::from_fn(|_| Wish::any(&mut dice));
            let about = || format!("seed {seed}: {a:?} {b:?}");

            let pupil = Person::alias("pupil");
            let level = scalar(Person::books.correlated().filter(b.filter::<Book>()).project(count_all()));
            // MySQL does not read the table that it changes: docs/src/errors/statement.md.
            let leads = match db.server() {
                Server::MySql => Person::id.in_list(world.people.iter().filter_map(|pupil| pupil.mentor_id)),
                _ => exists(Person::pupils.to(&pupil).correlated()),
            };
            update::<Person>()
                .set(Person::level, coalesce(cast::<i32, _>(level), 0))
                .filter(a.filter::<Person>().and(leads))
                .execute(&*db)
                .await
                .unwrap();
            let mut expected = world.people.clone();
            for person in &mut expected {
                if a.keeps(person) && !world.pupils(person, &all).is_empty() {
                    person.level = world.books(person, &b).len() as i32;
                }
            }
            alike(Person::select().all(&*db).await.unwrap(), expected, &about);

            let unread = not_exists(Book::reviews.correlated()).and(not_exists(Book::tags.correlated()));
            delete::<Book>().filter(unread).execute(&*db).await.unwrap();
            let keeps = |book: &&Book| !world.reviews(book).is_empty() || !world.tags(book, &all).is_empty();
            alike(
                Book::select().all(&*db).await.unwrap(),
                world.books.iter().filter(keeps).cloned().collect(),
                &about,
            );
        }
    }
}
