//! Why a statement could not be compiled.

use std::fmt;

use crate::dialect::Feature;

/// The result of rendering.
pub type Compile<T = ()> = std::result::Result<T, CompileError>;

/// Why a statement could not be turned into SQL text. No database was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CompileError(Box<Kind>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Kind {
    #[error("{dialect} has no {feature}")]
    Unsupported { dialect: &'static str, feature: Feature },
    #[error("{0}")]
    Scope(ScopeError),
    #[error("identifier {name:?} {problem}")]
    Identifier { name: String, problem: String },
    #[error("{0}")]
    Invalid(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ScopeError {
    column: String,
    source: String,
    visible: Vec<String>,
    fix: String,
}

impl fmt::Display for ScopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}.{} is not in scope: ", self.source, self.column)?;
        match self.visible.as_slice() {
            [] => f.write_str("the statement has no FROM")?,
            visible => write!(f, "the statement reads from {}", visible.join(", "))?,
        }
        write!(f, "; {}", self.fix)
    }
}

impl std::error::Error for ScopeError {}

impl CompileError {
    /// The dialect does not claim a feature.
    pub fn unsupported(dialect: &'static str, feature: Feature) -> Self {
        CompileError(Box::new(Kind::Unsupported { dialect, feature }))
    }

    pub(crate) fn scope(source: &str, column: &str, visible: Vec<String>, fix: String) -> Self {
        CompileError(Box::new(Kind::Scope(ScopeError {
            column: column.into(),
            source: source.into(),
            visible,
            fix,
        })))
    }

    /// A name that this database cannot hold.
    pub fn identifier(name: &str, problem: impl Into<String>) -> Self {
        CompileError(Box::new(Kind::Identifier { name: name.into(), problem: problem.into() }))
    }

    /// A statement that makes no sense, in words.
    pub fn invalid(why: impl Into<String>) -> Self {
        CompileError(Box::new(Kind::Invalid(why.into())))
    }

    /// The feature that the dialect lacks, if that is the reason.
    pub fn feature(&self) -> Option<Feature> {
        match &*self.0 {
            Kind::Unsupported { feature, .. } => Some(*feature),
            _ => None,
        }
    }
}
