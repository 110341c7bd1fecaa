//! `ROWS BETWEEN … AND …` (SQL:2016 Foundation 7.15): the rows around each that a function over a window sees.

use std::ops::{Bound, RangeBounds};

use crate::render::{Compile, CompileError, Renderer};

/// The rows around each that a function over a window sees, by how far they are behind it: those before it are so by less than 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Where the first is; `None` for the first of the partition.
    pub first: Option<i64>,
    /// Where the last is; `None` for the last of the partition.
    pub last: Option<i64>,
}

impl Frame {
    pub(super) fn of(rows: impl RangeBounds<i64>) -> Self {
        let first = match rows.start_bound() {
            Bound::Unbounded => None,
            Bound::Included(at) => Some(*at),
            Bound::Excluded(at) => Some(at.saturating_add(1)),
        };
        let last = match rows.end_bound() {
            Bound::Unbounded => None,
            Bound::Included(at) => Some(*at),
            Bound::Excluded(at) => Some(at.saturating_sub(1)),
        };
        Frame { first, last }
    }

    pub(super) fn render(self, out: &mut Renderer<'_>) -> Compile {
        if let (Some(first), Some(last)) = (self.first, self.last)
            && first > last
        {
            return Err(CompileError::invalid(format!(
                "there are no rows from {first} to {last}: the first of a window comes before the last"
            )));
        }
        out.sql("ROWS BETWEEN ");
        render_end(self.first, " PRECEDING", out);
        out.sql(" AND ");
        render_end(self.last, " FOLLOWING", out);
        Ok(())
    }
}

/// One end of a frame; where there is none, everything on its side.
fn render_end(at: Option<i64>, side: &str, out: &mut Renderer<'_>) {
    // No partition has more rows than fit.
    let far = |at: i64| at.unsigned_abs().min(i64::MAX as u64);
    match at {
        None => out.sql("UNBOUNDED").sql(side),
        Some(0) => out.sql("CURRENT ROW"),
        Some(at) => out.number(far(at)).sql(if at < 0 { " PRECEDING" } else { " FOLLOWING" }),
    };
}
