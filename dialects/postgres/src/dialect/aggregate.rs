//! Aggregates that need another spelling (PostgreSQL 17 manual 9.21).

use relata_core::{
    expr::{Aggregate, Window},
    render::{Compile, Renderer},
    value::Kind,
};

/// How an aggregate is spelled.
struct Spelling {
    name: &'static str,
    /// What stands before and behind the operand.
    operand: [&'static str; 2],
    /// The same of the whole.
    whole: [&'static str; 2],
}

/// An aggregate, of groups or over a window.
pub(super) fn render<'s>(n: &'s Aggregate, over: Option<&'s Window>, out: &mut Renderer<'s>) -> Compile {
    let Spelling { name, operand, whole: [before, behind] } = spelling(n);
    out.sql(before);
    n.render_as(name, operand, out)?;
    if let Some(window) = over {
        window.render_over(out)?;
    }
    out.sql(behind);
    Ok(())
}

/// There is no MIN and MAX of truth values, UUIDs, and, before version 18, bytes. As text of a fixed alphabet, the latter are ordered as
/// they are themselves.
fn spelling(n: &Aggregate) -> Spelling {
    let plain = Spelling { name: n.name, operand: ["", ""], whole: ["", ""] };
    match (n.name, n.kind) {
        // Of BIGINTs it is a NUMERIC, with which `/` would not cut off the fraction.
        ("SUM", Kind::I64 | Kind::U64) => Spelling { whole: ["CAST(", " AS BIGINT)"], ..plain },
        ("MIN", Kind::Bool) => Spelling { name: "BOOL_AND", ..plain },
        ("MAX", Kind::Bool) => Spelling { name: "BOOL_OR", ..plain },
        ("MIN" | "MAX", Kind::Uuid) => {
            Spelling { operand: ["CAST(", " AS TEXT) COLLATE \"C\""], whole: ["CAST(", " AS UUID)"], ..plain }
        }
        ("MIN" | "MAX", Kind::Bytes) => Spelling {
            operand: ["ENCODE(", ", 'hex') COLLATE \"C\""],
            whole: ["DECODE(", ", 'hex')"],
            ..plain
        },
        _ => plain,
    }
}
