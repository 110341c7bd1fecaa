//! What a database may or may not be able to do.

use std::fmt;

macro_rules! features {
    ($($(#[$doc:meta])* $name:ident => $words:literal,)*) => {
        /// Something that not every database can do.
        ///
        /// A dialect claims a feature by [`Dialect::supports`](super::Dialect::supports); a construct that needs one that
        /// is not claimed is refused when the statement is compiled.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Feature { $($(#[$doc])* $name,)* }

        impl Feature {
            /// All of them.
            pub const ALL: &'static [Feature] = &[$(Feature::$name,)*];
        }

        impl fmt::Display for Feature {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Feature::$name => $words,)* })
            }
        }
    };
}

features! {
    /// `INSERT … RETURNING`.
    InsertReturning => "INSERT … RETURNING",
    /// `UPDATE … RETURNING`.
    UpdateReturning => "UPDATE … RETURNING",
    /// `DELETE … RETURNING`.
    DeleteReturning => "DELETE … RETURNING",
    /// `FULL OUTER JOIN`.
    FullJoin => "FULL JOIN",
    /// `RIGHT OUTER JOIN`.
    RightJoin => "RIGHT JOIN",
    /// `SELECT … FOR UPDATE` and its kin.
    Locking => "FOR UPDATE",
    /// `FOR UPDATE SKIP LOCKED`.
    SkipLocked => "SKIP LOCKED",
    /// `INTERSECT` and `EXCEPT`.
    IntersectExcept => "INTERSECT and EXCEPT",
    /// `INTERSECT ALL` and `EXCEPT ALL`.
    IntersectExceptAll => "INTERSECT ALL and EXCEPT ALL",
    /// A list bound as one array parameter.
    ArrayBind => "array parameters",
    /// Enum types with a name, made by `CREATE TYPE`.
    NamedEnum => "named enum types",
    /// `ON DELETE SET DEFAULT` and `ON UPDATE SET DEFAULT`.
    SetDefault => "SET DEFAULT of foreign keys",
    /// `ON CONFLICT` with a target, as opposed to whichever unique key is hit.
    ConflictTarget => "ON CONFLICT with a target",
    /// A transaction that only reads.
    ReadOnlyTransaction => "READ ONLY transactions",
    /// `FILTER (WHERE …)` on an aggregate.
    AggregateFilter => "FILTER on aggregates",
    /// `HAVING`, of a SELECT without `GROUP BY` that reads no aggregate, or only within what windows are over.
    HavingAlone => "HAVING where no aggregate is selected, without GROUP BY",
    /// A computed expression of GROUP BY as a part of another, in HAVING and in ORDER BY; in HAVING also columns of subqueries, and two of
    /// a name. Without it, these are written as `MAX(…)`, which is the same for a group.
    GroupedParts => "computed expressions of GROUP BY within others",
    /// `CREATE TABLE` and its kin can be rolled back.
    TransactionalDdl => "transactional DDL",
    /// `DEFAULT` as a value in the rows of an INSERT.
    DefaultInValues => "DEFAULT in VALUES",
    /// Foreign keys that are added to a table which is there, and dropped from it.
    AlterForeignKeys => "ALTER TABLE … ADD FOREIGN KEY",
    /// Schemas as namespaces of tables.
    Schemas => "schemas",
    /// Jobs of one call travel together.
    Pipelining => "pipelining",
}
