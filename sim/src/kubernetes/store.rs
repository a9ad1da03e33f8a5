//! What an API server keeps: objects, and for a while what happened to them. Pure: no time, no network.
//!
//! As the API conventions have it: one counter gives every change its `resourceVersion`; a list is what
//! was there at one version, also over several pages; a watch tells every change after a version, or that
//! it is forgotten (410).
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// A refusal, as the API has it: `Status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its status of HTTP.
    pub code: u16,
    /// A word for machines.
    pub reason: &'static str,
    /// For people.
    pub message: String,
}

impl Refusal {
    /// With these words.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into() }
    }

    /// The version is forgotten.
    #[must_use]
    pub fn gone() -> Self {
        Self::new(410, "Expired", "too old resource version")
    }

    /// As an object.
    #[must_use]
    pub fn status(&self) -> Value {
        let Self { code, reason, message } = self;
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "code": code, "reason": reason, "message": message})
    }
}

/// Which objects a list or watch is about.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// `apiVersion/plural`
    pub resource: String,
    /// None: all.
    pub namespace: Option<String>,
    /// Labels and their values.
    pub labels: Vec<(String, String)>,
    /// Paths, values, and whether they are to be equal.
    pub fields: Vec<(String, String, bool)>,
}

impl Filter {
    fn takes(&self, key: &Key, object: &Value) -> bool {
        let label =
            |(name, value): &(String, String)| object["metadata"]["labels"][name] == **value;
        let field = |(path, value, equal): &(String, String, bool)| {
            let found = path.split('.').fold(object, |at, name| &at[name]);
            (found.as_str().unwrap_or_default() == value) == *equal
        };
        key.resource == self.resource
            && self.namespace.as_ref().is_none_or(|it| *it == key.namespace)
            && self.labels.iter().all(label)
            && self.fields.iter().all(field)
    }
}

/// What an object is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// `apiVersion/plural`
    pub resource: String,
    /// Empty: the resource is in none.
    pub namespace: String,
    /// Its name there.
    pub name: String,
}

#[derive(Debug)]
struct Change {
    version: u64,
    key: Key,
    before: Option<Value>,
    after: Option<Value>,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Of the whole list.
    pub version: u64,
    /// For the rest; empty: there is none.
    pub token: String,
    /// The objects.
    pub items: Vec<Value>,
}

/// The objects.
#[derive(Debug)]
pub struct Store {
    objects: BTreeMap<Key, Value>,
    version: u64,
    changes: VecDeque<Change>,
    /// So many changes are remembered.
    window: usize,
    /// What happened up to this version is forgotten.
    forgotten: u64,
    created: u64,
}

impl Store {
    /// An empty one that remembers so many changes.
    #[must_use]
    pub const fn new(window: usize) -> Self {
        Self {
            objects: BTreeMap::new(),
            version: 1,
            changes: VecDeque::new(),
            window,
            forgotten: 1,
            created: 0,
        }
    }

    /// The version of the latest change.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Forgets everything that happened before now.
    pub fn compact(&mut self) {
        self.changes.clear();
        self.forgotten = self.version;
    }

    /// An object.
    ///
    /// # Errors
    /// 404
    pub fn get(&self, key: &Key) -> Result<&Value, Refusal> {
        let missing = || Refusal::new(404, "NotFound", format!("{} not found", key.name));
        self.objects.get(key).ok_or_else(missing)
    }

    /// A page of what was there when the first page was asked for.
    ///
    /// # Errors
    /// 410, 400
    pub fn list(&self, filter: &Filter, limit: usize, token: &str) -> Result<Page, Refusal> {
        let (version, after) = match token.split_once(' ') {
            None => (self.version, None),
            Some((version, after)) => (number(version)?, after.split_once('/')),
        };
        if version < self.forgotten {
            return Err(Refusal::gone());
        }
        let mut there: BTreeMap<&Key, &Value> = self.objects.iter().collect();
        for change in self.changes.iter().rev().take_while(|it| it.version > version) {
            match &change.before {
                Some(before) => there.insert(&change.key, before),
                None => there.remove(&change.key),
            };
        }
        there.retain(|key, object| filter.takes(key, object));
        let is_later = |key: &Key| after.is_none_or(|it| (&*key.namespace, &*key.name) > it);
        let mut rest = there.into_iter().filter(|(key, _)| is_later(key)).peekable();
        let mut items = Vec::new();
        let mut token = String::new();
        while let Some((key, object)) = rest.next() {
            items.push(object.clone());
            if items.len() == limit && rest.peek().is_some() {
                token = format!("{version} {}/{}", key.namespace, key.name);
                break;
            }
        }
        Ok(Page { version, token, items })
    }

    /// What happened after a version, as a watch tells it.
    ///
    /// # Errors
    /// 410
    pub fn since(&self, filter: &Filter, version: u64) -> Result<Vec<Value>, Refusal> {
        if version < self.forgotten {
            return Err(Refusal::gone());
        }
        let news = self.changes.iter().filter(|it| it.version > version);
        let told = |change: &Change| {
            let taken = |it: &Option<Value>| it.clone().filter(|it| filter.takes(&change.key, it));
            let (kind, mut object) = match (taken(&change.before), taken(&change.after)) {
                (None, None) => return None,
                (None, Some(after)) => ("ADDED", after),
                (Some(_), Some(after)) => ("MODIFIED", after),
                // It is gone, or not of those that are watched any more.
                (Some(before), None) => ("DELETED", before),
            };
            object["metadata"]["resourceVersion"] = change.version.to_string().into();
            Some(json!({"type": kind, "object": object}))
        };
        Ok(news.filter_map(told).collect())
    }

    /// POST.
    ///
    /// # Errors
    /// 409
    pub fn create(&mut self, key: Key, object: Value, now: Duration) -> Result<Value, Refusal> {
        if self.objects.contains_key(&key) {
            let message = format!("{} already exists", key.name);
            return Err(Refusal::new(409, "AlreadyExists", message));
        }
        Ok(self.put(key, object, now))
    }

    /// PUT, of the whole or of its status. Without a version it is for whatever is there.
    ///
    /// # Errors
    /// 404, 409
    pub fn replace(&mut self, key: Key, object: Value, status: bool) -> Result<Value, Refusal> {
        let old = self.get(&key)?;
        let version = object["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        if !version.is_empty() && old["metadata"]["resourceVersion"] != version {
            let message = format!("{} has been modified; apply your changes to it", key.name);
            return Err(Refusal::new(409, "Conflict", message));
        }
        let mut new = if status { old.clone() } else { object.clone() };
        let taken = if status { &object } else { old };
        match taken.get("status") {
            Some(taken) => new["status"] = taken.clone(),
            None => drop(new.as_object_mut().and_then(|new| new.remove("status"))),
        }
        Ok(self.put(key, new, Duration::ZERO))
    }

    /// PATCH, server-side apply by the one who owns every field: made, or merged into what is there.
    pub fn merge(&mut self, key: Key, object: Value, now: Duration) -> Value {
        let mut merged = self.objects.get(&key).cloned().unwrap_or_default();
        merge(&mut merged, object);
        self.put(key, merged, now)
    }

    /// DELETE.
    ///
    /// # Errors
    /// 404
    pub fn delete(&mut self, key: &Key) -> Result<Value, Refusal> {
        let old = self.get(key)?.clone();
        self.objects.remove(key);
        self.change(key.clone(), Some(old.clone()), None);
        Ok(old)
    }

    /// As it is, or instead of what is there. What changes nothing is no change.
    pub fn put(&mut self, key: Key, mut object: Value, now: Duration) -> Value {
        let before = self.objects.get(&key).cloned();
        if !object["metadata"].is_object() {
            object["metadata"] = Map::new().into();
        }
        let metadata = &mut object["metadata"];
        metadata["name"] = key.name.clone().into();
        if !key.namespace.is_empty() {
            metadata["namespace"] = key.namespace.clone().into();
        }
        if let Some(before) = &before {
            for name in ["uid", "creationTimestamp", "resourceVersion"] {
                metadata[name] = before["metadata"][name].clone();
            }
            if object == *before {
                return object;
            }
        } else {
            self.created += 1;
            metadata["uid"] = format!("00000000-0000-4000-8000-{:012}", self.created).into();
            metadata["creationTimestamp"] = timestamp(now).into();
        }
        object["metadata"]["resourceVersion"] = (self.version + 1).to_string().into();
        self.objects.insert(key.clone(), object.clone());
        self.change(key, before, Some(object.clone()));
        object
    }

    fn change(&mut self, key: Key, before: Option<Value>, after: Option<Value>) {
        self.version += 1;
        self.changes.push_back(Change { version: self.version, key, before, after });
        if self.changes.len() > self.window
            && let Some(oldest) = self.changes.pop_front()
        {
            self.forgotten = oldest.version;
        }
    }
}

/// A `resourceVersion`.
///
/// # Errors
/// 400
pub fn number(version: &str) -> Result<u64, Refusal> {
    let wrong = |_| Refusal::new(400, "BadRequest", format!("no version: {version:?}"));
    version.parse().map_err(wrong)
}

/// Objects are merged, everything else is replaced.
fn merge(to: &mut Value, from: Value) {
    match (to, from) {
        (Value::Object(to), Value::Object(from)) => {
            for (name, value) in from {
                merge(to.entry(name).or_insert(Value::Null), value);
            }
        }
        (to, from) => *to = from,
    }
}

/// A time of this world, which ends within a month.
fn timestamp(now: Duration) -> String {
    let seconds = now.as_secs();
    let (day, hour) = (seconds / 86_400 + 1, seconds / 3600 % 24);
    format!("1970-01-{day:02}T{hour:02}:{:02}:{:02}Z", seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests;
