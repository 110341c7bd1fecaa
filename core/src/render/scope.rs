//! Which tables a column may name.

use crate::schema::Table;

/// The tables that one level of a statement reads from.
#[derive(Debug, Default)]
pub struct Scope<'s> {
    pub(super) sources: Vec<Visible<'s>>,
    pub(super) bare: bool,
    /// How many of the sources can be named now, if not all: a join's condition sees those before it.
    pub(super) shown: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Visible<'s> {
    pub(super) name: &'s str,
    /// `None` for an alias or a derived table.
    pub(super) table: Option<&'static Table>,
    /// On the side of an outer join that may have no row.
    pub(super) optional: bool,
}

impl<'s> Scope<'s> {
    /// An empty scope.
    pub fn new() -> Self {
        Scope::default()
    }

    /// A scope whose columns are written without their table: the RETURNING of a database that does not want it there.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// Adds a table under its own name.
    pub fn table(&mut self, table: &'static Table) {
        self.sources.push(Visible { name: table.name, table: Some(table), optional: false });
    }

    /// Adds a table or derived table under a name that the statement gives it.
    pub fn alias(&mut self, name: &'s str) {
        self.sources.push(Visible { name, table: None, optional: false });
    }

    /// The sources that can be named now.
    pub(super) fn visible(&self) -> &[Visible<'s>] {
        &self.sources[..self.shown.map_or(self.sources.len(), |shown| shown.min(self.sources.len()))]
    }

    /// Whether this name is taken.
    pub fn contains(&self, name: &str) -> bool {
        self.sources.iter().any(|source| source.name == name)
    }

    /// Says that all added so far may have no row: they stand left of a RIGHT or FULL JOIN.
    pub fn make_optional(&mut self) {
        for source in &mut self.sources {
            source.optional = true;
        }
    }

    /// Says that the one added last may have no row: it stands right of a LEFT or FULL JOIN.
    pub fn make_last_optional(&mut self) {
        if let Some(last) = self.sources.last_mut() {
            last.optional = true;
        }
    }
}
