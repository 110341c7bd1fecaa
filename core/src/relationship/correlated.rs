//! The rows at the end of a relationship, as a subquery of the statement that reads its beginning.

use std::borrow::Cow;

use super::{
    Relationship,
    join::{End, to_itself},
};
use crate::{
    clause::JoinKind,
    entity::Entity,
    projection::EntityProjection,
    statement::{Select, select},
};

/// Those for a row of the statement around, from and to aliases of the two.
pub(super) fn correlated<R: Relationship>(
    relationship: &R,
    [source, target]: [Option<Cow<'static, str>>; 2],
) -> Select<R::Target> {
    let rows = select(EntityProjection::new(target.clone()));
    if R::Source::TABLE == R::Target::TABLE && source == target {
        return rows.refused(to_itself(relationship, |aliased| format!("{aliased}.correlated()")));
    }
    let source = End { table: R::Source::TABLE, alias: source, columns: relationship.source_columns() };
    let target = End { table: R::Target::TABLE, alias: target, columns: relationship.target_columns() };
    let rows = rows.from(target.source());
    let Some(through) = relationship.through() else {
        return rows.around(source.source(), target.equals(&source));
    };
    let far = End { table: through.table, alias: None, columns: through.target_columns };
    let near = End { columns: through.source_columns, ..far.clone() };
    rows.joined(far.join(&target, JoinKind::Inner)).around(source.source(), near.equals(&source))
}
