//! What a grouped query may name (SQL:2016 Foundation 7.16): what has one value for each group.

use super::{
    placement::{Contents, check_rows},
    query::Query,
};
use crate::{
    clause::OrderItem,
    dialect::Feature,
    expr::Expression,
    render::{Compile, CompileError, Renderer},
};

impl Query {
    /// What its groups are by, where it has groups: what is selected, asked of them or ordered by is then the same for a whole group,
    /// or aggregated.
    pub(super) fn check_groups<'s>(
        &'s self,
        order_by: &[OrderItem],
        out: &mut Renderer<'_>,
    ) -> Compile<Option<&'s [Expression]>> {
        check_rows(self.filter.as_expression(), "a filter")?;
        check_rows(self.joins.iter().filter_map(|join| join.on.as_ref()), "the condition of a join")?;
        check_rows(&self.group_by, "GROUP BY")?;
        let mut in_having = false;
        if let Some(having) = self.having.as_expression() {
            let contents = Contents::of(having).check_nesting()?;
            in_having = contents.aggregate;
            if contents.window {
                return Err(CompileError::invalid(
                    "a window function cannot be in HAVING: select it in a subquery, and filter that",
                ));
            }
        }
        let (mut selected, mut selected_plainly) = (false, false);
        for item in &self.items {
            let contents = Contents::of(&item.expression).check_nesting()?;
            selected |= contents.aggregate;
            selected_plainly |= contents.plain_aggregate;
        }
        let mut grouped = !self.group_by.is_empty() || in_having || selected;
        for item in order_by {
            grouped |= Contents::of(&item.expression).check_nesting()?.aggregate;
        }
        if !grouped {
            // The standard takes all rows for one group then; SQLite does not.
            return match self.having.as_expression() {
                None => Ok(None),
                Some(_) => {
                    Err(CompileError::invalid("HAVING without GROUP BY or an aggregate: a filter is meant"))
                }
            };
        }
        if self.group_by.is_empty() {
            if !selected && !in_having {
                return Err(CompileError::invalid(
                    "an aggregate in ORDER BY only, without GROUP BY: there is one row, which needs no order",
                ));
            }
            if !selected_plainly && self.having.as_expression().is_some() {
                out.require(Feature::HavingAlone)?;
            }
        }
        Ok(Some(&self.group_by))
    }
}
