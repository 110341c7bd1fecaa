//! A stand-in: only what the code of the derives names.

pub use relata_core::*;
pub use relata_macros::*;

/// What users import.
pub mod prelude {
    pub use relata_core::{
        entity::{Entity, InsertableExt},
        expr::{Operators, count},
        relationship::Relationship,
        statement::{insert, select},
    };
    pub use relata_macros::*;
}

#[doc(hidden)]
pub mod __private {
    pub use relata_core as core;

    use relata_core::{
        entity::{Entity, Input},
        types::Type,
        value::Value,
    };
    use std::marker::PhantomData;

    #[derive(Debug)]
    pub struct Ref<E, T>(T, PhantomData<fn() -> E>);

    impl<E, T: Clone> Clone for Ref<E, T> {
        fn clone(&self) -> Self {
            Ref(self.0.clone(), PhantomData)
        }
    }

    impl<E: Entity, T: Type> From<T> for Ref<E, T> {
        fn from(key: T) -> Self {
            Ref(key, PhantomData)
        }
    }

    pub trait RefInput: Sized {
        fn into_input(self) -> Input;
        fn to_input(&self) -> Input;
    }

    impl<E: Entity, T: Type> RefInput for Ref<E, T> {
        fn into_input(self) -> Input {
            Input::Value(self.0.into_value())
        }

        fn to_input(&self) -> Input {
            Input::Value(self.0.to_value())
        }
    }

    impl<E: Entity, T: Type> RefInput for Option<Ref<E, T>> {
        fn into_input(self) -> Input {
            self.map_or(Input::Value(Value::Null(T::KIND)), RefInput::into_input)
        }

        fn to_input(&self) -> Input {
            self.as_ref().map_or(Input::Value(Value::Null(T::KIND)), RefInput::to_input)
        }
    }
}
