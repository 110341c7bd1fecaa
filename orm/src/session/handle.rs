//! Handles: names of entities that a session owns.

use std::{
    fmt,
    hash::{Hash, Hasher},
    marker::PhantomData,
};

use relata_core::{
    Error,
    entity::{Entity, Input, PendingKey},
    types::Type,
};

/// Names an entity of a session. It is `Copy`, and says nothing by itself: `session[handle]` is the entity.
///
/// It carries the number of its session and a generation, so that one which is used elsewhere, or after its entity is gone,
/// is found out.
pub struct Handle<E> {
    pub(super) at: PendingKey,
    entity: PhantomData<fn() -> E>,
}

impl<E: Entity> Handle<E> {
    pub(super) fn new(at: PendingKey) -> Self {
        Handle { at, entity: PhantomData }
    }

    /// The error of a handle that names no entity, in the words that indexing panics with.
    pub(super) fn error(self, why: super::store::Why) -> Error {
        super::store::handle_error(E::TABLE, why)
    }
}

impl<E> Clone for Handle<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Handle<E> {}

impl<E> PartialEq for Handle<E> {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl<E> Eq for Handle<E> {}

impl<E> Hash for Handle<E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.at.hash(state);
    }
}

impl<E: Entity> fmt::Debug for Handle<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle<{}>({}/{})", E::TABLE.entity, self.at.slot, self.at.generation)
    }
}

/// A foreign key in an insert struct: the key itself, or the handle of an entity that may not be inserted yet.
///
/// ```ignore
/// session.add(NewPost { author_id: alice.into(), title: "hello".into() });
/// ```
pub struct Ref<E, T>(Target<T>, PhantomData<fn() -> E>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target<T> {
    Key(T),
    Pending(PendingKey),
}

impl<E: Entity, T: Type> From<T> for Ref<E, T> {
    fn from(key: T) -> Self {
        Ref(Target::Key(key), PhantomData)
    }
}

impl<E: Entity, T: Type> From<Handle<E>> for Ref<E, T> {
    fn from(handle: Handle<E>) -> Self {
        Ref(Target::Pending(handle.at), PhantomData)
    }
}

impl<E: Entity, T: Type> From<Handle<E>> for Option<Ref<E, T>> {
    fn from(handle: Handle<E>) -> Self {
        Some(handle.into())
    }
}

/// A key from outside: only the key itself can be read.
#[cfg(feature = "serde")]
impl<'de, E: Entity, T: Type + serde::Deserialize<'de>> serde::Deserialize<'de> for Ref<E, T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Ref::from)
    }
}

impl<E: Entity> From<&str> for Ref<E, String> {
    fn from(key: &str) -> Self {
        key.to_owned().into()
    }
}

impl<E, T: Clone> Clone for Ref<E, T> {
    fn clone(&self) -> Self {
        Ref(self.0.clone(), PhantomData)
    }
}

impl<E, T: Copy> Copy for Ref<E, T> {}

impl<E, T: PartialEq> PartialEq for Ref<E, T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<E, T: fmt::Debug> fmt::Debug for Ref<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Target::Key(key) => key.fmt(f),
            Target::Pending(at) => write!(f, "pending({}/{})", at.slot, at.generation),
        }
    }
}

/// A foreign key of an insert struct as an input; what `#[derive(Entity)]` calls.
pub trait RefInput {
    /// As an input.
    fn into_input(self) -> Input;

    /// As an input, leaving this as it is.
    fn to_input(&self) -> Input;
}

impl<E: Entity, T: Type> RefInput for Ref<E, T> {
    fn into_input(self) -> Input {
        match self.0 {
            Target::Key(key) => Input::Value(key.into_value()),
            Target::Pending(at) => Input::Pending(at, None),
        }
    }

    fn to_input(&self) -> Input {
        match &self.0 {
            Target::Key(key) => Input::Value(key.to_value()),
            Target::Pending(at) => Input::Pending(*at, None),
        }
    }
}

impl<E: Entity, T: Type> RefInput for Option<Ref<E, T>> {
    fn into_input(self) -> Input {
        self.map_or(Input::Value(relata_core::value::Value::Null(T::KIND)), RefInput::into_input)
    }

    fn to_input(&self) -> Input {
        self.as_ref().map_or(Input::Value(relata_core::value::Value::Null(T::KIND)), RefInput::to_input)
    }
}
