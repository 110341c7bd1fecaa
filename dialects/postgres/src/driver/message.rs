//! What the server says (PostgreSQL manual, 54.7, "Message Formats").

use std::borrow::Cow;

use relata_core::{Error, render::Bind};
use tokio_postgres::{error::DbError, types::Oid};

use crate::error::from_server;

pub(super) const COMMAND_COMPLETE: u8 = b'C';
pub(super) const COPY_IN: u8 = b'G';
pub(super) const DATA_ROW: u8 = b'D';
pub(super) const ERROR: u8 = b'E';
pub(super) const NOTICE: u8 = b'N';
pub(super) const NOTIFICATION: u8 = b'A';
pub(super) const PARSE_COMPLETE: u8 = b'1';
pub(super) const PARAMETER_DESCRIPTION: u8 = b't';
pub(super) const PARAMETER_STATUS: u8 = b'S';
pub(super) const READY_FOR_QUERY: u8 = b'Z';
pub(super) const ROW_DESCRIPTION: u8 = b'T';

/// A message, lent by what has read it.
pub(super) struct Message<'w> {
    pub(super) tag: u8,
    pub(super) body: &'w [u8],
}

impl Message<'_> {
    /// What an [`ERROR`] says of a statement that ran with binds, which it may quote; without any, of one that it did not run.
    pub(super) fn error(&self, binds: Option<&[Bind<'_>]>) -> Error {
        from_server(&ServerError::parse(self.body), binds)
    }
}

/// Takes a body apart, from its beginning to its end. `None` where it is too short.
pub(super) struct Parts<'b>(pub(super) &'b [u8]);

impl<'b> Parts<'b> {
    pub(super) fn bytes(&mut self, count: usize) -> Option<&'b [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.fixed().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.fixed().map(u16::from_be_bytes)
    }

    pub(super) fn oid(&mut self) -> Option<Oid> {
        self.fixed().map(Oid::from_be_bytes)
    }

    /// Text that ends with a zero.
    pub(super) fn text(&mut self) -> Option<Cow<'b, str>> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let text = self.bytes(end)?;
        self.byte()?;
        Some(String::from_utf8_lossy(text))
    }
}

/// How many rows a command changed: the number at the end of its tag, `INSERT 0 5`. Those of `SELECT 5` it only gave.
pub(super) fn row_count(body: &[u8]) -> u64 {
    let tag = body.strip_suffix(b"\0").unwrap_or_default();
    if [&b"SELECT "[..], b"FETCH ", b"MOVE "].iter().any(|gives| tag.starts_with(gives)) {
        return 0;
    }
    let digits = tag.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// An error, as the server tells it (54.8, "Error and Notice Message Fields").
#[derive(Debug, Default)]
pub(crate) struct ServerError<'b> {
    pub(crate) code: Cow<'b, str>,
    pub(crate) message: Cow<'b, str>,
    pub(crate) detail: Option<Cow<'b, str>>,
    pub(crate) hint: Option<Cow<'b, str>>,
    pub(crate) table: Option<Cow<'b, str>>,
    pub(crate) column: Option<Cow<'b, str>>,
    pub(crate) constraint: Option<Cow<'b, str>>,
}

impl<'b> ServerError<'b> {
    pub(super) fn parse(body: &'b [u8]) -> Self {
        let mut parts = Parts(body);
        let mut error = ServerError::default();
        while let (Some(field @ 1..), Some(text)) = (parts.byte(), parts.text()) {
            match field {
                b'C' => error.code = text,
                b'M' => error.message = text,
                b'D' => error.detail = Some(text),
                b'H' => error.hint = Some(text),
                b't' => error.table = Some(text),
                b'c' => error.column = Some(text),
                b'n' => error.constraint = Some(text),
                _ => {}
            }
        }
        error
    }
}

/// One that came while tokio-postgres logged in.
impl<'b> From<&'b DbError> for ServerError<'b> {
    fn from(error: &'b DbError) -> Self {
        ServerError {
            code: error.code().code().into(),
            message: error.message().into(),
            detail: error.detail().map(Into::into),
            hint: error.hint().map(Into::into),
            table: error.table().map(Into::into),
            column: error.column().map(Into::into),
            constraint: error.constraint().map(Into::into),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_at_the_end_of_the_tag() {
        for (tag, count) in [
            (&b"INSERT 0 5\0"[..], 5),
            (b"UPDATE 12\0", 12),
            (b"MERGE 2\0", 2),
            (b"SELECT 3\0", 0),
            (b"FETCH 4\0", 0),
            (b"BEGIN\0", 0),
            (b"CREATE TABLE\0", 0),
            (b"\0", 0),
            (b"", 0),
        ] {
            assert_eq!(row_count(tag), count, "{tag:?}");
        }
    }

    #[test]
    fn fields_of_an_error() {
        let error =
            ServerError::parse(b"SERROR\0C23505\0Mtwice\0DKey (a)=(1) already exists.\0nusers_key\0\0");
        assert_eq!((&*error.code, &*error.message), ("23505", "twice"));
        assert_eq!(error.detail.as_deref(), Some("Key (a)=(1) already exists."));
        assert_eq!(error.constraint.as_deref(), Some("users_key"));
        assert_eq!(error.column, None);
        // Cut short, it still says what it can.
        assert_eq!(ServerError::parse(b"C23505\0Mtwi").code, "23505");
    }
}
