//! What a server says of a statement, without the values of its binds.

use std::{borrow::Cow, collections::HashSet};

use crate::{
    error::ErrorClass,
    render::{Bind, hyphenated},
    types::civil::{format_date, format_time, format_timestamp},
    value::Value,
};

/// What else the message of a server may hold, beside its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wording {
    /// Names of what is in the database, or what the author of a trigger wrote. Of values only those that a trigger puts into it, as
    /// they are.
    Known,
    /// Anything, such as a part of a value.
    Unknown,
}

impl Wording {
    /// How errors of a class are worded.
    pub fn of(class: ErrorClass) -> Self {
        match class {
            ErrorClass::Unique
            | ErrorClass::ForeignKey
            | ErrorClass::NotNull
            | ErrorClass::Check
            | ErrorClass::Constraint
            | ErrorClass::Serialization
            | ErrorClass::Deadlock
            | ErrorClass::LockTimeout
            | ErrorClass::Timeout
            | ErrorClass::Disconnected
            | ErrorClass::Poisoned
            | ErrorClass::ReadOnly => Wording::Known,
            _ => Wording::Unknown,
        }
    }
}

/// The message of an error that came while a statement ran with these binds, with `…` for what is, or may be, one of their values.
///
/// Each value that was bound is left out wherever it stands as a text of its own, but for truth values; where the
/// [wording](Wording) is unknown, so is each word of a text, what stands in quotes, and what stands behind a colon. Only for errors
/// of the execution: one that is found when a statement is prepared knows no values.
///
/// ```
/// use relata_core::{driver::{Wording, mask}, render::Bind, value::Value};
///
/// let binds = [Bind::from(Value::Text("hunter2:x".into()))];
/// assert_eq!(mask("no such column: hunter2", Wording::Unknown, &binds), "no such column: …");
/// assert_eq!(mask("permission denied for table hunter2", Wording::Unknown, &binds), "permission denied for table …");
/// ```
pub fn mask(message: &str, wording: Wording, binds: &[Bind<'_>]) -> String {
    let mut masked = Masked::new(message);
    for bind in binds {
        match bind {
            Bind::Value(value) => masked.hide_value(value, wording),
            Bind::Column(column) => column.values().for_each(|value| masked.hide_value(value, wording)),
        }
    }
    if wording == Wording::Unknown {
        masked.hide_quoted();
        masked.hide_behind_a_colon();
    }
    masked.text(message)
}

/// A message, character by character, and which of them do not show.
struct Masked {
    /// In lower case, as a name that was bound comes back.
    characters: Vec<char>,
    words: HashSet<Vec<char>>,
    /// How long the longest of them is.
    longest: usize,
    hidden: Vec<bool>,
}

impl Masked {
    fn new(message: &str) -> Self {
        let characters = lower_case(message);
        let words: HashSet<Vec<char>> = characters
            .split(|c| !in_word(*c))
            .map(<[char]>::to_vec)
            .filter(|word| !word.is_empty())
            .collect();
        let longest = words.iter().map(Vec::len).max().unwrap_or(0);
        Masked { hidden: vec![false; characters.len()], characters, words, longest }
    }

    fn hide_value(&mut self, value: &Value, wording: Wording) {
        if let Value::Array(_, values) = value {
            return values.iter().for_each(|value| self.hide_value(value, wording));
        }
        let Some(text) = as_text(value) else { return };
        // What is longer than the message is not in it, and can be very long.
        if text.chars().nth(self.characters.len()).is_none() {
            self.hide(&lower_case(&text));
        }
        if wording == Wording::Unknown {
            for word in text.split(|c| !in_word(c)) {
                if word.chars().nth(self.longest).is_none() {
                    let word = lower_case(word);
                    if self.words.contains(&word) {
                        self.hide(&word);
                    }
                }
            }
        }
    }

    /// Hides a text wherever it is no part of a longer word.
    fn hide(&mut self, text: &[char]) {
        let (Some(first), Some(last)) = (text.first(), text.last()) else { return };
        let mut at = 0;
        while let Some(found) = self.characters[at..].windows(text.len()).position(|part| part == text) {
            let (begin, end) = (at + found, at + found + text.len());
            let goes_on =
                |edge: &char, beside: Option<&char>| in_word(*edge) && beside.is_some_and(|c| in_word(*c));
            let before = begin.checked_sub(1).and_then(|before| self.characters.get(before));
            if !goes_on(first, before) && !goes_on(last, self.characters.get(end)) {
                self.hidden[begin..end].fill(true);
            }
            at = begin + 1;
        }
    }

    /// Hides what stands between the first quote mark and the last: a value may hold others.
    fn hide_quoted(&mut self) {
        // A mark within a word is an apostrophe.
        let opens = |at: usize| at.checked_sub(1).is_none_or(|before| !in_word(self.characters[before]));
        let closes = |at: usize| self.characters.get(at + 1).is_none_or(|after| !in_word(*after));
        let marks = || (0..self.characters.len()).filter(|at| is_quote(self.characters[*at]));
        let Some(first) = marks().find(|at| opens(*at)) else { return };
        // A message that is cut short may have no other.
        let last = marks().rfind(|at| closes(*at) && *at > first).unwrap_or(self.characters.len());
        self.hidden[first + 1..last].fill(true);
    }

    fn hide_behind_a_colon(&mut self) {
        let is_colon = |pair: &[char]| matches!(pair, [':', ' '] | ['：', _]);
        if let Some(colon) = self.characters.windows(2).position(is_colon) {
            self.hidden[colon + 1..].fill(true);
        }
    }

    /// What is left of it.
    fn text(&self, message: &str) -> String {
        let mut text = String::with_capacity(message.len());
        let mut was_hidden = false;
        for (at, (character, hidden)) in message.chars().zip(&self.hidden).enumerate() {
            match hidden {
                false => text.push(character),
                // The space behind a colon stays.
                true if character == ' ' && at > 0 && !was_hidden => text.push(' '),
                true if !was_hidden || text.ends_with(' ') => text.push('…'),
                true => {}
            }
            was_hidden = *hidden;
        }
        text
    }
}

/// A value as servers write it. None of a truth value, which is in any message.
fn as_text(value: &Value) -> Option<Cow<'_, str>> {
    Some(match value {
        Value::Null(_) | Value::Bool(_) | Value::Array(..) => return None,
        Value::Text(text) | Value::Json(text) => text.into(),
        Value::Enum(_, word) => (*word).into(),
        Value::Bytes(bytes) => str::from_utf8(bytes).ok()?.into(),
        Value::I16(value) => value.to_string().into(),
        Value::I32(value) => value.to_string().into(),
        Value::I64(value) => value.to_string().into(),
        Value::U64(value) => value.to_string().into(),
        Value::F32(value) => value.to_string().into(),
        Value::F64(value) => value.to_string().into(),
        Value::Decimal(value) => value.to_string().into(),
        Value::Uuid(bytes) => hyphenated(bytes).into(),
        Value::Date(days) => format_date(*days)?.into(),
        Value::Time(micros) => to_the_second(&format_time(*micros)).to_owned().into(),
        Value::Timestamp(micros) | Value::TimestampTz(micros) => {
            to_the_second(&format_timestamp(*micros)?).to_owned().into()
        }
    })
}

/// Without the zeros at the end of the fraction, which not every server shows.
fn to_the_second(text: &str) -> &str {
    text.trim_end_matches('0').trim_end_matches('.')
}

/// Character by character, so that there are as many.
fn lower_case(text: &str) -> Vec<char> {
    text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect()
}

fn in_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The server may speak another language, and quote as that does.
fn is_quote(character: char) -> bool {
    matches!(character, '"' | '\'' | '`' | '«' | '»' | '„' | '“' | '”' | '‘' | '’' | '‹' | '›' | '「' | '」')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::DecimalValue;

    fn texts<const N: usize>(texts: [&str; N]) -> [Bind<'static>; N] {
        texts.map(|text| Bind::from(Value::Text(text.into())))
    }

    #[test]
    fn what_is_not_known_shows_no_value() {
        for (message, bound, shown) in [
            ("syntax error in tsquery: \"hunter2 hunter2\"", "hunter2 hunter2", "syntax error in tsquery: …"),
            ("relation \"hunter2\" does not exist", "HUNTER2", "relation \"…\" does not exist"),
            ("value \"hunter2 \"x\" y\" is bad", "", "value \"…\" is bad"),
            ("permission denied for sequence hunter2", "public.hunter2", "permission denied for sequence …"),
            ("XPATH syntax error: '~hunter2'", "hunter2", "XPATH syntax error: …"),
            ("fts5: syntax error near \"\"", "\"", "fts5: …"),
            ("type integer : « hunter2 »", "hunter2", "type integer : …"),
            (
                "Can't find FULLTEXT index matching the column list",
                "x",
                "Can't find FULLTEXT index matching the column list",
            ),
            ("You can't specify 'hunter2' for update", "", "You can't specify '…' for update"),
            ("Got error 'hunter", "x", "Got error '…"),
            ("division by zero", "hunter2", "division by zero"),
            ("", "hunter2", ""),
        ] {
            assert_eq!(mask(message, Wording::Unknown, &texts([bound])), shown);
        }
    }

    #[test]
    fn what_is_known_shows_none_that_was_bound() {
        let message = "order \"7\" of Ann: not enough of item 7b";
        let binds = [Bind::from(Value::I64(7)), Bind::from(Value::Text("ann".into()))];
        assert_eq!(mask(message, Wording::Known, &binds), "order \"…\" of …: not enough of item 7b");
        let list = Value::Array(crate::value::Kind::Text, vec![Value::Text("item".into())]);
        assert_eq!(mask(message, Wording::Known, &[list.into()]), "order \"7\" of Ann: not enough of … 7b");
        assert_eq!(mask(message, Wording::Known, &texts(["a text with the words order and item"])), message);
        let decimal = DecimalValue::parse("12.50").expect("a decimal");
        for (value, shown) in [
            (Value::F64(98.625), "98.625"),
            (Value::F32(0.5), "0.5"),
            (Value::Decimal(decimal), "12.50"),
            (Value::Uuid([0xab; 16]), "ABABABAB-abab-abab-abab-abababababab"),
            (Value::Date(1), "1970-01-02"),
            (Value::Time(3_600_000_000), "01:00:00"),
            (Value::Timestamp(1_500_000), "1970-01-01 00:00:01.5"),
            (Value::I16(-3), "-3"),
        ] {
            let message = format!("the value {shown} is wrong");
            assert_eq!(mask(&message, Wording::Known, &[Bind::from(value)]), "the value … is wrong");
        }
    }
}
