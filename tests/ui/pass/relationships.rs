//! Relationships of every kind, and joins along them.

#![deny(warnings)]
#![allow(unreachable_pub)]

use relata::{
    dialect::Standard,
    prelude::*,
    relationship::{BelongsTo, Optional, OptionalBelongsTo, Required},
    render::Statement,
    statement::Select,
};

mod node {
    use relata::prelude::*;

    /// A tree.
    #[derive(Entity)]
    #[entity(belongs_to(parent: Node, key = parent_id), has_many(children: Self, key = parent_id))]
    pub struct Node {
        #[column(primary_key)]
        pub id: i64,
        #[column(references = Self::id)]
        pub parent_id: Option<i64>,
        pub name: String,
    }
}
use node::Node;

/// Two relationships to one entity, one with a constraint and one without.
#[derive(Entity)]
#[entity(
    belongs_to(author: User, key = author_id),
    belongs_to(reviewer: User, key = reviewer_id, optional),
    belongs_to(editor: User)
)]
struct Post {
    #[column(primary_key)]
    id: i64,
    #[column(references = User::id)]
    author_id: i64,
    reviewer_id: i64,
    editor_id: Option<i64>,
}

#[derive(Entity)]
#[entity(
    has_many(written: Post, key = author_id),
    has_many(reviewed: Post, key = reviewer_id),
    has_one(profile: Profile),
    many_to_many(following: User, through = Follow, key = follower_id, target_key = followed_id),
    many_to_many(followers: User, through = Follow, key = followed_id, target_key = follower_id)
)]
struct User {
    #[column(primary_key)]
    id: i64,
    name: String,
}

/// It shares the key of its user.
#[derive(Entity)]
#[entity(belongs_to(user: User, key = user_id))]
struct Profile {
    #[column(primary_key, references = User::id)]
    user_id: i64,
}

#[derive(Entity)]
struct Follow {
    #[column(primary_key, references = User::id)]
    follower_id: i64,
    #[column(primary_key, references = User::id)]
    followed_id: i64,
}

/// A key of several columns.
#[derive(Entity)]
#[entity(has_many(readings: Reading))]
struct Station {
    #[column(primary_key)]
    country: String,
    #[column(primary_key)]
    number: i32,
}

#[derive(Entity)]
#[entity(belongs_to(station: Station, key = (country, number)))]
struct Reading {
    #[column(primary_key)]
    id: i64,
    country: String,
    number: Option<i32>,
}

/// It refers to what is unique, but not the key.
#[derive(Entity)]
#[entity(belongs_to(badge: Badge, key = badge_code))]
struct Door {
    #[column(primary_key)]
    id: i64,
    #[column(references = Badge::code)]
    badge_code: String,
}

#[derive(Entity)]
#[entity(has_many(doors: Door))]
struct Badge {
    #[column(primary_key)]
    id: i64,
    #[column(unique)]
    code: String,
}

fn joins<R>(statement: Select<R>) -> String {
    let sql = statement.compile(&Standard).unwrap().sql;
    sql.split_once(" FROM ").unwrap().1.to_owned()
}

pub(crate) fn main() {
    let _: (BelongsTo<Post, User>, OptionalBelongsTo<Post, User>) = (Post::author, Post::reviewer);
    let _: (BelongsTo<Node, Node, Optional>, BelongsTo<Profile, User, Required>) =
        (Node::parent, Profile::user);
    let _: OptionalBelongsTo<Reading, Station> = Reading::station;

    let posts = |relationship| joins(select(Post::id).join(relationship));
    assert_eq!(posts(Post::author), r#""post" JOIN "user" ON "user"."id" = "post"."author_id""#);
    assert_eq!(
        joins(select(Post::id).left_join(Post::reviewer)),
        r#""post" LEFT JOIN "user" ON "user"."id" = "post"."reviewer_id""#
    );
    assert_eq!(
        joins(select(User::name).join(User::reviewed)),
        r#""user" JOIN "post" ON "post"."reviewer_id" = "user"."id""#
    );
    assert_eq!(
        joins(select(User::name).join(User::profile)),
        r#""user" JOIN "profile" ON "profile"."user_id" = "user"."id""#
    );
    assert_eq!(
        joins(select(Station::number).join(Station::readings)),
        r#""station" JOIN "reading" ON "reading"."country" = "station"."country" AND "reading"."number" = "station"."number""#
    );
    assert_eq!(
        joins(select(Badge::id).join(Badge::doors)),
        r#""badge" JOIN "door" ON "door"."badge_code" = "badge"."code""#
    );

    // An entity's relationship with itself needs another name for one side.
    let child = Node::alias("child");
    assert_eq!(
        joins(select((Node::name, child.column(Node::name))).join(Node::children.to(&child))),
        r#""node" JOIN "node" AS "child" ON "child"."parent_id" = "node"."id""#
    );
    let other = User::alias("other");
    assert_eq!(
        joins(select(User::name).join(User::following.to(&other))),
        r#""user" JOIN "follow" ON "follow"."follower_id" = "user"."id" JOIN "user" AS "other" ON "other"."id" = "follow"."followed_id""#
    );
    let error = select(Node::name).join(Node::children).compile(&Standard).unwrap_err();
    assert!(error.to_string().contains(".join(Node::children.to(&other))"), "{error}");
}
