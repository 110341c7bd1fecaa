//! Creating and dropping the tables of mapped types.

use relata_core::{
    Result,
    ddl::{Ddl, create_all, drop_all},
    dialect::Dialect,
    entity::Entity,
    render::Compile,
    schema::Table,
};
use relata_pool::{Execute, Executor};

/// The tables of some entities, to be created or dropped together.
///
/// ```ignore
/// Schema::new().with::<User>().with::<Post>().create(&db).await?;
/// ```
#[derive(Debug, Clone, Default)]
pub struct Schema {
    tables: Vec<&'static Table>,
}

impl Schema {
    /// No tables yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With the table of an entity.
    #[must_use]
    pub fn with<E: Entity>(mut self) -> Self {
        if !self.tables.contains(&E::TABLE) {
            self.tables.push(E::TABLE);
        }
        self
    }

    /// The tables.
    pub fn tables(&self) -> &[&'static Table] {
        &self.tables
    }

    /// `CREATE TABLE …` of all, each after those it refers to, with keys, constraints, indexes and enum types.
    ///
    /// # Errors
    ///
    /// [`Compile`](relata_core::ErrorClass::Compile) if two indexes or constraints have one name, and the database has it once;
    /// [`Statement`](relata_core::ErrorClass::Statement) if one is there already; whatever else the database says.
    pub async fn create(&self, db: impl Executor) -> Result<()> {
        self.run(db, |tables, dialect| create_all(tables, false, dialect)).await
    }

    /// As [`create`](Schema::create), of those that are not there. A table that is there stays as it is, but gets the indexes that
    /// it lacks, and the foreign keys that close a circle of tables.
    ///
    /// # Errors
    ///
    /// [`Compile`](relata_core::ErrorClass::Compile) as for [`create`](Schema::create);
    /// [`Statement`](relata_core::ErrorClass::Statement) if an index of another table has the name of one that is lacking;
    /// whatever else the database says.
    pub async fn create_if_not_exists(&self, db: impl Executor) -> Result<()> {
        self.run(db, |tables, dialect| create_all(tables, true, dialect)).await
    }

    /// `DROP TABLE …` of all, each before those it refers to.
    ///
    /// # Errors
    ///
    /// [`Statement`](relata_core::ErrorClass::Statement) if one is not there; [`ForeignKey`](relata_core::ErrorClass::ForeignKey)
    /// if another table refers to one.
    pub async fn drop(&self, db: impl Executor) -> Result<()> {
        self.run(db, |tables, dialect| Ok(drop_all(tables, false, dialect))).await
    }

    /// As [`drop`](Schema::drop), of those that are there.
    ///
    /// # Errors
    ///
    /// Whatever the database says.
    pub async fn drop_if_exists(&self, db: impl Executor) -> Result<()> {
        self.run(db, |tables, dialect| Ok(drop_all(tables, true, dialect))).await
    }

    async fn run(
        &self,
        db: impl Executor,
        ddl: impl Fn(&[&'static Table], &dyn Dialect) -> Compile<Vec<Ddl>>,
    ) -> Result<()> {
        let dialect = db.dialect().clone();
        ddl(&self.tables, &*dialect)?.execute(db).await?;
        Ok(())
    }
}
