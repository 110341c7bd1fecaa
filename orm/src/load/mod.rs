//! Loading graphs: entities with what they are related to, one statement an edge.
//!
//! An [`Edge`] is a relationship with what to load at its end; a [`Load`] is what to load of each row: an entity, an entity
//! with edges, or a [`Shape`]. The keys that an edge needs are read along with the rows; the rows at its end are fetched by
//! those keys in one statement, and put to their parents by a hash map. Edges side by side travel together: see [`Loader`].

mod edge;
mod fetch;
mod graph;
mod loader;
mod part;
mod rows;
mod select;
mod shape;

pub use edge::{Edge, EdgeHandles, EdgeOf, To, WithEdges};
pub use graph::{Edges, Graph, Whole};
pub use loader::{Loader, together};
pub use part::{Filling, Part};
pub use rows::{Keys, Load, LoadHandles};
pub use select::{GraphSelect, LoadGraph};
pub use shape::{FromEdge, Shape, ShapeOf, Shaped};
