//! Lists, maps and structs, one element at a time.
use super::{Decoder, Error, Ignored, Reason, Step};
use crate::{
    diagnostic::Place,
    tree::{Key, Node, Value},
};
use alloc::string::ToString;
use core::{iter::Enumerate, slice::Iter};
use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess};

/// A list's items.
pub(super) struct Items<'a> {
    list: Decoder<'a>,
    items: Enumerate<Iter<'a, Node>>,
}

impl<'a> Items<'a> {
    pub(super) fn new<'b: 'a>(list: Decoder<'b>, items: &'a [Node]) -> Self {
        Self { list, items: items.iter().enumerate() }
    }
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some((index, node)) = self.items.next() else { return Ok(None) };
        let path = self.list.path.then(Step::Index(index));
        let item = self.list.child(node, &path);
        item.located(seed.deserialize(item)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// A map with names that keep their case.
pub(super) struct Entries<'a> {
    map: Decoder<'a>,
    entries: Iter<'a, (Key, Node)>,
    current: Option<&'a (Key, Node)>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(map: Decoder<'a>, entries: &'a [(Key, Node)]) -> Self {
        Self { map, entries: entries.iter(), current: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.current = self.entries.next();
        let Some((key, _)) = self.current else { return Ok(None) };
        seed.deserialize(key.name.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        value(self.map, self.current, false, seed)
    }
}

/// A struct: fields in any case, the rest reported.
pub(super) struct Fields<'a> {
    section: Decoder<'a>,
    entries: Iter<'a, (Key, Node)>,
    fields: &'static [&'static str],
    current: Option<&'a (Key, Node)>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(
        section: Decoder<'a>,
        entries: &'a [(Key, Node)],
        fields: &'static [&'static str],
    ) -> Self {
        Self { section, entries: entries.iter(), fields, current: None }
    }

    fn ignore(&self, name: &str, place: &Place, reason: Reason) {
        let path = self.section.path.then(Step::Name(name)).to_string();
        let ignored = Ignored { path, place: place.clone(), reason };
        self.section.context.ignored.borrow_mut().push(ignored);
    }
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        while let Some(entry) = self.entries.next() {
            let (key, node) = entry;
            let Some(field) = self.fields.iter().find(|field| key.is(field)) else {
                self.ignore(&key.name, &key.place, Reason::Unknown);
                continue;
            };
            if node.value == Value::Null {
                self.ignore(field, &key.place, Reason::Empty);
                continue;
            }
            if self.section.context.off.borrow().contains(&core::ptr::from_ref(node)) {
                continue;
            }
            self.current = Some(entry);
            return seed.deserialize((*field).into_deserializer()).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        value(self.section, self.current, true, seed)
    }
}

fn value<'de, V: DeserializeSeed<'de>>(
    parent: Decoder<'_>,
    entry: Option<&(Key, Node)>,
    field: bool,
    seed: V,
) -> Result<V::Value, Error> {
    let Some((key, node)) = entry else {
        return Err(Error::new("a value was asked for before its key".to_string()));
    };
    let path = parent.path.then(Step::Name(&key.name));
    let option = Decoder { field, ..parent.child(node, &path) };
    option.located(seed.deserialize(option))
}
