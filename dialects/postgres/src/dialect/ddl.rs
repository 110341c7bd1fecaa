//! Statements about the schema that have no IF NOT EXISTS of their own.

use relata_core::{
    ddl::Ddl,
    render::{Compile, Renderer},
};

pub(super) fn render<'s>(ddl: &'s Ddl, out: &mut Renderer<'s>) -> Compile {
    match ddl {
        Ddl::CreateEnum(create) if create.if_not_exists => unless_there(ddl, out),
        Ddl::AddForeignKey(add) if add.if_not_exists => unless_there(ddl, out),
        other => other.render(out),
    }
}

/// A DO block catches the error (42.6.8, "Trapping Errors"). Of two sessions that create the same at once, the later one may
/// meet the unique index of the catalogue first.
///
/// The block is a string literal and not in dollar quotes, out of which a name with `$$` in it could break.
fn unless_there(ddl: &Ddl, out: &mut Renderer<'_>) -> Compile {
    let mut inner = Renderer::new(out.dialect());
    inner.sql("BEGIN ");
    ddl.render(&mut inner)?;
    inner.sql("; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END");
    let block = inner.finish().sql;
    out.sql("DO ").literal(&block);
    Ok(())
}
