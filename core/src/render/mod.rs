//! From a tree to SQL text and binds.
//!
//! The [`Renderer`] owns quoting, placeholders, separators, parentheses and scope; constructs say what to write, in the
//! order of the SQL. No construct pushes a quote mark or counts parameters. The [`Compiler`] writes what is alike once.

mod bind;
mod cache_key;
mod compiler;
mod error;
mod identifier;
mod literal;
mod number;
mod precedence;
mod renderer;
mod scope;

pub use bind::{Bind, InputColumn};
pub use cache_key::CacheKey;
pub use compiler::Compiler;
pub use error::{Compile, CompileError};
pub use literal::{hex, hyphenated, render_literal};
pub use number::write_number;
pub use precedence::Precedence;
pub use renderer::{Compiled, Renderer, Statement};
pub use scope::Scope;
