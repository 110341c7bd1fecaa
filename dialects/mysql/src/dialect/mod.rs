//! How MySQL and MariaDB spell SQL, where they differ from the standard or from each other.

mod assignment;
mod clause;
mod ddl;
mod expression;
mod types;

use relata_core::{
    clause::Clause,
    ddl::{Ddl, Named},
    dialect::{Dialect, Feature},
    expr::Expression,
    render::{Compile, Renderer, render_literal},
    schema::ColumnType,
    transaction::TransactionOptions,
    value::{EnumType, Kind, Value},
};

use crate::server::{Product, Server};

/// What begins a transaction.
pub(crate) const BEGIN: &str = "START TRANSACTION";

/// The dialect of MySQL and MariaDB.
///
/// The driver makes one from what the server says of itself. To look at statements without a server:
///
/// ```
/// use relata_core::{expr::{Operators, val}, render::Statement, statement::select};
/// use relata_mysql::{Mysql, Server};
///
/// let dialect = Mysql::new(Server::MYSQL);
/// let statement = select(val("a".to_string()).concat("b")).offset(5);
/// assert_eq!(statement.compile(&dialect)?.sql, "SELECT CONCAT(?, ?) LIMIT 9223372036854775807 OFFSET 5");
/// # Ok::<(), relata_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mysql {
    server: Server,
}

impl Mysql {
    /// The dialect of a server.
    pub const fn new(server: Server) -> Self {
        Mysql { server }
    }

    /// The server that it is for.
    pub fn server(&self) -> Server {
        self.server
    }
}

impl Dialect for Mysql {
    fn name(&self) -> &'static str {
        match self.server.product {
            Product::Mysql => "MySQL",
            Product::MariaDb => "MariaDB",
        }
    }

    fn supports(&self, feature: Feature) -> bool {
        let server = &self.server;
        match feature {
            // MariaDB KB, "INSERT...RETURNING" (10.5) and "DELETE". MySQL has neither, and nobody UPDATE … RETURNING.
            Feature::InsertReturning => server.is_mariadb() && server.is_at_least(10, 5, 0),
            Feature::DeleteReturning => server.is_mariadb(),
            // MySQL 8.4 manual 15.2.8 and 15.2.4, both from 8.0.31; MariaDB KB, "INTERSECT" and "EXCEPT": 10.3, ALL 10.5.
            Feature::IntersectExcept if server.is_mariadb() => server.is_at_least(10, 3, 0),
            Feature::IntersectExceptAll if server.is_mariadb() => server.is_at_least(10, 5, 0),
            Feature::IntersectExcept | Feature::IntersectExceptAll => server.is_at_least(8, 0, 31),
            // MySQL 8.4 manual 15.2.13; MariaDB KB, "SELECT": from 10.6.
            Feature::SkipLocked => !server.is_mariadb() || server.is_at_least(10, 6, 0),
            Feature::RightJoin
            | Feature::Locking
            | Feature::ReadOnlyTransaction
            | Feature::AggregateFilter
            | Feature::HavingAlone
            | Feature::DefaultInValues
            | Feature::AlterForeignKeys
            // A schema is a database here (MySQL 8.4 manual, Glossary, "schema").
            | Feature::Schemas => true,
            _ => false,
        }
    }

    fn render_type(&self, ty: &ColumnType, out: &mut Renderer<'_>) -> Compile {
        types::render(self, ty, out)
    }

    fn render_cast_type(&self, ty: &ColumnType, out: &mut Renderer<'_>) -> Compile {
        types::render_cast(self, ty, out)
    }

    fn render_now(&self, ty: &ColumnType, out: &mut Renderer<'_>) {
        // CURRENT_TIMESTAMP and its kin are in the zone of the session, and what is stored is in UTC. As a default, an expression
        // stands in parentheses (MySQL 8.4 manual 13.6). Microseconds are said, or there are none (14.7, UTC_TIMESTAMP).
        out.sql(match ty.kind {
            Kind::Date => "(UTC_DATE())",
            Kind::Time => "(UTC_TIME(6))",
            _ => "(UTC_TIMESTAMP(6))",
        });
    }

    fn stores_enum_natively(&self, ty: &EnumType) -> bool {
        // A type of the column, without a name of its own (MySQL 8.4 manual 13.3.6).
        ty.native
    }

    fn quote(&self) -> char {
        '`'
    }

    // MySQL 8.4 manual 11.2.1; MariaDB KB, "Identifier Names".
    fn max_identifier(&self) -> usize {
        64
    }

    fn identifier_limit_in_bytes(&self) -> bool {
        false
    }

    // MySQL 8.4 manual 11.2: MySQL makes `?` of them, so that two names are one; MariaDB refuses them.
    fn identifiers_in_all_planes(&self) -> bool {
        false
    }

    // MySQL 8.4 manual 15.1.20.5 and 15.1.20.6; InnoDB of MariaDB has foreign keys so as well.
    fn is_named_in_schema(&self, named: Named) -> bool {
        named == Named::ForeignKey || (named == Named::Check && !self.server.is_mariadb())
    }

    // The protocol counts parameters in 16 bits (MySQL source documentation, COM_STMT_PREPARE_OK).
    fn max_binds(&self) -> usize {
        65_535
    }

    /// One of a few sizes, so that few statements are prepared.
    fn insert_batch(&self, columns: usize) -> usize {
        let most = self.max_binds() / columns.max(1);
        [1000, 500, 200, 100, 50, 20, 10].into_iter().find(|size| *size <= most).unwrap_or(1)
    }

    // MySQL 8.4 manual 11.1.1. The connection never sets NO_BACKSLASH_ESCAPES.
    fn write_literal(&self, sql: &mut String, text: &str) {
        sql.push('\'');
        for character in text.chars() {
            match character {
                '\'' => sql.push_str("''"),
                '\\' => sql.push_str("\\\\"),
                '\0' => sql.push_str("\\0"),
                other => sql.push(other),
            }
        }
        sql.push('\'');
    }

    // UUIDs are bytes, and instants have no zone: they are in UTC.
    fn render_literal(&self, value: &Value, out: &mut Renderer<'_>) -> Compile {
        match value {
            Value::Uuid(bytes) => render_literal(&Value::Bytes(bytes.to_vec()), out),
            Value::TimestampTz(micros) => render_literal(&Value::Timestamp(*micros), out),
            value => render_literal(value, out),
        }
    }

    fn render_expression<'s>(&'s self, expression: &'s Expression, out: &mut Renderer<'s>) -> Compile {
        expression::render(self, expression, out)
    }

    fn render_clause<'s>(&'s self, clause: Clause<'s>, out: &mut Renderer<'s>) -> Compile {
        clause::render(self, clause, out)
    }

    fn render_ddl<'s>(&'s self, ddl: &'s Ddl, out: &mut Renderer<'s>) -> Compile {
        ddl::render(self, ddl, out)
    }

    // MySQL 8.4 manual 19.1.6.2: a server of a group may count in steps.
    fn generated_key_step(&self) -> Option<&'static str> {
        Some("SELECT @@auto_increment_increment")
    }

    // The level is set for the next transaction by a statement of its own (MySQL 8.4 manual 15.3.7 and 15.3.1).
    fn begin(&self, options: &TransactionOptions) -> Compile<Vec<String>> {
        let mut texts = Vec::new();
        if let Some(isolation) = options.isolation {
            texts.push(format!("SET TRANSACTION ISOLATION LEVEL {}", isolation.as_sql()));
        }
        let read_only = if options.read_only { " READ ONLY" } else { "" };
        texts.push(format!("{BEGIN}{read_only}"));
        Ok(texts)
    }
}
