//! Statements about the schema that are spelled differently.

use relata_core::{
    ddl::{
        AddForeignKey, CreateIndex, CreateTable, Ddl, DropForeignKey, foreign_key_name, render_default,
        render_nullness_and_default,
    },
    dialect::Dialect,
    render::{Compile, CompileError, Renderer, Statement},
    schema::{ColumnDef, DefaultValue, Table},
};

use super::{Mysql, types};

pub(super) fn render<'s>(dialect: &'s Mysql, ddl: &'s Ddl, out: &mut Renderer<'s>) -> Compile {
    match ddl {
        Ddl::CreateTable(CreateTable { table, .. }) | Ddl::AddForeignKey(AddForeignKey { table, .. }) => {
            check_foreign_keys(dialect, table)?;
        }
        _ => {}
    }
    match ddl {
        Ddl::CreateTable(create) => render_create_table(dialect, create, out),
        // MySQL has no CREATE INDEX IF NOT EXISTS (MySQL 8.4 manual 15.1.15); MariaDB has.
        Ddl::CreateIndex(create) if create.if_not_exists && !dialect.server.is_mariadb() => {
            render_create_index_if_not_exists(dialect, create, out)
        }
        // Only MariaDB has IF NOT EXISTS here, and takes the name behind it for that of the index.
        Ddl::AddForeignKey(add) if add.if_not_exists => {
            render_add_foreign_key_if_not_exists(dialect, add, out)
        }
        Ddl::DropForeignKey(drop) => render_drop_foreign_key(dialect, drop, out),
        other => other.render(out),
    }
}

/// These servers look for a table without a schema in that of the table that refers to it.
fn check_foreign_keys(dialect: &Mysql, table: &'static Table) -> Compile {
    for key in table.foreign_keys {
        let target = (key.table)();
        if table.schema.is_some() && target.schema.is_none() {
            let why = format!(
                "{} has a schema, and refers to {}, which has none: {} would look for it in that schema; give both a schema",
                table.name,
                target.name,
                dialect.name()
            );
            return Err(CompileError::invalid(why));
        }
    }
    Ok(())
}

/// Text compares and sorts by code point, trailing spaces included, as on PostgreSQL (C) and SQLite: a binary collation
/// that does not pad (MySQL 8.4 manual 12.8.5; MariaDB KB, "Supported Character Sets and Collations").
fn render_create_table<'s>(dialect: &'s Mysql, create: &'s CreateTable, out: &mut Renderer<'s>) -> Compile {
    create.render_parts(out, |column, out| render_column(dialect, create.table, column, out))?;
    out.sql(" ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=").sql(if dialect.server.is_mariadb() {
        "utf8mb4_nopad_bin"
    } else {
        "utf8mb4_0900_bin"
    });
    Ok(())
}

fn render_column(dialect: &Mysql, table: &Table, column: &ColumnDef, out: &mut Renderer<'_>) -> Compile {
    out.identifier(column.name)?.sql(" ");
    dialect.render_type(&column.ty, out)?;
    match &column.default {
        // A literal default of a large type is an expression (MySQL 8.4 manual 13.6).
        Some(default @ DefaultValue::Text(_)) if types::is_large(&column.ty) => {
            let mut without = *column;
            without.default = None;
            render_nullness_and_default(table, &without, out)?;
            out.sql(" DEFAULT (");
            render_default(table, column, default, out)?;
            out.sql(")");
        }
        _ => render_nullness_and_default(table, column, out)?,
    }
    if column.generated {
        out.sql(" AUTO_INCREMENT");
    }
    Ok(())
}

/// Whether the index is there is asked first, and what is run decided by the answer: three statements in one text.
fn render_create_index_if_not_exists(
    dialect: &Mysql,
    create: &CreateIndex,
    out: &mut Renderer<'_>,
) -> Compile {
    let plain = Ddl::CreateIndex(CreateIndex { if_not_exists: false, ..create.clone() });
    let statement = plain.compile(dialect)?.sql;
    let name = create.name(dialect.max_identifier());
    render_unless(&statement, "statistics", "index_name", create.table, &name, "= 0", out);
    Ok(())
}

fn render_add_foreign_key_if_not_exists(
    dialect: &Mysql,
    add: &AddForeignKey,
    out: &mut Renderer<'_>,
) -> Compile {
    let plain = Ddl::AddForeignKey(AddForeignKey { if_not_exists: false, ..add.clone() });
    let statement = plain.compile(dialect)?.sql;
    let name = foreign_key_name(add.table, &add.table.foreign_keys[add.key], dialect.max_identifier());
    render_unless(&statement, "table_constraints", "constraint_name", add.table, &name, "= 0", out);
    Ok(())
}

/// `DROP FOREIGN KEY` (MySQL 8.4 manual 15.1.9). Only MariaDB has IF EXISTS here.
fn render_drop_foreign_key(dialect: &Mysql, drop: &DropForeignKey, out: &mut Renderer<'_>) -> Compile {
    let key = &drop.table.foreign_keys[drop.key];
    let name = foreign_key_name(drop.table, key, dialect.max_identifier());
    let if_exists = if drop.if_exists && dialect.server.is_mariadb() { "IF EXISTS " } else { "" };
    let mut plain = Renderer::new(out.dialect());
    plain.sql("ALTER TABLE ").sql(if_exists).table(drop.table)?;
    plain.sql(" DROP FOREIGN KEY ").sql(if_exists).identifier(&name)?;
    let statement = plain.finish().sql;
    if drop.if_exists && !dialect.server.is_mariadb() {
        render_unless(&statement, "table_constraints", "constraint_name", drop.table, &name, "> 0", out);
    } else {
        out.sql(&statement);
    }
    Ok(())
}

/// Runs a statement if a count in the information schema is so, and else nothing (MySQL 8.4 manual 15.5).
fn render_unless(
    statement: &str,
    view: &str,
    column: &str,
    table: &Table,
    name: &str,
    count: &str,
    out: &mut Renderer<'_>,
) {
    out.sql("SET @relata_ddl = (SELECT IF(COUNT(*) ").sql(count).sql(", ").literal(statement);
    out.sql(", 'DO 0') FROM information_schema.").sql(view).sql(" WHERE table_schema = ");
    match table.schema {
        Some(schema) => out.literal(schema),
        None => out.sql("DATABASE()"),
    };
    out.sql(" AND table_name = ").literal(table.name);
    out.sql(" AND ").sql(column).sql(" = ").literal(name);
    out.sql("); PREPARE relata_ddl FROM @relata_ddl; EXECUTE relata_ddl; DEALLOCATE PREPARE relata_ddl");
}
