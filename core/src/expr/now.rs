//! The present time (SQL:2016 Foundation 6.35).

use super::{Expr, Expression, Node};
use crate::{
    render::{Compile, Renderer},
    schema::ColumnType,
    types::Type,
    value::Kind,
};

/// The database's clock as a date, a time or both: when the transaction (SQLite, MySQL: the statement) began, in UTC where the
/// type has no zone. `CURRENT_TIMESTAMP`, `CURRENT_DATE` and so on.
pub fn now<T: Type>() -> Expr<T> {
    Expr::new(Expression::Now(Now { kind: T::KIND }))
}

/// The present time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Now {
    /// What of it.
    pub kind: Kind,
}

impl Node for Now {
    fn render<'s>(&'s self, out: &mut Renderer<'s>) -> Compile {
        let dialect = out.dialect();
        dialect.render_now(&ColumnType::new(self.kind), out);
        Ok(())
    }

    fn for_each_child<'s>(&'s self, _: &mut dyn FnMut(&'s Expression)) {}
}
