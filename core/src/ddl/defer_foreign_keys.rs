//! `SET CONSTRAINTS` (SQL:2016 Foundation 17.4).

use crate::render::{Compile, Renderer};

/// `SET CONSTRAINTS ALL DEFERRED`: foreign keys are checked at the end of the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeferForeignKeys;

impl DeferForeignKeys {
    pub(super) fn render(self, out: &mut Renderer<'_>) -> Compile {
        out.sql("SET CONSTRAINTS ALL DEFERRED");
        Ok(())
    }
}
