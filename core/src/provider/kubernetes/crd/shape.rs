//! What can be written for a type, found by reading one: a deserializer that has no document, gives
//! every field something, and notes what it was asked for.
use alloc::{
    borrow::ToOwned,
    boxed::Box,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};

/// What a value looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Bool,
    Integer,
    Number,
    Text,
    /// A whole number, or text.
    IntegerOrText,
    List(Box<Self>),
    /// Any names.
    Map(Box<Self>),
    /// These names.
    Object(Vec<(String, Self)>),
}

/// What can be written for a `T`.
///
/// # Errors
/// `T` asks for something that has no shape.
pub(super) fn shape_of<T: DeserializeOwned>() -> Result<Shape, Error> {
    let mut shape = None;
    T::deserialize(Tracer { shape: &mut shape })?;
    shape.ok_or_else(|| Error("nothing was asked for".to_owned()))
}

/// Why a type has no shape.
#[derive(Debug)]
pub(super) struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Notes the shape of one value.
struct Tracer<'a> {
    shape: &'a mut Option<Shape>,
}

macro_rules! scalars {
    ($($method:ident $visit:ident $value:expr, $shape:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            *self.shape = Some(Shape::$shape);
            visitor.$visit($value)
        }
    )*};
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = Error;

    scalars! {
        deserialize_any visit_str "1s", IntegerOrText;
        deserialize_bool visit_bool false, Bool;
        deserialize_i8 visit_i8 1, Integer;
        deserialize_i16 visit_i16 1, Integer;
        deserialize_i32 visit_i32 1, Integer;
        deserialize_i64 visit_i64 1, Integer;
        deserialize_u8 visit_u8 1, Integer;
        deserialize_u16 visit_u16 1, Integer;
        deserialize_u32 visit_u32 1, Integer;
        deserialize_u64 visit_u64 1, Integer;
        deserialize_f32 visit_f32 1.0, Number;
        deserialize_f64 visit_f64 1.0, Number;
        deserialize_str visit_str "", Text;
        deserialize_string visit_str "", Text;
        deserialize_identifier visit_str "", Text;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut item = One { shape: None, is_over: false };
        let value = visitor.visit_seq(&mut item)?;
        *self.shape = Some(Shape::List(Box::new(item.shape.unwrap_or(Shape::Text))));
        Ok(value)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut entry = One { shape: None, is_over: false };
        let value = visitor.visit_map(&mut entry)?;
        *self.shape = Some(Shape::Map(Box::new(entry.shape.unwrap_or(Shape::Text))));
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let mut object = Fields { rest: fields, shapes: Vec::new() };
        let value = visitor.visit_map(&mut object)?;
        *self.shape = Some(Shape::Object(object.shapes));
        Ok(value)
    }

    serde::forward_to_deserialize_any! {
        char bytes byte_buf unit unit_struct tuple tuple_struct enum ignored_any
    }
}

/// One item of a list, or one entry of a map.
struct One {
    shape: Option<Shape>,
    is_over: bool,
}

impl<'de> SeqAccess<'de> for &mut One {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if core::mem::replace(&mut self.is_over, true) {
            return Ok(None);
        }
        seed.deserialize(Tracer { shape: &mut self.shape }).map(Some)
    }
}

impl<'de> MapAccess<'de> for &mut One {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        if core::mem::replace(&mut self.is_over, true) {
            return Ok(None);
        }
        seed.deserialize("name".into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Tracer { shape: &mut self.shape })
    }
}

/// All fields of a struct, in their order.
struct Fields {
    rest: &'static [&'static str],
    shapes: Vec<(String, Shape)>,
}

impl<'de> MapAccess<'de> for &mut Fields {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some(name) = self.rest.first() else { return Ok(None) };
        seed.deserialize((*name).into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let Some((name, rest)) = self.rest.split_first() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        self.rest = rest;
        let mut shape = None;
        let value = seed.deserialize(Tracer { shape: &mut shape })?;
        let shape = shape.ok_or_else(|| Error((*name).to_owned() + " has no shape"))?;
        self.shapes.push(((*name).to_owned(), shape));
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::scalar::Duration;
    use alloc::collections::BTreeMap;
    use serde::Deserialize;

    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    #[allow(dead_code, reason = "only its shape counts")]
    struct Options {
        is_on: bool,
        count: Option<i64>,
        names: Vec<String>,
        wait: Duration,
        labels: BTreeMap<String, u16>,
        inner: Option<Inner>,
    }

    #[derive(Default, Deserialize)]
    #[serde(default)]
    #[allow(dead_code, reason = "only its shape counts")]
    struct Inner {
        share: f64,
    }

    #[test]
    fn a_type_has_the_shape_of_what_can_be_written_for_it() {
        let shape = shape_of::<Options>().unwrap();
        let list = |of| Shape::List(Box::new(of));
        let field = |name: &str, shape| (name.to_owned(), shape);
        let expected = [
            field("isOn", Shape::Bool),
            field("count", Shape::Integer),
            field("names", list(Shape::Text)),
            field("wait", Shape::IntegerOrText),
            field("labels", Shape::Map(Box::new(Shape::Integer))),
            field("inner", Shape::Object([field("share", Shape::Number)].into())),
        ];
        assert_eq!(shape, Shape::Object(expected.into()));
    }
}
