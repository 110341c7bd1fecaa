//! Prepared statements of one connection, the least recently used leaving first.

use std::{
    hash::{BuildHasher, Hash, Hasher},
    sync::Arc,
};

use lru::{DefaultHasher, LruCache};
use relata_core::render::Bind;
use tokio_postgres::types::{Oid, Type};

use super::{bind::bind_oids, decode::Column};

/// A prepared statement: what it takes and what it gives.
pub(super) struct Prepared {
    /// Its name on the server.
    pub(super) name: String,
    pub(super) parameters: Box<[Type]>,
    pub(super) columns: Box<[Column]>,
}

struct Entry {
    sql: Box<str>,
    types: Box<[Oid]>,
    prepared: Arc<Prepared>,
}

/// Prepared statements by their text and the types of their binds.
///
/// Keyed by a hash, so that looking one up copies neither text nor types; the entry has them, to be sure.
pub(super) struct Cache {
    entries: Option<LruCache<u64, Entry>>,
    /// How many there may be. The map does not know: it would take the room for all of them at once.
    size: usize,
    hasher: DefaultHasher,
    /// How many names were given.
    named: u64,
    /// Names of statements that are not needed any more, which the server was not told yet.
    forgotten: Vec<String>,
}

impl Cache {
    /// A cache of this many statements; with 0 nothing is prepared by name.
    pub(super) fn new(size: usize) -> Self {
        Cache {
            entries: (size > 0).then(LruCache::unbounded),
            size,
            hasher: DefaultHasher::default(),
            named: 0,
            forgotten: Vec::new(),
        }
    }

    /// Whether statements may be prepared by name.
    pub(super) fn is_on(&self) -> bool {
        self.entries.is_some()
    }

    /// A name that no statement has had. Unless the statement is [put](Cache::put) here, the server may forget it after this run.
    pub(super) fn name(&mut self) -> String {
        self.named += 1;
        let name = format!("s{}", self.named);
        self.forgotten.push(name.clone());
        name
    }

    /// The statement, if it is prepared.
    pub(super) fn get(&mut self, sql: &str, binds: &[Bind<'_>]) -> Option<Arc<Prepared>> {
        let key = self.key(sql, binds);
        let entry = self.entries.as_mut()?.get(&key)?;
        let same = *entry.sql == *sql && entry.types.iter().copied().eq(bind_oids(binds));
        same.then(|| Arc::clone(&entry.prepared))
    }

    /// Keeps a statement.
    pub(super) fn put(&mut self, sql: &str, binds: &[Bind<'_>], prepared: Arc<Prepared>) {
        let key = self.key(sql, binds);
        if let Some(entries) = &mut self.entries {
            self.forgotten.retain(|name| *name != prepared.name);
            let entry = Entry { sql: sql.into(), types: bind_oids(binds).collect(), prepared };
            let replaced = entries.push(key, entry);
            let left = if entries.len() > self.size { entries.pop_lru() } else { None };
            let names = replaced.into_iter().chain(left).map(|(_, left)| left.prepared.name.clone());
            self.forgotten.extend(names);
        }
    }

    /// Forgets a statement.
    pub(super) fn remove(&mut self, sql: &str, binds: &[Bind<'_>]) {
        let key = self.key(sql, binds);
        let left = self.entries.as_mut().and_then(|entries| entries.pop(&key));
        self.forgotten.extend(left.map(|left| left.prepared.name.clone()));
    }

    /// The names that the server may forget now.
    pub(super) fn take_forgotten(&mut self) -> Vec<String> {
        std::mem::take(&mut self.forgotten)
    }

    fn key(&self, sql: &str, binds: &[Bind<'_>]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        sql.hash(&mut hasher);
        bind_oids(binds).for_each(|oid| oid.hash(&mut hasher));
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(cache: &mut Cache, sql: &str) {
        let prepared = Prepared { name: cache.name(), parameters: Box::default(), columns: Box::default() };
        cache.put(sql, &[], Arc::new(prepared));
    }

    #[test]
    fn the_one_used_longest_ago_leaves() {
        let mut cache = Cache::new(2);
        for sql in ["a", "b", "a", "c"] {
            put(&mut cache, sql);
        }
        assert_eq!(cache.take_forgotten(), ["s1", "s2"]);
        assert!(
            cache.get("b", &[]).is_none() && cache.get("a", &[]).is_some() && cache.get("c", &[]).is_some()
        );
    }

    #[test]
    fn as_many_as_one_likes() {
        let mut cache = Cache::new(usize::MAX);
        put(&mut cache, "a");
        assert!(cache.get("a", &[]).is_some());
    }
}
