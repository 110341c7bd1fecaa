//! A connection taken from the pool, until it is dropped.

use deadpool::managed::Object;
use relata_core::{Error, ErrorClass, Result};

use crate::{link::Link, manager::Manager};

/// A connection taken from the pool. Dropping it gives it back: at once if it is clean, else once it has been cleaned.
pub(crate) struct Lease {
    // `None` only while it is dropped.
    object: Option<Object<Manager>>,
}

impl Lease {
    pub(crate) fn new(object: Object<Manager>) -> Self {
        Lease { object: Some(object) }
    }

    pub(crate) fn link(&self) -> Result<&Link> {
        self.object.as_ref().map(|link| &***link).ok_or_else(gone)
    }

    pub(crate) fn link_mut(&mut self) -> Result<&mut Link> {
        self.object.as_mut().map(|link| &mut ***link).ok_or_else(gone)
    }
}

#[cold]
fn gone() -> Error {
    Error::new(ErrorClass::PoolClosed, "the connection has gone back to the pool")
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut object) = self.object.take() else { return };
        object.forget_unsent();
        if object.is_dead() {
            // Leaves the pool, which makes room for another.
            drop(Object::take(object));
        } else if object.is_clean() {
            object.rest();
        } else {
            // The locks of an open transaction must not wait for the next user, so it is cleaned now. Until then it keeps
            // its place in the pool. Should the runtime end meanwhile, it comes back in doubt and is dropped when taken.
            let shared = object.shared().clone();
            shared.spawn(async move {
                match object.clean().await {
                    Ok(()) => object.rest(),
                    Err(_) => drop(Object::take(object)),
                }
            });
        }
    }
}
