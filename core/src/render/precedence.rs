//! How tightly operators bind, loosest first.

/// How tightly an expression binds. An operand that binds no tighter than its operator gets parentheses.
///
/// The three databases agree on this order, except where noted in their dialects (SQL:2016 Foundation 6.29 and 6.39;
/// PostgreSQL manual 4.1.6; MySQL 8.4 manual 14.4.1; SQLite "Operators").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precedence {
    /// Whole expressions, as in a list.
    Lowest,
    /// `OR`.
    Or,
    /// `AND`.
    And,
    /// `NOT`.
    Not,
    /// `=`, `<`, `LIKE`, `IN`, `BETWEEN`, `IS`.
    Comparison,
    /// `||` and other operators.
    Other,
    /// `+` and `-`.
    Additive,
    /// `*`, `/`, `%`.
    Multiplicative,
    /// Unary minus.
    Unary,
    /// Columns, binds, function calls: never parenthesised.
    Primary,
}
