//! What tells the text of a statement.

use std::{
    fmt,
    hash::{Hash, Hasher},
    mem::discriminant,
    ptr::from_ref,
};

use super::bind::Bind;
use crate::{
    dialect::Dialect,
    expr::{Expression, Node},
    value::{Kind, Value},
};

/// The longest key. A statement that needs more is compiled each time: with so much to do, its text is not what takes time.
pub(super) const WORDS: usize = 192;

/// All that tells how a statement is written: its tree with the types of its values in place of these. Two statements with equal keys
/// have the same text, and other values.
///
/// A construct [says of itself](Node::cache_key) what tells how it is written: all of its fields. What says nothing is compiled each time.
///
/// ```
/// use relata_core::{
///     expr::{Expression, Node},
///     render::{CacheKey, Compile, Renderer},
/// };
///
/// /// `operand AT TIME ZONE zone`.
/// struct AtTimeZone {
///     operand: Expression,
///     zone: Expression,
/// }
///
/// impl Node for AtTimeZone {
///     fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
///         out.expression(&self.operand)?.sql(" AT TIME ZONE ").expression(&self.zone)?;
///         Ok(())
///     }
///
///     fn for_each_child<'s>(&'s self, visit: &mut dyn FnMut(&'s Expression)) {
///         visit(&self.operand);
///         visit(&self.zone);
///     }
///
///     fn cache_key<'s>(&'s self, key: &mut CacheKey<'s>) {
///         // One that is added cannot be forgotten here.
///         let AtTimeZone { operand, zone } = self;
///         key.expression(operand).expression(zone);
///     }
/// }
/// ```
pub struct CacheKey<'s> {
    dialect: &'s dyn Dialect,
    words: Words,
    values: Vec<Bind<'s>>,
    refused: bool,
}

/// What was said, word by word. What is derived from [`Hash`] says where it ends, so that nothing runs into each other.
struct Words {
    words: [u64; WORDS],
    /// How many were said, be it more than there is room for.
    said: usize,
}

impl<'s> CacheKey<'s> {
    /// The key of a statement in a dialect; it starts empty.
    pub(super) fn new(dialect: &'s dyn Dialect) -> Self {
        CacheKey {
            dialect,
            words: Words { words: [0; WORDS], said: 0 },
            values: Vec::with_capacity(8),
            refused: false,
        }
    }

    /// The dialect that the statement is to be written in.
    pub fn dialect(&self) -> &'s dyn Dialect {
        self.dialect
    }

    /// The text is not told by this: it is compiled each time.
    pub fn refuse(&mut self) {
        self.refused = true;
    }

    /// A part of the construct, such as its name. Its [`Hash`] has to be derived, or that of the standard library.
    pub fn part(&mut self, part: &impl Hash) -> &mut Self {
        part.hash(&mut self.words);
        self
    }

    /// Something that is the same only if it is in the same place, such as a table.
    pub fn place<T>(&mut self, thing: &'static T) -> &mut Self {
        self.words.write_usize(from_ref(thing).addr());
        self
    }

    /// An operand.
    pub fn expression(&mut self, expression: &'s Expression) -> &mut Self {
        if !self.refused {
            self.part(&discriminant(expression));
            expression.cache_key(self);
        }
        self
    }

    /// Operands, and how many there are.
    pub fn expressions(
        &mut self,
        expressions: impl IntoIterator<Item = &'s Expression, IntoIter: ExactSizeIterator>,
    ) -> &mut Self {
        self.list(expressions, |expression, key| {
            key.expression(expression);
        })
    }

    /// Parts of a statement, and how many there are.
    pub(crate) fn list<T: 's>(
        &mut self,
        parts: impl IntoIterator<Item = &'s T, IntoIter: ExactSizeIterator>,
        say: impl Fn(&'s T, &mut Self),
    ) -> &mut Self {
        let parts = parts.into_iter();
        self.part(&parts.len());
        parts.for_each(|part| say(part, self));
        self
    }

    /// A value: its kind, and whether it is NULL. Values are lent in the order in which they are bound.
    pub fn value(&mut self, value: &'s Value) -> &mut Self {
        let kind = value.kind();
        match kind {
            // How many digits it has may tell how it is written.
            Kind::Decimal => self.refuse(),
            _ => drop(self.part(&(kind, value.is_null()))),
        }
        self.values.push(value.into());
        self
    }

    /// How many values were said.
    pub(crate) fn values(&self) -> usize {
        self.values.len()
    }

    /// The words, if they tell the text.
    pub(super) fn words(&self) -> Option<&[u64]> {
        self.words.words.get(..self.words.said).filter(|_| !self.refused)
    }

    /// The values.
    pub(super) fn into_values(self) -> Vec<Bind<'s>> {
        self.values
    }
}

impl Words {
    fn push(&mut self, word: u64) {
        if let Some(place) = self.words.get_mut(self.said) {
            *place = word;
        }
        self.said += 1;
    }
}

impl fmt::Debug for CacheKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheKey").field("words", &self.words.said).finish_non_exhaustive()
    }
}

impl Hasher for Words {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.push(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.push(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.push(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.push(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.push(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.push(number as u64);
    }
}
