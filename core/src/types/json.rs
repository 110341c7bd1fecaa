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
        Value::Json(self.to_string())
    }
}

/// A value that is stored as JSON.
///
/// SQL NULL is `Option<Json<T>>`; the JSON `null` is a value of its own. What JSON cannot hold is refused when a statement is run, with
/// [`Data`](crate::ErrorClass::Data): NaN, an infinity, and a map whose keys are no text.
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
        let held = is_finite(&self.0).then(|| serde_json::to_string(&self.0).ok()).flatten();
        Value::Json(held.unwrap_or_default())
    }
}

/// A document without the spaces around its parts, as it is written when it is bound; `None` if the text is none.
pub(crate) fn compact(text: &str) -> Option<String> {
    serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
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
            serde_json::error::Category::Data => "has other types or fields",
            _ => "is no JSON",
        };
        Mismatch::out_of_range(format!(
            "JSON that {what}, at line {} column {}",
            error.line(),
            error.column()
        ))
    })
}
