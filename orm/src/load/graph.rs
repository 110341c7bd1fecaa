//! Entities with edges: `User::select().with(User::posts.with(Post::comments))`.

use std::marker::PhantomData;

use relata_core::{
    Result, dialect::Dialect, driver::BoxFuture, entity::Entity, projection::RowReader, render::Compile,
};

use super::{
    edge::{EdgeHandles, EdgeOf},
    loader::{Loader, together},
    rows::{Keys, Load, LoadHandles},
    shape::Shaped,
};
use crate::session::{Handle, Session};

/// A whole entity, without edges: the shape of itself.
pub type Whole<E> = Shaped<E>;

impl<E: Entity> LoadHandles for Whole<E> {
    type Handles = Handle<E>;

    fn attach(&self, output: E, session: &mut Session) -> Result<Handle<E>> {
        session.attach(output)
    }
}

/// An entity with edges: its rows become tuples, `(User, Vec<Post>)`.
#[derive(Debug)]
pub struct Graph<E, X> {
    edges: X,
    entity: PhantomData<fn() -> E>,
}

impl<E: Entity, X> Graph<E, X> {
    pub(super) const fn new(edges: X) -> Self {
        Graph { edges, entity: PhantomData }
    }

    pub(super) fn into_edges(self) -> X {
        self.edges
    }
}

impl<E, X: Clone> Clone for Graph<E, X> {
    fn clone(&self) -> Self {
        Graph { edges: self.edges.clone(), entity: PhantomData }
    }
}

/// Edges of one entity, and how one more is added to them.
pub trait Edges<E: Entity>: Send + Sync + 'static {
    /// What an entity becomes with what is at their ends.
    type Output: Send;

    /// For each edge, the places of the columns that it compares.
    fn columns(&self) -> Vec<&'static [usize]>;

    /// Loads them for entities whose keys come in the same order.
    ///
    /// # Errors
    ///
    /// As [`Edge::load`](super::Edge::load).
    fn assemble<'a>(
        &'a self,
        entities: Vec<E>,
        keys: Vec<Keys>,
        loader: &'a Loader,
    ) -> BoxFuture<'a, Result<Vec<Self::Output>>>;

    /// Checks each.
    ///
    /// # Errors
    ///
    /// As [`Edge::check`](super::Edge::check).
    fn check(&self, dialect: &dyn Dialect) -> Compile;
}

/// Edges whose ends a session can take in.
pub trait EdgesHandles<E: Entity>: Edges<E> {
    /// Handles in the form of the output.
    type Handles: Send;

    /// Takes it in.
    ///
    /// # Errors
    ///
    /// As reading a row again.
    fn attach(&self, output: Self::Output, session: &mut Session) -> Result<Self::Handles>;
}

/// One more edge behind others.
pub trait Append<X> {
    /// The edges with one more.
    type Output;

    /// Adds it.
    fn append(self, edge: X) -> Self::Output;
}

impl<E: Entity, X: Edges<E>> Load for Graph<E, X> {
    type Entity = E;
    type Scalars = E;
    type Output = X::Output;

    fn columns(&self) -> Vec<usize> {
        (0..E::TABLE.columns.len()).collect()
    }

    fn read(row: &mut RowReader<'_>) -> Result<E> {
        E::read(row)
    }

    fn edge_columns(&self) -> Vec<&'static [usize]> {
        self.edges.columns()
    }

    fn assemble<'a>(
        &'a self,
        scalars: Vec<E>,
        keys: Vec<Keys>,
        loader: &'a Loader,
    ) -> BoxFuture<'a, Result<Vec<X::Output>>> {
        self.edges.assemble(scalars, keys, loader)
    }

    fn check(&self, dialect: &dyn Dialect) -> Compile {
        self.edges.check(dialect)
    }
}

impl<E: Entity, X: EdgesHandles<E>> LoadHandles for Graph<E, X> {
    type Handles = X::Handles;

    fn attach(&self, output: X::Output, session: &mut Session) -> Result<X::Handles> {
        self.edges.attach(output, session)
    }
}

/// Puts what a load gives to its place.
fn fill<'a, T: Send>(
    place: &'a mut Vec<T>,
    load: BoxFuture<'a, Result<Vec<T>>>,
) -> BoxFuture<'a, Result<()>> {
    Box::pin(async move {
        *place = load.await?;
        Ok(())
    })
}

macro_rules! edges {
    ($($($name:ident $at:tt)+;)*) => {
        $(
            impl<EN: Entity, $($name: EdgeOf<EN>),+> Edges<EN> for ($($name,)+) {
                type Output = (EN, $($name::Output,)+);

                fn columns(&self) -> Vec<&'static [usize]> {
                    vec![$(self.$at.key_columns()),+]
                }

                #[allow(non_snake_case)]
                fn assemble<'a>(
                    &'a self,
                    entities: Vec<EN>,
                    keys: Vec<Keys>,
                    loader: &'a Loader,
                ) -> BoxFuture<'a, Result<Vec<Self::Output>>> {
                    Box::pin(async move {
                        let mut keys = keys.into_iter();
                        $(let mut $name = Vec::new();)+
                        together(vec![
                            $(fill(&mut $name, self.$at.load(keys.next().unwrap_or_default(), loader))),+
                        ])
                        .await?;
                        $(let mut $name = $name.into_iter();)+
                        let mut rows = Vec::with_capacity(entities.len());
                        for entity in entities {
                            // Each edge gives one output for each key, and there is a key for each entity.
                            let ($(Some($name),)+) = ($($name.next(),)+) else { break };
                            rows.push((entity, $($name,)+));
                        }
                        Ok(rows)
                    })
                }

                fn check(&self, dialect: &dyn Dialect) -> Compile {
                    $(self.$at.check(dialect)?;)+
                    Ok(())
                }
            }

            impl<EN: Entity, $($name: EdgeOf<EN> + EdgeHandles),+> EdgesHandles<EN> for ($($name,)+) {
                type Handles = (Handle<EN>, $($name::Handles,)+);

                #[allow(non_snake_case)]
                fn attach(&self, output: Self::Output, session: &mut Session) -> Result<Self::Handles> {
                    let (entity, $($name,)+) = output;
                    Ok((session.attach(entity)?, $(self.$at.attach($name, session)?,)+))
                }
            }

            impl<$($name,)+ NEXT> Append<NEXT> for ($($name,)+) {
                type Output = ($($name,)+ NEXT,);

                fn append(self, edge: NEXT) -> Self::Output {
                    ($(self.$at,)+ edge,)
                }
            }
        )*
    };
}

edges! {
    A 0;
    A 0 B 1;
    A 0 B 1 C 2;
    A 0 B 1 C 2 D 3;
    A 0 B 1 C 2 D 3 F 4;
    A 0 B 1 C 2 D 3 F 4 G 5;
    A 0 B 1 C 2 D 3 F 4 G 5 H 6;
    A 0 B 1 C 2 D 3 F 4 G 5 H 6 I 7;
}
