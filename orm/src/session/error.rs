//! What errors of a session say about entities.

use relata_core::{Error, ErrorClass, render::hyphenated, value::Value};

use super::{At, Session, any_store::AnyStore};

impl Session {
    /// The store that an entity is in. The place was checked when it came in.
    pub(super) fn store(&self, at: At) -> &dyn AnyStore {
        &*self.stores[at.store as usize].1
    }

    /// An entity in words: `Post 5`, `Post (pending)`.
    pub(super) fn name_of(&self, at: At) -> String {
        name_of(self.store(at), at)
    }

    /// An error about an entity.
    pub(super) fn describe(&self, at: At, what: &str) -> Error {
        let store = self.store(at);
        Error::new(ErrorClass::Session, format!("{}: {what}", name_of(store, at)))
            .with_table(store.table().name)
    }

    /// Refuses to go on with a session that was left in the middle of something.
    pub(super) fn check_usable_at_all(&self) -> Result<(), Error> {
        if self.poisoned {
            return Err(Error::new(
                ErrorClass::Poisoned,
                "the session was left in the middle of something (a future was dropped, or the connection or transaction was lost): roll it back first",
            ));
        }
        Ok(())
    }
}

/// An entity in words: `Post 5`, `Post (pending)`.
pub(super) fn name_of(store: &dyn AnyStore, at: At) -> String {
    let table = store.table();
    let key: Option<Vec<String>> = table
        .primary_key
        .iter()
        .map(|column| store.loaded(at.slot, *column).map(|value| key_text(&value)))
        .collect();
    match key {
        Some(key) => format!("{} {}", table.entity, key.join("/")),
        None => format!("{} (pending)", table.entity),
    }
}

/// A key as text. Only numbers and UUIDs: a key in words may be something that does not belong into an error.
fn key_text(value: &Value) -> String {
    match value {
        Value::I16(key) => key.to_string(),
        Value::I32(key) => key.to_string(),
        Value::I64(key) => key.to_string(),
        Value::U64(key) => key.to_string(),
        Value::Uuid(bytes) => hyphenated(bytes),
        _ => "…".to_owned(),
    }
}
