//! `serde_json::Value`, and [`Json<T>`] for any serde type.

use serde::{Serialize, de::DeserializeOwned};
use std::ops::{Deref, DerefMut};

use super::{Mismatch, Type, finite::is_finite, plain_type};
use crate::value::{Cell, Kind, Value};

impl Type for serde_json::Value {
    const KIND: Kind = Kind::Json;
    plain_type!();

    fn decode(cell: Cell<'_>) -> Result<Self, Mismatch> {
        parse(cell)
    }

    fn to_value(&self) -> Value {
        Value::Json(held(self.to_string()))
    }
}

/// A value that is stored as JSON.
///
/// SQL NULL is `Option<Json<T>>`; the JSON `null` is a value of its own. What JSON cannot hold is refused when a statement is run, with
/// [`Data`](crate::ErrorClass::Data): NaN, an infinity, a map whose keys are no text, and more than 127 levels.
///
/// ```
/// use relata_core::types::{Json, Type};
/// use relata_core::value::Value;
///
/// assert_eq!(Json(vec![1, 2]).into_value(), Value::Json("[1,2]".into()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Json<T>(pub T);

impl<T> Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Json<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Type for Json<T> {
    const KIND: Kind = Kind::Json;
    plain_type!();

    fn decode(cell: Cell<'_>) -> Result<Self, Mismatch> {
        parse(cell).map(Json)
    }

    fn to_value(&self) -> Value {
        // What JSON cannot hold is empty, and drivers refuse it as such.
        let text = is_finite(&self.0).then(|| serde_json::to_string(&self.0).ok()).flatten();
        Value::Json(held(text.unwrap_or_default()))
    }
}

/// How many levels `serde_json` reads: it would store more, and never give them back.
const LEVELS: usize = 127;

/// The document if it can be read back, else an empty text.
fn held(text: String) -> String {
    if has_levels(&text, LEVELS + 1) { String::new() } else { text }
}

/// Whether lists and maps are as deep within each other.
fn has_levels(text: &str, levels: usize) -> bool {
    // Each of them has a beginning and an end.
    if text.len() < 2 * levels {
        return false;
    }
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                if depth == levels {
                    return true;
                }
            }
            b']' | b'}' if !quoted => depth -= 1,
            _ => {}
        }
    }
    false
}

/// A document without the spaces around its parts, as it is written when it is bound; `None` if the text is none.
pub(crate) fn compact(text: &str) -> Option<String> {
    serde_json::from_str::<serde_json::Value>(text).ok()?;
    let (mut quoted, mut escaped) = (false, false);
    Some(
        text.chars()
            .filter(|character| {
                let kept = quoted || !character.is_ascii_whitespace();
                if *character == '"' && !escaped {
                    quoted = !quoted;
                }
                escaped = quoted && *character == '\\' && !escaped;
                kept
            })
            .collect(),
    )
}

fn parse<T: DeserializeOwned>(cell: Cell<'_>) -> Result<T, Mismatch> {
    let text = match cell {
        Cell::Json(text) | Cell::Text(text) => text,
        cell => return Err(Mismatch::wrong("JSON", &cell)),
    };
    // Its message may show a part of the document.
    serde_json::from_str(text).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => "JSON that has other types or fields",
            _ => "text that is no JSON, or has a number beyond f64",
        };
        Mismatch::out_of_range(format!("{what}, at line {} column {}", error.line(), error.column()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_deep_to_be_read_is_not_held() {
        let deep = |levels: usize, open: &str, close: &str| open.repeat(levels) + "1" + &close.repeat(levels);
        for (open, close) in [("[", "]"), ("{\"a[{\\\"\":", "}")] {
            assert!(serde_json::from_str::<serde_json::Value>(&deep(LEVELS, open, close)).is_ok());
            assert!(serde_json::from_str::<serde_json::Value>(&deep(LEVELS + 1, open, close)).is_err());
            assert_eq!(held(deep(LEVELS, open, close)), deep(LEVELS, open, close));
            assert_eq!(held(deep(LEVELS + 1, open, close)), "");
        }
        let flat = format!("[{}\"{}\"]", "[],".repeat(500), "[".repeat(500));
        assert_eq!(held(flat.clone()), flat);
    }

    #[test]
    fn documents_without_spaces() {
        assert_eq!(
            compact(" { \"a b\" : [1, \" \\\" \\\\\" , null]\n}").as_deref(),
            Some("{\"a b\":[1,\" \\\" \\\\\",null]}")
        );
        assert_eq!(compact("{a: 1}"), None);
    }
}
