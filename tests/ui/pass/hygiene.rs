//! Whatever else is in scope, the code of the derives means the same.

#![deny(warnings, missing_docs)]
#![allow(dead_code, non_camel_case_types, unreachable_pub)]

/// Names that the code could trip over.
pub mod odd {
    use ::relata as renamed;

    macro_rules! names {
        ($($name:ident)*) => { $(struct $name;)* };
    }
    names! { Option Some None Result Ok Err String Vec Table Column Value Cell Input Kind Type Entity Row core std }

    const TABLE: i64 = 1;
    const LINKS: i64 = 1;

    /// An entity.
    #[derive(renamed::Entity)]
    #[entity(crate = "renamed", table = "odd table", belongs_to(this: Odd, key = link), has_many(those: Odd, key = link))]
    pub struct Odd {
        #[column(primary_key, default_sql = "'x'")]
        row: ::std::string::String,
        #[column(references = Odd::row)]
        link: ::core::option::Option<::std::string::String>,
        #[column(name = "select")]
        column: i64,
        cell: i64,
        key: i64,
        value: i64,
        r#type: i64,
        #[column(version)]
        read: i64,
    }

    /// An enum.
    #[derive(renamed::Enum)]
    #[enumeration(crate = "renamed")]
    pub enum Words {
        /// A word.
        Some,
        /// Another one.
        None,
        /// A word with braces.
        #[enumeration(rename = "{a}")]
        Ok,
    }

    /// A type.
    #[derive(renamed::Type)]
    #[newtype(crate = "renamed")]
    pub struct Number(i64);

    /// A row.
    #[derive(renamed::Row)]
    #[row(crate = "renamed")]
    pub struct Line<T>
    where
        T: renamed::types::Type,
    {
        row: T,
    }
}

pub(crate) fn main() {
    #[derive(relata::Entity)]
    struct Local {
        #[column(primary_key)]
        id: i64,
    }
    let _ = (Local::id, NewLocal {});
}
