//! Upper and lower case of all letters: SQLite's own LOWER and UPPER know those of ASCII only ("Built-in scalar SQL functions").
//!
//! They have names of their own, so that an index or a view that was made with SQLite's means what it meant.

use relata_core::{
    expr::{Function, Like},
    render::{Compile, Renderer},
};
use rusqlite::{Connection, functions::FunctionFlags};

const LOWER: &str = "UNICODE_LOWER";
const UPPER: &str = "UNICODE_UPPER";

/// Teaches a connection the functions.
pub(crate) fn install(connection: &Connection) -> rusqlite::Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    let both: [(&str, fn(&str) -> String); 2] = [(LOWER, str::to_lowercase), (UPPER, str::to_uppercase)];
    for (name, change) in both {
        connection.create_scalar_function(name, 1, flags, move |context| {
            Ok(context.get_raw(0).as_str_or_null()?.map(change))
        })?;
    }
    Ok(())
}

/// The function for this one of standard SQL, if there is one here.
pub(crate) fn name_of(function: &str) -> Option<&'static str> {
    match function {
        "LOWER" => Some(LOWER),
        "UPPER" => Some(UPPER),
        _ => None,
    }
}

pub(crate) fn render<'s>(name: &str, n: &'s Function, out: &mut Renderer<'s>) -> Compile {
    out.sql(name).sql("(").list(&n.arguments, ", ", |out, a| out.expression(a).map(drop))?.sql(")");
    Ok(())
}

/// LIKE that takes upper and lower case for the same.
pub(crate) fn render_like<'s>(n: &'s Like, out: &mut Renderer<'s>) -> Compile {
    out.sql(LOWER).sql("(").expression(&n.operand)?.sql(if n.negated { ") NOT LIKE " } else { ") LIKE " });
    out.sql(LOWER).sql("(").expression(&n.pattern)?.sql(") ESCAPE '!'");
    Ok(())
}
