//! `RETURNING`, and the list of items that SELECT shares with it.

use super::Clause;
use crate::{
    projection::Item,
    render::{Compile, Renderer},
};

pub(super) fn render<'s>(items: &'s [Item], out: &mut Renderer<'s>) -> Compile {
    out.sql(" RETURNING ");
    render_items(items, out)
}

pub(crate) fn render_items<'s>(items: &'s [Item], out: &mut Renderer<'s>) -> Compile {
    out.list(items, ", ", |out, item| {
        out.clause(Clause::Item(&item.expression))?;
        if let Some(label) = &item.label {
            out.sql(" AS ").identifier(label)?;
        }
        Ok(())
    })?;
    Ok(())
}
