//! What an INSERT takes.

#![deny(warnings)]
#![allow(unreachable_pub)]

use relata::{
    entity::{Input, Insertable},
    prelude::*,
    value::{Kind, Value},
};

#[derive(Entity)]
struct User {
    #[column(primary_key)]
    id: i64,
}

#[derive(Entity)]
#[entity(belongs_to(editor: User, key = editor_id))]
struct Post {
    #[column(primary_key)]
    slug: String,
    #[column(references = User::id)]
    author_id: i64,
    editor_id: Option<i64>,
    #[column(default = 0)]
    views: i32,
    #[column(default = "none")]
    subtitle: Option<String>,
    #[column(version)]
    version: i32,
}

#[derive(Entity)]
struct Counter {
    #[column(primary_key)]
    id: i64,
    #[column(version)]
    version: i32,
}

#[derive(Entity)]
struct Mark {
    #[column(primary_key, generated = false)]
    id: i64,
}

fn inputs(new: impl Insertable<Entity = Post>) -> Vec<Input> {
    let mut by_reference = vec![Input::Default; 6];
    new.inputs(&mut by_reference);
    let mut by_value = vec![Input::Default; 6];
    new.into_inputs(&mut by_value);
    assert_eq!(by_reference, by_value);
    by_value
}

pub(crate) fn main() {
    let new = NewPost {
        slug: "hello".into(),
        author_id: 7.into(),
        editor_id: None,
        views: None,
        subtitle: Some(None),
    };
    assert_eq!(
        inputs(new.clone()),
        [
            Input::Value(Value::Text("hello".into())),
            Input::Value(Value::I64(7)),
            Input::Value(Value::Null(Kind::I64)),
            Input::Default,
            Input::Value(Value::Null(Kind::Text)),
            Input::Default,
        ]
    );
    let new = NewPost { editor_id: Some(8.into()), views: Some(3), subtitle: None, ..new };
    assert_eq!(inputs(new)[2..5], [Input::Value(Value::I64(8)), Input::Value(Value::I32(3)), Input::Default]);

    let _ = NewUser {};
    let _ = NewCounter {}.with_key(3);
    let _ = NewMark { id: 1 };

    let mut post =
        Post { slug: "a".into(), author_id: 1, editor_id: None, views: 0, subtitle: None, version: 1 };
    assert_eq!(post.key(), "a");
    assert_eq!(Post::key_values(&"b".to_owned()), [Value::Text("b".into())]);
    assert_eq!(post.value(1), Value::I64(1));
    post.assign(2, relata::value::Cell::I64(5)).unwrap();
    assert_eq!(post.editor_id, Some(5));
    assert!(post.assign(1, relata::value::Cell::Null).is_err());
}
