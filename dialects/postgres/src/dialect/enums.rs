//! `CREATE TYPE … AS ENUM` unless it is there.

use relata_core::{
    ddl::CreateEnum,
    render::{Compile, Renderer},
};

/// CREATE TYPE has no IF NOT EXISTS, so a DO block catches the error (42.6.8, "Trapping Errors"). Of two sessions that
/// create it at once, the later one may meet the unique index of the catalogue first.
///
/// The block is a string literal and not in dollar quotes, out of which a name with `$$` in it could break.
pub(super) fn create_if_not_exists(create: &CreateEnum, out: &mut Renderer<'_>) -> Compile {
    let mut inner = Renderer::new(out.dialect());
    inner.sql("BEGIN ");
    create.render_plain(&mut inner)?;
    inner.sql("; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END");
    let block = inner.finish().sql;
    out.sql("DO ").literal(&block);
    Ok(())
}
