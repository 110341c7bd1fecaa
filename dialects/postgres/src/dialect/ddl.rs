//! Statements about the schema that have no IF NOT EXISTS of their own.

use relata_core::{
    ddl::{CreateIndex, Ddl},
    render::{Compile, Renderer},
};

pub(super) fn render<'s>(ddl: &'s Ddl, out: &mut Renderer<'s>) -> Compile {
    match ddl {
        Ddl::CreateEnum(create) if create.if_not_exists => unless_there(ddl, out),
        Ddl::AddForeignKey(add) if add.if_not_exists => unless_there(ddl, out),
        Ddl::CreateIndex(create) if create.if_not_exists => create_index_if_not_exists(create, out),
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

/// IF NOT EXISTS of its own looks at the name only (CREATE INDEX): an index of another table would take the place of this one
/// without a word. The server meets the name before it builds anything.
fn create_index_if_not_exists(create: &CreateIndex, out: &mut Renderer<'_>) -> Compile {
    let dialect = out.dialect();
    let mut table = Renderer::new(dialect);
    table.table(create.table)?;
    let table = table.finish().sql;
    let plain = Ddl::CreateIndex(CreateIndex { if_not_exists: false, ..create.clone() });
    let mut inner = Renderer::new(dialect);
    inner.sql("BEGIN ");
    plain.render(&mut inner)?;
    inner
        .sql(
            "; EXCEPTION WHEN duplicate_table OR unique_violation THEN IF NOT EXISTS (SELECT FROM pg_index i",
        )
        .sql(" JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = ")
        .literal(&create.name(dialect.max_identifier()))
        .sql(" AND i.indrelid = TO_REGCLASS(")
        .literal(&table)
        .sql(")) THEN RAISE; END IF; END");
    out.sql("DO ").literal(&inner.finish().sql);
    Ok(())
}
