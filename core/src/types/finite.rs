//! Whether a value holds a float that JSON has no number for: NaN or an infinity (RFC 8259, 6). `serde_json` writes `null` for it, which
//! is another value.

use std::fmt;

use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// Whether all floats in a value are numbers of JSON.
pub(super) fn is_finite<T: Serialize + ?Sized>(value: &T) -> bool {
    value.serialize(Finite).is_ok()
}

/// Writes nothing, and fails at the first such float.
struct Finite;

#[derive(Debug, thiserror::Error)]
#[error("no JSON")]
struct NoJson;

impl ser::Error for NoJson {
    fn custom<T: fmt::Display>(_: T) -> Self {
        NoJson
    }
}

type Outcome = Result<(), NoJson>;

fn finite(is_finite: bool) -> Outcome {
    if is_finite { Ok(()) } else { Err(NoJson) }
}

macro_rules! harmless {
    ($($name:ident($($argument:ty),*);)*) => {
        $(fn $name(self, $(_: $argument),*) -> Outcome {
            Ok(())
        })*
    };
}

macro_rules! parts {
    ($($name:ident($($argument:ty),*);)*) => {
        $(fn $name(self, $(_: $argument),*) -> Result<Finite, NoJson> {
            Ok(self)
        })*
    };
}

impl Serializer for Finite {
    type Ok = ();
    type Error = NoJson;
    type SerializeSeq = Finite;
    type SerializeTuple = Finite;
    type SerializeTupleStruct = Finite;
    type SerializeTupleVariant = Finite;
    type SerializeMap = Finite;
    type SerializeStruct = Finite;
    type SerializeStructVariant = Finite;

    fn serialize_f32(self, v: f32) -> Outcome {
        finite(v.is_finite())
    }

    fn serialize_f64(self, v: f64) -> Outcome {
        finite(v.is_finite())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Outcome {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Outcome {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Outcome {
        value.serialize(self)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Outcome {
        Ok(())
    }

    harmless! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    parts! {
        serialize_seq(Option<usize>);
        serialize_tuple(usize);
        serialize_tuple_struct(&'static str, usize);
        serialize_tuple_variant(&'static str, u32, &'static str, usize);
        serialize_map(Option<usize>);
        serialize_struct(&'static str, usize);
        serialize_struct_variant(&'static str, u32, &'static str, usize);
    }
}

macro_rules! each_part {
    ($($parts:ident: $($name:ident($($argument:ty)?)),+;)*) => {
        $(impl $parts for Finite {
            type Ok = ();
            type Error = NoJson;

            $(fn $name<T: Serialize + ?Sized>(&mut self, $(_: $argument,)? value: &T) -> Outcome {
                value.serialize(Finite)
            })+

            fn end(self) -> Outcome {
                Ok(())
            }
        })*
    };
}

each_part! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeMap: serialize_key(), serialize_value();
    SerializeStruct: serialize_field(&'static str);
    SerializeStructVariant: serialize_field(&'static str);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_float_is_found_wherever_it_is() {
        let held =
            |a: f64, b: f64, c: f32| is_finite(&(Some("one"), vec![Some(a)], BTreeMap::from([(7, [b])]), c));
        assert!(held(1.0, f64::MAX, 0.5));
        for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(!held(wrong, 1.0, 1.0));
            assert!(!held(1.0, wrong, 1.0));
            assert!(!held(1.0, 1.0, wrong as f32));
        }
    }
}
