//! What cannot be right.

use std::collections::HashMap;

use super::ast::Enumeration;
use crate::context::Context;

/// Finds the mistakes.
pub(super) fn check(enumeration: &Enumeration<'_>, context: &Context) {
    let mut words = HashMap::new();
    for variant in &enumeration.variants {
        if let Some(other) = words.insert(&variant.word, variant.ident) {
            let message = format!("the word {:?} is that of `{other}` already", variant.word);
            match &variant.rename {
                Some(rename) => context.error(rename, message),
                None => context.error(variant.ident, message),
            }
        }
    }
}
