//! The serde face of a node: one method per kind of type that is asked for.
use super::{
    Decoder, Error,
    access::{Entries, Fields, Items},
};
use crate::tree::{DEPTH_MAX, Node, Value};
use alloc::{
    borrow::Cow,
    format,
    string::{String, ToString},
    vec::Vec,
};
use serde::de::{Deserializer, IntoDeserializer, Visitor};

/// Characters of a wrong value that an error shows.
const SHOWN_MAX: usize = 60;

/// A scalar as text, shortened; none for anything else.
pub(super) fn shown(value: &Value) -> Option<String> {
    let text = text(value)?;
    let short: String = text.chars().take(SHOWN_MAX).collect();
    Some(if short.len() < text.len() { format!("{short}…") } else { short })
}

fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Text(text) => Some(Cow::Borrowed(text)),
        Value::Bool(truth) => Some(Cow::Borrowed(if *truth { "true" } else { "false" })),
        Value::Int(number) => Some(Cow::Owned(number.to_string())),
        Value::Float(number) => Some(Cow::Owned(number.to_string())),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

/// A list from text with commas.
fn split(node: &Node, text: &str) -> Vec<Node> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let item = |item: &str| Node {
        value: Value::Text(item.trim().to_string()),
        place: node.place.clone(),
    };
    text.split(',').map(item).collect()
}

macro_rules! whole {
    ($($method:ident $visit:ident $type:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let number = self.whole(i128::from($type::MIN), i128::from($type::MAX))?;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
            self.located(visitor.$visit(number as $type))
        }
    )*};
}

impl<'de> Deserializer<'de> for Decoder<'_> {
    type Error = Error;

    whole! {
        deserialize_i8 visit_i8 i8
        deserialize_i16 visit_i16 i16
        deserialize_i32 visit_i32 i32
        deserialize_i64 visit_i64 i64
        deserialize_u8 visit_u8 u8
        deserialize_u16 visit_u16 u16
        deserialize_u32 visit_u32 u32
        deserialize_u64 visit_u64 u64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Null => self.located(visitor.visit_unit()),
            Value::Bool(truth) => self.located(visitor.visit_bool(*truth)),
            Value::Int(number) => self.located(visitor.visit_i64(*number)),
            Value::Float(number) => self.located(visitor.visit_f64(*number)),
            Value::Text(text) => self.located(visitor.visit_str(text)),
            Value::List(_) => self.deserialize_seq(visitor),
            Value::Map(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        // A bare flag and an empty variable switch on.
        let empty = matches!(&self.node.value, Value::Text(text) if text.is_empty());
        let truth = if empty { Some(true) } else { self.node.value.truth() };
        self.located(visitor.visit_bool(truth.ok_or_else(|| self.mismatch("true or false"))?))
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.located(visitor.visit_f64(self.fraction()?))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.node.value == Value::Null {
            return self.located(visitor.visit_str(""));
        }
        let text = text(&self.node.value).ok_or_else(|| self.mismatch("text"))?;
        self.located(visitor.visit_str(&text))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.value {
            Value::Null => visitor.visit_none(),
            Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Map(_) => visitor.visit_some(Self { optional: self.field, ..self }),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.located(visitor.visit_newtype_struct(self))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.path.depth > DEPTH_MAX {
            return Err(self.mismatch("less nesting"));
        }
        let split: Vec<Node>;
        let items = match &self.node.value {
            Value::List(items) => items.as_slice(),
            Value::Text(text) => {
                split = self::split(self.node, text);
                &split
            }
            Value::Null => &[],
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => core::slice::from_ref(self.node),
            Value::Map(_) => return Err(self.mismatch("a list")),
        };
        self.located(visitor.visit_seq(Items::new(self, items)))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.path.depth > DEPTH_MAX {
            return Err(self.mismatch("less nesting"));
        }
        match &self.node.value {
            Value::Map(entries) => self.located(visitor.visit_map(Entries::new(self, entries))),
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::List(_) => match self.switch() {
                Some(true) => self.located(visitor.visit_map(Entries::new(self, &[]))),
                Some(false) | None => Err(self.mismatch("a section with names")),
            },
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.path.depth > DEPTH_MAX {
            return Err(self.mismatch("less nesting"));
        }
        if let Value::Map(entries) = &self.node.value {
            return self.located(visitor.visit_map(Fields::new(self, entries, fields)));
        }
        match self.switch() {
            Some(true) => self.located(visitor.visit_map(Fields::new(self, &[], fields))),
            Some(false) if self.optional => {
                self.context.off.borrow_mut().push(self.node);
                Err(self.mismatch("a section"))
            }
            Some(false) | None => Err(self.mismatch("a section")),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let word = text(&self.node.value).unwrap_or_default();
        match variants.iter().find(|variant| variant.eq_ignore_ascii_case(&word)) {
            Some(variant) => self.located(visitor.visit_enum((*variant).into_deserializer())),
            None => Err(self.mismatch(&format!("one of {}", variants.join(", ")))),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}
