//! The objects of the cluster as they are known, and how they are found.
use super::{
    builtin::{EndpointSlice, IngressClass, Secret, Service},
    object::{Body, Object},
    resource::{Group, Key, Kind, Resource},
};
use alloc::{collections::BTreeMap, string::String, sync::Arc, vec::Vec};

/// All objects that are looked at.
#[derive(Debug, Default)]
pub(super) struct Store {
    objects: BTreeMap<(Key, Group), Arc<Object>>,
    /// EndpointSlices by namespace and service; there in the order of their names.
    slices: BTreeMap<(Arc<str>, Arc<str>), Slices>,
}

/// EndpointSlices by name.
type Slices = BTreeMap<Arc<str>, Arc<Object>>;

/// What has become of an object.
pub(super) struct Changed {
    pub(super) old: Option<Arc<Object>>,
    pub(super) new: Option<Arc<Object>>,
}

impl Store {
    /// Puts in what is known of an object now; `None` where it is gone. Nothing comes back if that is
    /// nothing new.
    pub(super) fn put(
        &mut self,
        key: &Key,
        group: Group,
        object: Option<Arc<Object>>,
    ) -> Option<Changed> {
        let at = (key.clone(), group);
        if self.objects.get(&at) == object.as_ref() {
            return None;
        }
        let old = match &object {
            Some(object) => self.objects.insert(at, object.clone()),
            None => self.objects.remove(&at),
        };
        if key.kind == Kind::EndpointSlice {
            self.unlink(old.as_deref());
            if let Some(object) = &object
                && let Some(at) = service_of(object)
            {
                self.slices.entry(at).or_default().insert(key.name.clone(), object.clone());
            }
        }
        Some(Changed { old, new: object })
    }

    fn unlink(&mut self, slice: Option<&Object>) {
        let Some(slice) = slice else { return };
        let Some(at) = service_of(slice) else { return };
        if let Some(slices) = self.slices.get_mut(&at) {
            slices.remove(&slice.meta.name);
            if slices.is_empty() {
                self.slices.remove(&at);
            }
        }
    }

    /// The object that counts: that of our newer group where both have one.
    pub(super) fn get(&self, key: &Key) -> Option<&Arc<Object>> {
        let from = (key.clone(), Group::TraefikIo);
        let (found, object) = self.objects.range(from..).next()?;
        (found.0 == *key).then_some(object)
    }

    /// The objects of a resource, by key.
    pub(super) fn of(&self, resource: Resource) -> Vec<Key> {
        let from = (Key::new(resource.kind, "", ""), Group::TraefikIo);
        let all = self.objects.range(from..).take_while(|((key, _), _)| key.kind == resource.kind);
        let of_group = all.filter(|((_, group), _)| *group == resource.group);
        of_group.map(|((key, _), _)| key.clone()).collect()
    }

    pub(super) fn service(&self, key: &Key) -> Found<'_, Service> {
        self.find(key, |body| if let Body::Service(it) = body { Some(it) } else { None })
    }

    pub(super) fn secret(&self, key: &Key) -> Found<'_, Secret> {
        self.find(key, |body| if let Body::Secret(it) = body { Some(it) } else { None })
    }

    pub(super) fn ingress_class(&self, key: &Key) -> Found<'_, IngressClass> {
        self.find(key, |body| if let Body::IngressClass(it) = body { Some(it) } else { None })
    }

    /// The slices of a service that can be read, in the order of their names.
    pub(super) fn slices<'a>(
        &'a self,
        service: &Key,
    ) -> impl Iterator<Item = &'a EndpointSlice> + use<'a> {
        let at = (service.namespace.clone(), service.name.clone());
        self.slices.get(&at).into_iter().flat_map(BTreeMap::values).filter_map(|slice| match &slice
            .body
        {
            Ok(Body::EndpointSlice(slice)) => Some(slice),
            _ => None,
        })
    }

    fn find<T>(&self, key: &Key, of: fn(&Body) -> Option<&T>) -> Found<'_, T> {
        let Some(object) = self.get(key) else { return Found::Missing };
        match &object.body {
            Ok(body) => of(body).map_or(Found::Missing, |it| Found::There(it, object)),
            Err(broken) => Found::Broken(broken.line()),
        }
    }
}

/// What came of looking for an object.
pub(super) enum Found<'a, T> {
    There(&'a T, &'a Object),
    Missing,
    /// It cannot be read.
    Broken(String),
}

/// Namespace and name of the service that a slice belongs to.
pub(super) fn service_of(slice: &Object) -> Option<(Arc<str>, Arc<str>)> {
    Some((slice.meta.namespace.clone(), slice.service_of_slice()?.into()))
}
