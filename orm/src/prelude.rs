//! What most programs use: `use relata::prelude::*;`.

#[cfg(feature = "json")]
pub use crate::types::Json;
pub use crate::{
    EngineExt as _, Error, ErrorClass, Execute as _, Executor, Fetch as _, FetchSelect as _, Schema,
    clause::recursive,
    entity::{Entity, Insertable as _, InsertableExt as _},
    expr::{
        Alias, Column, Expr, Operators as _, abs, all_of, any_of, avg, case, cast, char_length, coalesce,
        count, count_all, count_distinct, count_where, excluded, exists, lower, max, min, not, not_exists,
        now, nullif, over, raw, row_number, scalar, sum, trim, upper, val, window,
    },
    load::{LoadGraph as _, Shape, WithEdges as _},
    relationship::Relationship as _,
    session::{Handle, Ref, Session},
    statement::{Insert, Select, delete, insert, insert_many, insert_select, select, sql, update},
    transaction::{Isolation, TransactionOptions},
    types::Type,
};
pub use relata_macros::{Entity, Enum, Row, Shape, Type};
pub use relata_pool::{Connection, Engine, Recorder, Transaction};
