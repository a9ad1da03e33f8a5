//! The API server's HTTP: one request a connection.
use super::{Filter, HOST, KINDS, Key, Kubernetes, PORT, Refusal, Write, now, show, store::Page};
use crate::{
    http1::{Broken, Pace, Wire},
    net::{Turmoil, TurmoilStream},
};
use rutter::net::{Listener as _, Net as _};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};
use tokio::{task, time};

/// A page without a limit.
const LIMIT: usize = 500;

/// What is asked for.
pub(super) struct Request {
    method: String,
    key: Key,
    pub(super) kind: &'static str,
    is_status: bool,
    query: BTreeMap<String, String>,
    body: Value,
}

impl Request {
    fn verb(&self) -> &'static str {
        match (&*self.method, self.key.name.is_empty()) {
            ("GET", true) if self.query("watch") == "true" => "watch",
            ("GET", true) => "list",
            ("GET", false) => "get",
            ("POST", true) => "create",
            ("PUT", false) => "update",
            ("PATCH", false) => "patch",
            ("DELETE", false) => "delete",
            _ => "unknown",
        }
    }

    pub(super) fn query(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    pub(super) fn filter(&self) -> Filter {
        let terms = |name: &str| self.query(name).split(',').map(str::to_owned).collect::<Vec<_>>();
        let pair = |it: String| it.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()));
        let field = |(path, value): (String, String)| {
            let equal = !path.ends_with('!');
            (path.trim_end_matches('!').to_owned(), value, equal)
        };
        Filter {
            resource: self.key.resource.clone(),
            namespace: Some(self.key.namespace.clone()).filter(|it| !it.is_empty()),
            labels: terms("labelSelector").into_iter().filter_map(pair).collect(),
            fields: terms("fieldSelector").into_iter().filter_map(pair).map(field).collect(),
        }
    }
}

impl Kubernetes {
    /// Serves until the host ends.
    pub(super) async fn serve(self, net: Turmoil) -> turmoil::Result {
        let mut listener = net.bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT))).await?;
        self.0.log.note(HOST, "listens");
        loop {
            let (stream, peer) = listener.accept().await?;
            let server = self.clone();
            task::spawn_local(async move {
                // Whoever asked is gone.
                let _ = server.request(Wire::new(stream), peer.ip()).await;
            });
        }
    }

    async fn request(self, mut wire: Wire<TurmoilStream>, peer: IpAddr) -> Result<(), Broken> {
        let head = wire.head().await?;
        let mut body = Vec::new();
        wire.body(head.framing(None)?, Pace::FULL, &mut body).await?;
        let body = serde_json::from_slice(&body).unwrap_or_default();
        let Some(request) = parse(head.word(0), head.word(1), body) else {
            self.0.log.note(HOST, format_args!("{} is not known", head.start));
            return answer(&mut wire, Err(Refusal::new(404, "NotFound", "no such resource"))).await;
        };
        let verb = request.verb();
        let what = format!("{verb} {}", show(&request.key));
        *self.0.asked.borrow_mut().entry(what.clone()).or_insert(0) += 1;
        let (refusal, slow) = self.draw(|rng, it| {
            let codes =
                [(429, "TooManyRequests"), (500, "InternalError"), (503, "ServiceUnavailable")];
            let (code, reason) = *rng.one_of(&codes);
            let refusal = rng.percent(it.refuse).then(|| Refusal::new(code, reason, "mischief"));
            (refusal, rng.millis(0, it.slow))
        });
        time::sleep(slow).await;
        if self.draw(|rng, it| rng.percent(it.forget)) {
            self.0.store.borrow_mut().compact();
        }
        let done = match &refusal {
            Some(refusal) if verb == "watch" || refusal.code == 429 => Ok(Value::Null),
            // Nobody can tell whether it was carried out.
            Some(_) if self.draw(|rng, _| rng.percent(50)) => Ok(Value::Null),
            _ if verb == "watch" => return self.watch(wire, &request).await,
            _ => self.carry_out(verb, &request).inspect(|_| {
                if !matches!(verb, "get" | "list") {
                    let write = Write { at: now(), by: peer, what: what.clone() };
                    self.0.writes.borrow_mut().push(write);
                }
            }),
        };
        let result = refusal.map_or(done, Err);
        let code = result.as_ref().map_or_else(|refusal| refusal.code, |_| 200);
        self.0.log.note(HOST, format_args!("{what} -> {code}"));
        answer(&mut wire, result).await
    }

    fn carry_out(&self, verb: &str, request: &Request) -> Result<Value, Refusal> {
        let (mut key, body) = (request.key.clone(), request.body.clone());
        match verb {
            "list" => {
                let limit = request.query("limit").parse().unwrap_or(LIMIT);
                let token = request.query("continue");
                let Page { version, token, items } =
                    self.0.store.borrow().list(&request.filter(), limit, token)?;
                let metadata = json!({"resourceVersion": version.to_string(), "continue": token});
                let (api_version, _) = key.resource.rsplit_once('/').unwrap_or_default();
                Ok(json!({"apiVersion": api_version, "kind": format!("{}List", request.kind),
                    "metadata": metadata, "items": items}))
            }
            "get" => self.0.store.borrow().get(&key).cloned(),
            "create" => {
                body["metadata"]["name"].as_str().unwrap_or_default().clone_into(&mut key.name);
                self.change(|store| store.create(key, body, now()))
            }
            "update" => {
                if self.draw(|rng, it| rng.percent(it.conflict)) {
                    self.touch(&key);
                }
                self.change(|store| store.replace(key, body, request.is_status))
            }
            "patch" => Ok(self.change(|store| store.merge(key, body, now()))),
            "delete" => self.change(|store| store.delete(&key)),
            _ => Err(Refusal::new(405, "MethodNotAllowed", "not like this")),
        }
    }

    /// Somebody else updates an object.
    fn touch(&self, key: &Key) {
        let object = self.0.store.borrow().get(key).cloned();
        if let Ok(mut object) = object {
            let version = object["metadata"]["resourceVersion"].clone();
            object["metadata"]["annotations"]["touched-at"] = version;
            self.change(|store| store.put(key.clone(), object, now()));
        }
    }
}

pub(super) async fn answer(
    wire: &mut Wire<TurmoilStream>,
    result: Result<Value, Refusal>,
) -> Result<(), Broken> {
    let (code, body) = match &result {
        Ok(object) => (200, object.to_string()),
        Err(refusal) => (refusal.code, refusal.status().to_string()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {code} .\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    wire.write((head + &body).as_bytes(), Pace::FULL).await
}

/// None: there is no such resource.
fn parse(method: &str, target: &str, body: Value) -> Option<Request> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter_map(|it| it.split_once('='));
    let query = pairs.map(|(name, value)| (decode(name), decode(value))).collect();
    let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let (api_version, rest) = match &parts[..] {
        ["api", version, rest @ ..] => ((*version).to_owned(), rest),
        ["apis", group, version, rest @ ..] => (format!("{group}/{version}"), rest),
        _ => return None,
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] => (*namespace, rest),
        rest => ("", rest),
    };
    let (plural, name, is_status) = match rest {
        [plural] => (*plural, "", false),
        [plural, name] => (*plural, *name, false),
        [plural, name, "status"] => (*plural, *name, true),
        _ => return None,
    };
    let (_, kind, ..) = KINDS.iter().find(|it| (it.0, it.2) == (&*api_version, plural))?;
    let resource = format!("{api_version}/{plural}");
    let key = Key { resource, namespace: namespace.to_owned(), name: name.to_owned() };
    Some(Request { method: method.to_owned(), key, kind, is_status, query, body })
}

/// A word of a query.
fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after.get(..2).and_then(|it| str::from_utf8(it).ok());
        match (first, hex.and_then(|it| u8::from_str_radix(it, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            (byte, _) => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(target: &str) -> Option<(String, String)> {
        let request = parse("GET", target, Value::Null)?;
        Some((
            format!("{} {}", request.verb(), show(&request.key)),
            format!("{:?}", request.filter()),
        ))
    }

    #[test]
    fn paths_say_what_is_asked_for() {
        for (target, expected) in [
            ("/api/v1/services?&limit=1", "list v1/services /"),
            ("/api/v1/namespaces/a/services/b", "get v1/services a/b"),
            (
                "/apis/networking.k8s.io/v1/ingressclasses/x",
                "get networking.k8s.io/v1/ingressclasses /x",
            ),
            (
                "/apis/traefik.io/v1alpha1/tlsstores?watch=true",
                "watch traefik.io/v1alpha1/tlsstores /",
            ),
        ] {
            assert_eq!(parsed(target).unwrap().0, expected);
        }
        assert_eq!(parsed("/api/v1/pods"), None);
        assert_eq!(parsed("/apis/traefik.io/v1/tlsstores"), None);
    }

    #[test]
    fn selectors_are_decoded() {
        let query = "labelSelector=a%3Db,c%3Dd&fieldSelector=type%21%3Dhelm.sh%2Frelease.v1";
        let (_, filter) = parsed(&format!("/api/v1/secrets?{query}")).unwrap();
        assert!(filter.contains(r#"labels: [("a", "b"), ("c", "d")]"#), "{filter}");
        assert!(filter.contains(r#"fields: [("type", "helm.sh/release.v1", false)]"#), "{filter}");
    }
}
