//! Prepared statements of one connection, the least recently used leaving first.

use std::{
    hash::{BuildHasher, Hash, Hasher},
    num::NonZeroUsize,
    sync::Arc,
};

use lru::{DefaultHasher, LruCache};
use relata_core::render::Bind;
use tokio_postgres::{Statement, types::Oid};

use super::{bind::bind_oids, decode::Decoder};

/// A prepared statement and how its rows are read.
///
/// When the last of its owners is gone, tokio-postgres tells the server to forget it, together with the next message.
pub(crate) struct Prepared {
    pub(crate) statement: Statement,
    pub(crate) decoders: Box<[Decoder]>,
}

struct Entry {
    sql: Box<str>,
    types: Box<[Oid]>,
    prepared: Arc<Prepared>,
}

/// Prepared statements by their text and the types of their binds.
///
/// Keyed by a hash, so that looking one up copies neither text nor types; the entry has them, to be sure.
pub(crate) struct Cache {
    entries: Option<LruCache<u64, Entry>>,
    hasher: DefaultHasher,
}

impl Cache {
    /// A cache of this many statements; with 0 nothing is prepared by name.
    pub(crate) fn new(size: usize) -> Self {
        Cache { entries: NonZeroUsize::new(size).map(LruCache::new), hasher: DefaultHasher::default() }
    }

    /// Whether statements may be prepared by name.
    pub(crate) fn is_on(&self) -> bool {
        self.entries.is_some()
    }

    /// The statement, if it is prepared.
    pub(crate) fn get(&mut self, sql: &str, binds: &[Bind<'_>]) -> Option<Arc<Prepared>> {
        let key = self.key(sql, binds);
        let entry = self.entries.as_mut()?.get(&key)?;
        let same = *entry.sql == *sql && entry.types.iter().copied().eq(bind_oids(binds));
        same.then(|| Arc::clone(&entry.prepared))
    }

    /// Keeps a statement.
    pub(crate) fn put(&mut self, sql: &str, binds: &[Bind<'_>], prepared: Arc<Prepared>) {
        let key = self.key(sql, binds);
        if let Some(entries) = &mut self.entries {
            entries.put(key, Entry { sql: sql.into(), types: bind_oids(binds).collect(), prepared });
        }
    }

    /// Forgets a statement.
    pub(crate) fn remove(&mut self, sql: &str, binds: &[Bind<'_>]) {
        let key = self.key(sql, binds);
        if let Some(entries) = &mut self.entries {
            entries.pop(&key);
        }
    }

    fn key(&self, sql: &str, binds: &[Bind<'_>]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        sql.hash(&mut hasher);
        bind_oids(binds).for_each(|oid| oid.hash(&mut hasher));
        hasher.finish()
    }
}
