//! A small API server: lists, watches, refusals.
use crate::wire::{Server, Wire};
use serde_json::{Value, json};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};
use tokio::sync::watch;

/// An API server in this thread.
#[derive(Clone)]
pub(crate) struct Api {
    state: Rc<RefCell<State>>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    version: u64,
    /// By path of the resource, then namespace and name.
    objects: BTreeMap<(String, String), Value>,
    /// Version, path of the resource, line.
    log: Vec<(u64, String, Value)>,
    /// Versions before this one are forgotten.
    oldest: u64,
    /// Whether the answer to a watch says so.
    by_answer: bool,
    /// Counts up when all watches break.
    breaks: u64,
    refused: BTreeMap<String, u16>,
    token: Option<String>,
    page: Option<usize>,
    asked: Vec<String>,
    /// Objects that nobody lists, by their own paths.
    documents: BTreeMap<String, Value>,
    written: Vec<Value>,
}

/// The path of an object's resource.
fn resource(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap().to_lowercase();
    let plural = if kind.ends_with('s') { format!("{kind}es") } else { format!("{kind}s") };
    match object["apiVersion"].as_str().unwrap() {
        "v1" => format!("/api/v1/{plural}"),
        version => format!("/apis/{version}/{plural}"),
    }
}

/// What is asked for: a resource, in all namespaces or in one, all of it or one by name.
struct Scope {
    resource: String,
    namespace: Option<String>,
    name: Option<String>,
}

impl Scope {
    fn of(path: &str, query: &BTreeMap<&str, &str>) -> Self {
        let field = query.get("fieldSelector").and_then(|it| it.strip_prefix("metadata.name%3D"));
        let name = field.map(ToOwned::to_owned);
        match path.split_once("/namespaces/") {
            Some((group, rest)) => {
                let (namespace, resource) = rest.split_once('/').unwrap();
                let (namespace, resource) = (namespace.to_owned(), format!("{group}/{resource}"));
                Self { resource, namespace: Some(namespace), name }
            }
            None => Self { resource: path.to_owned(), namespace: None, name },
        }
    }

    fn has(&self, resource: &str, object: &Value) -> bool {
        let is = |want: &Option<String>, name: &str| {
            want.as_ref().is_none_or(|it| object["metadata"][name] == **it)
        };
        self.resource == resource && is(&self.namespace, "namespace") && is(&self.name, "name")
    }
}

fn name(object: &Value) -> String {
    let word = |name: &str| object["metadata"][name].as_str().unwrap();
    format!("{}/{}", word("namespace"), word("name"))
}

impl Api {
    /// One that answers.
    pub(crate) async fn start() -> (Self, String) {
        let server = Server::start().await;
        let url = server.url();
        let api = Self::new();
        api.clone().serve(server);
        (api, url)
    }

    pub(crate) fn new() -> Self {
        let state = State { version: 1, oldest: 1, ..State::default() };
        Self { state: Rc::new(RefCell::new(state)), changed: watch::Sender::new(0) }
    }

    pub(crate) fn serve(self, server: Server) {
        tokio::task::spawn_local(async move {
            loop {
                let wire = server.accept().await;
                tokio::task::spawn_local(self.clone().answer(wire));
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.borrow_mut());
        self.changed.send_modify(|changes| *changes += 1);
    }

    pub(crate) fn put(&self, mut object: Value) {
        self.change(|state| {
            state.version += 1;
            object["metadata"]["resourceVersion"] = state.version.to_string().into();
            let at = (resource(&object), name(&object));
            let path = at.0.clone();
            let old = state.objects.insert(at, object.clone());
            let what = if old.is_some() { "MODIFIED" } else { "ADDED" };
            state.log.push((state.version, path, json!({"type": what, "object": object})));
        });
    }

    pub(crate) fn delete(&self, object: &Value) {
        self.change(|state| {
            state.version += 1;
            let at = (resource(object), name(object));
            let mut object = state.objects.remove(&at).unwrap();
            object["metadata"]["resourceVersion"] = state.version.to_string().into();
            let line = json!({"type": "DELETED", "object": object});
            state.log.push((state.version, at.0, line));
        });
    }

    /// Breaks all watches.
    pub(crate) fn break_watches(&self) {
        self.change(|state| state.breaks += 1);
    }

    /// Forgets what happened, and breaks all watches. Those who ask for it then are told so by an event of
    /// the watch, or by the answer to it.
    pub(crate) fn forget(&self, by_answer: bool) {
        self.change(|state| {
            state.version += 1;
            state.oldest = state.version;
            state.log.clear();
            state.breaks += 1;
            state.by_answer = by_answer;
        });
    }

    fn is_gone(&self, version: u64) -> bool {
        let state = self.state.borrow();
        state.by_answer && version < state.oldest
    }

    /// From now on, a resource is answered with a status; 200: no more.
    pub(crate) fn refuse(&self, resource: &str, status: u16) {
        self.change(|state| {
            state.refused.insert(resource.to_owned(), status);
        });
    }

    /// From now on, this token is needed; open watches break.
    pub(crate) fn need_token(&self, token: &str) {
        self.change(|state| {
            state.token = Some(token.to_owned());
            state.breaks += 1;
        });
    }

    /// From now on, lists have so many objects a page.
    pub(crate) fn page(&self, objects: usize) {
        self.change(|state| state.page = Some(objects));
    }

    /// The requests so far that have a text in them.
    pub(crate) fn asked(&self, text: &str) -> Vec<String> {
        let state = self.state.borrow();
        state.asked.iter().filter(|it| it.contains(text)).cloned().collect()
    }

    /// Waits until there are so many requests with a text in them.
    pub(crate) async fn wait_asked(&self, text: &str, count: usize) {
        let mut changed = self.changed.subscribe();
        while self.asked(text).len() < count {
            changed.changed().await.unwrap();
        }
    }

    async fn answer(self, mut wire: Wire) {
        let Some(request) = wire.message().await else { return };
        let target = request.first().split(' ').nth(1).unwrap().to_owned();
        self.change(|state| state.asked.push(target.clone()));
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let method = request.first().split(' ').next().unwrap();
        if method != "GET" || query.is_empty() {
            let body = serde_json::from_slice(&request.body).unwrap_or_default();
            let (status, answer) = self.document(method, path, body);
            return respond(&mut wire, status, &answer).await;
        }
        let query: BTreeMap<_, _> = query.split('&').filter_map(|it| it.split_once('=')).collect();
        let refusal = {
            let state = self.state.borrow();
            let bearer = state.token.as_ref().map(|token| format!("Bearer {token}"));
            let is_known = bearer.is_none() || request.header("authorization") == bearer.as_deref();
            if is_known { state.refused.get(path).copied().unwrap_or(200) } else { 401 }
        };
        if refusal != 200 {
            let status = json!({"kind": "Status", "code": refusal, "message": "not for you"});
            return respond(&mut wire, refusal, &status).await;
        }
        if query.contains_key("watch") {
            let from = query["resourceVersion"].parse().unwrap();
            if self.is_gone(from) {
                let status = json!({"kind": "Status", "code": 410, "message": "too old"});
                return respond(&mut wire, 410, &status).await;
            }
            return self.watch(wire, &Scope::of(path, &query), from).await;
        }
        let start = query.get("continue").map_or(0, |it| it.parse().unwrap());
        let list = self.list(&Scope::of(path, &query), start);
        respond(&mut wire, 200, &list).await;
    }

    /// One object, by its own path: a lease, an event, an Ingress or its status.
    fn document(&self, method: &str, path: &str, mut body: Value) -> (u16, Value) {
        let failure = |code: u16| {
            let reason = if code == 404 { "NotFound" } else { "" };
            (code, json!({"kind": "Status", "code": code, "reason": reason}))
        };
        if self.state.borrow().refused.contains_key("documents") {
            return failure(403);
        }
        let name = |body: &Value| body["metadata"]["name"].as_str().unwrap().to_owned();
        let path = match method {
            "POST" => format!("{path}/{}", name(&body)),
            _ => path.trim_end_matches("/status").to_owned(),
        };
        let known = self.find(&path);
        if method == "GET" {
            return known.map_or_else(|| failure(404), |object| (200, object));
        }
        if method == "PUT"
            && known.as_ref().map(|it| &it["metadata"]["resourceVersion"])
                != Some(&body["metadata"]["resourceVersion"])
        {
            return failure(409);
        }
        if body["kind"] == "Ingress" {
            self.put(body.clone());
        }
        self.change(|state| {
            state.version += 1;
            body["metadata"]["resourceVersion"] = state.version.to_string().into();
            state.documents.insert(path, body.clone());
            state.written.push(body.clone());
        });
        (if method == "POST" { 201 } else { 200 }, body)
    }

    fn find(&self, path: &str) -> Option<Value> {
        let state = self.state.borrow();
        let (rest, name) = path.rsplit_once('/')?;
        let (namespaces, resource) = rest.rsplit_once('/')?;
        let (group, namespace) = namespaces.split_once("/namespaces/")?;
        let at = (format!("{group}/{resource}"), format!("{namespace}/{name}"));
        state.objects.get(&at).or_else(|| state.documents.get(path)).cloned()
    }

    /// Puts an object that nobody lists.
    pub(crate) fn keep(&self, path: &str, object: Value) {
        self.change(|state| drop(state.documents.insert(path.to_owned(), object)));
    }

    /// What was written so far, of a kind.
    pub(crate) fn written(&self, kind: &str) -> Vec<Value> {
        let state = self.state.borrow();
        state.written.iter().filter(|it| it["kind"] == kind).cloned().collect()
    }

    /// Waits until so many of a kind were written.
    pub(crate) async fn wait_written(&self, kind: &str, count: usize) -> Vec<Value> {
        let mut changed = self.changed.subscribe();
        loop {
            let written = self.written(kind);
            if written.len() >= count {
                return written;
            }
            changed.changed().await.unwrap();
        }
    }

    fn list(&self, scope: &Scope, start: usize) -> Value {
        let state = self.state.borrow();
        let all = state.objects.iter().filter(|((it, _), object)| scope.has(it, object));
        let all: Vec<_> = all.map(|(_, object)| object.clone()).collect();
        let page = state.page.unwrap_or(all.len());
        let end = (start + page).min(all.len());
        let more = if end < all.len() { end.to_string() } else { String::new() };
        let metadata = json!({"resourceVersion": state.version.to_string(), "continue": more});
        json!({"metadata": metadata, "items": all[start..end]})
    }

    async fn watch(self, mut wire: Wire, scope: &Scope, mut from: u64) {
        let mut changed = self.changed.subscribe();
        let breaks = self.state.borrow().breaks;
        wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        loop {
            let lines: Vec<Value> = {
                let state = self.state.borrow();
                if state.breaks != breaks {
                    return;
                }
                if from < state.oldest {
                    let status = json!({"kind": "Status", "code": 410, "message": "too old"});
                    vec![json!({"type": "ERROR", "object": status})]
                } else {
                    let news = state.log.iter();
                    let news =
                        news.filter(|(at, it, line)| *at > from && scope.has(it, &line["object"]));
                    news.map(|(_, _, line)| line.clone()).collect()
                }
            };
            for line in lines {
                let line = format!("{line}\n");
                // In two pieces: lines are not chunks.
                for piece in [&line[..10], &line[10..]] {
                    let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
                    if wire.stream.try_write(chunk.as_bytes()).is_err() {
                        return;
                    }
                }
            }
            from = from.max(self.state.borrow().version);
            if changed.changed().await.is_err() {
                return;
            }
        }
    }
}

async fn respond(wire: &mut Wire, status: u16, body: &Value) {
    let body = body.to_string();
    let length = body.len();
    wire.send(format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}")).await;
}
