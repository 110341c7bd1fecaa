//! `FOR UPDATE` and its kin (PostgreSQL manual, SELECT, "The Locking Clause"; MySQL 8.4 manual 17.7.2.4).

use crate::{
    dialect::Feature,
    render::{Compile, Renderer},
};

/// Rows that are locked while they are read, until the transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lock {
    /// Against what.
    pub strength: LockStrength,
    /// What to do about rows that somebody else has locked.
    pub wait: LockWait,
}

/// Against what rows are locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LockStrength {
    /// `FOR UPDATE`: against changes and locks of others.
    Update,
    /// `FOR SHARE`: against changes of others.
    Share,
}

/// What to do about rows that somebody else has locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LockWait {
    /// Wait for them.
    Wait,
    /// `NOWAIT`: fail.
    NoWait,
    /// `SKIP LOCKED`: leave them out.
    SkipLocked,
}

impl Lock {
    pub(super) fn render(&self, out: &mut Renderer<'_>) -> Compile {
        out.require(Feature::Locking)?.sql(match self.strength {
            LockStrength::Update => " FOR UPDATE",
            LockStrength::Share => " FOR SHARE",
        });
        match self.wait {
            LockWait::Wait => out,
            LockWait::NoWait => out.sql(" NOWAIT"),
            LockWait::SkipLocked => out.require(Feature::SkipLocked)?.sql(" SKIP LOCKED"),
        };
        Ok(())
    }
}
