//! The whole configuration, put together from what every object adds.
use super::{few::Few, resource::Key};
use crate::{
    config::{Configuration, Definitions},
    diagnostic::Kind,
};
use alloc::{collections::BTreeMap, sync::Arc};

/// The configuration in force, and who added what.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    pub(super) configuration: Arc<Configuration>,
    /// Those who define an object; they all say the same of it.
    owners: BTreeMap<(Kind, Arc<str>), Few<Key>>,
}

impl Assembly {
    /// Who defines an object.
    pub(super) fn owners(&self, kind: Kind, name: &str) -> impl Iterator<Item = &Key> {
        self.owners.get(&(kind, Arc::from(name))).into_iter().flatten()
    }

    /// Puts `new` in the place of what `unit` had added. Returns whether anything is different.
    pub(super) fn replace(&mut self, unit: &Key, old: &Configuration, new: &Configuration) -> bool {
        macro_rules! sections {
            ($($kind:ident $section:ident $field:ident,)*) => {
                $(self.section(
                    (unit, Kind::$kind),
                    [&old.$section.$field, &new.$section.$field],
                    |of| &of.$section.$field,
                    |of| &mut of.$section.$field,
                ))|*
            };
        }
        sections! {
            Router http routers,
            Service http services,
            Middleware http middlewares,
            ServersTransport http servers_transports,
            TcpRouter tcp routers,
            TcpService tcp services,
            UdpRouter udp routers,
            UdpService udp services,
            Certificate tls certificates,
            TlsOptions tls options,
            TlsStore tls stores,
        }
    }

    fn section<T: PartialEq>(
        &mut self,
        (unit, kind): (&Key, Kind),
        [old, new]: [&Definitions<T>; 2],
        of: fn(&Configuration) -> &Definitions<T>,
        of_mut: fn(&mut Configuration) -> &mut Definitions<T>,
    ) -> bool {
        let mut is_changed = false;
        for name in old.keys().filter(|name| !new.contains_key(name)) {
            let at = (kind, name.clone());
            let owners = self.owners.entry(at.clone()).or_default();
            owners.remove(unit);
            if owners.is_empty() {
                self.owners.remove(&at);
                of_mut(Arc::make_mut(&mut self.configuration)).remove(name);
                is_changed = true;
            }
        }
        for (name, defined) in new {
            if !old.contains_key(name) {
                self.owners.entry((kind, name.clone())).or_default().insert(unit.clone());
            }
            if of(&self.configuration).get(name) != Some(defined) {
                let definitions = of_mut(Arc::make_mut(&mut self.configuration));
                definitions.insert(name.clone(), defined.clone());
                is_changed = true;
            }
        }
        is_changed
    }
}
