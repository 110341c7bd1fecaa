//! Statements that are alike are written once.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt, ptr,
    sync::{Arc, PoisonError, RwLock},
};

use super::{
    bind::Bind,
    cache_key::CacheKey,
    error::Compile,
    renderer::{Compiled, Statement},
};
use crate::dialect::Dialect;

/// How many texts are kept. A program has few statements, but may have a page of each size and at each place.
const TEXTS: usize = 500;

/// Compiles statements for one dialect, and keeps the texts of those that differ in nothing but their values. Engines and connections have
/// one; statements that a program compiles by itself need none.
///
/// ```
/// use std::sync::Arc;
/// use relata_core::{dialect::Standard, expr::{Operators, val}, render::Compiler, statement::select};
///
/// let compiler = Compiler::new(Arc::new(Standard));
/// for number in [1, 2] {
///     let statement = select(val(number)).filter(val(number).gt(0));
///     // Written for the first, found for the second.
///     assert_eq!(compiler.compile(&statement)?.sql, "SELECT ? WHERE ? > ?");
/// }
/// # Ok::<(), relata_core::Error>(())
/// ```
pub struct Compiler {
    dialect: Arc<dyn Dialect>,
    texts: RwLock<BTreeMap<u64, Text>>,
}

/// What was written for a key.
struct Text {
    words: Box<[u64]>,
    sql: String,
}

impl Compiler {
    /// A compiler that has written nothing yet.
    pub fn new(dialect: Arc<dyn Dialect>) -> Self {
        Compiler { dialect, texts: RwLock::default() }
    }

    /// The dialect.
    pub fn dialect(&self) -> &Arc<dyn Dialect> {
        &self.dialect
    }

    /// The text and binds of a statement: as [`Statement::compile`] gives them.
    ///
    /// # Errors
    ///
    /// As [`Statement::compile`].
    ///
    /// # Panics
    ///
    /// With debug assertions, if a construct from elsewhere has left something out of its [`Node::cache_key`](crate::expr::Node::cache_key),
    /// or a dialect writes a value otherwise for more than its kind.
    pub fn compile<'s>(&'s self, statement: &'s (impl Statement + ?Sized)) -> Compile<Compiled<'s>> {
        let mut key = CacheKey::new(&*self.dialect);
        statement.cache_key(&mut key);
        let Some(words) = key.words() else { return statement.compile(&*self.dialect) };
        let hash = hash(words);
        if let Some(sql) = self.find(hash, words) {
            let found = Compiled { sql, binds: key.into_values() };
            debug_assert_eq!(
                statement.compile(&*self.dialect).map(|written| written.sql).as_ref(),
                Ok(&found.sql),
                "two statements have one key"
            );
            return Ok(found);
        }
        let compiled = statement.compile(&*self.dialect)?;
        let words = words.into();
        // A dialect may bind other values than those of the tree, or in another order.
        if same(&compiled.binds, &key.into_values()) {
            self.keep(hash, Text { words, sql: compiled.sql.clone() });
        }
        Ok(compiled)
    }

    /// The text for a key, if one is known.
    fn find(&self, hash: u64, words: &[u64]) -> Option<String> {
        let texts = self.texts.read().unwrap_or_else(PoisonError::into_inner);
        texts.get(&hash).filter(|text| *text.words == *words).map(|text| text.sql.clone())
    }

    fn keep(&self, hash: u64, text: Text) {
        let mut texts = self.texts.write().unwrap_or_else(PoisonError::into_inner);
        if texts.len() >= TEXTS {
            texts.clear();
        }
        texts.insert(hash, text);
    }
}

impl fmt::Debug for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiler").field("dialect", &self.dialect.name()).finish_non_exhaustive()
    }
}

/// Keys with equal hashes are told apart by what is in them.
fn hash(key: &[u64]) -> u64 {
    key.iter().fold(0, |hash: u64, word| (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Whether these are the same values of a tree, in the same order.
fn same(binds: &[Bind<'_>], values: &[Bind<'_>]) -> bool {
    let is = |(bind, value): (&Bind<'_>, &Bind<'_>)| match (bind, value) {
        (Bind::Value(Cow::Borrowed(bind)), Bind::Value(Cow::Borrowed(value))) => ptr::eq(*bind, *value),
        _ => false,
    };
    binds.len() == values.len() && binds.iter().zip(values).all(is)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{super::cache_key::WORDS, *};
    use crate::{
        dialect::Standard,
        expr::{Operators, raw, val},
        statement::select,
        value::Value,
    };

    fn compiler() -> Compiler {
        Compiler::new(Arc::new(Standard))
    }

    fn texts(compiler: &Compiler) -> usize {
        compiler.texts.read().unwrap().len()
    }

    #[test]
    fn what_differs_in_values_is_written_once() {
        let compiler = compiler();
        for number in 0..10_i64 {
            let statement = select(val(number)).filter(val(number + 1).eq(number + 2));
            let compiled = compiler.compile(&statement).unwrap();
            assert_eq!(compiled.sql, "SELECT ? WHERE ? = ?");
            let values = [number, number + 1, number + 2].map(|number| Bind::from(Value::I64(number)));
            assert_eq!(compiled.binds, values);
        }
        assert_eq!(texts(&compiler), 1);
        compiler.compile(&select(val(1_i32)).filter(val(2_i64).eq(3_i64))).unwrap();
        compiler.compile(&select(val(1_i64)).filter(val(None::<i64>).eq(3_i64))).unwrap();
        assert_eq!(texts(&compiler), 3);
    }

    #[test]
    fn what_does_not_say_how_it_is_written_is_not_kept() {
        let compiler = compiler();
        let long = (0..WORDS).fold(val(1).eq(1), |all, _| all.and(val(1).eq(1)));
        for _ in 0..2 {
            let compiled = compiler.compile(&select(raw::<i64>("1"))).map(|compiled| compiled.sql);
            assert_eq!(compiled.unwrap(), "SELECT (1)");
            let long = select(long.clone());
            assert_eq!(compiler.compile(&long), long.compile(&Standard));
        }
        assert_eq!(texts(&compiler), 0);
    }

    #[test]
    fn few_are_kept() {
        let compiler = compiler();
        for rows in 0..3 * TEXTS as u64 {
            let statement = select(val(1)).limit(rows);
            assert_eq!(compiler.compile(&statement).unwrap().sql, format!("SELECT ? LIMIT {rows}"));
            assert!(texts(&compiler) <= TEXTS);
        }
    }

    #[test]
    fn equal_hashes_are_told_apart() {
        let compiler = compiler();
        let keep = |words: &[u64], sql: &str| {
            compiler.keep(7, Text { words: words.into(), sql: sql.to_owned() });
        };
        keep(&[1, 2], "a");
        assert_eq!((compiler.find(7, &[1, 2]), compiler.find(7, &[2, 1])), (Some("a".to_owned()), None));
        keep(&[2, 1], "b");
        assert_eq!((compiler.find(7, &[1, 2]), compiler.find(7, &[2, 1])), (None, Some("b".to_owned())));
    }
}
