//! Findings as Events on their objects, for `kubectl describe`.
use super::timestamp;
use crate::clock::Clock;
use foldhash::fast::FixedState;
use k8s_openapi::{
    api::core::v1::{Event, EventSource, ObjectReference},
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, Patch, PatchParams},
};
use rutter_core::{diagnostic::Severity, provider::kubernetes::Finding};
use std::hash::BuildHasher;

/// Who says it.
const COMPONENT: &str = "rutter";
/// Where Events on objects without a namespace are.
const DEFAULT_NAMESPACE: &str = "default";
/// Of the object's name; what comes after it is shorter than the rest of what a name may have.
const NAME_MAX: usize = 230;
/// Of what it says.
const MESSAGE_MAX: usize = 1024;

/// Writes an Event; the same finding of another replica, or of another time, has the same.
pub(super) async fn write(
    client: &Client,
    finding: &Finding,
    identity: &str,
    clock: Clock,
) -> kube::Result<()> {
    let event = event(finding, identity, &Time(timestamp(clock)));
    let namespace = event.metadata.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
    let name = event.metadata.name.as_deref().unwrap_or_default();
    let api = Api::<Event>::namespaced(client.clone(), namespace);
    api.patch(name, &PatchParams::apply(COMPONENT).force(), &Patch::Apply(&event)).await?;
    Ok(())
}

fn event(finding: &Finding, identity: &str, now: &Time) -> Event {
    let Finding { object, severity, path, message } = finding;
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let message = if path.is_empty() { message.clone() } else { format!("{path}: {message}") };
    let digest = FixedState::default().hash_one((&*object.uid, severity, &message));
    let namespace = if object.namespace.is_empty() { DEFAULT_NAMESPACE } else { &object.namespace };
    let name = cut(&object.name, NAME_MAX).trim_end_matches(['-', '.']);
    let reason = match severity {
        Severity::Warning => "ConfigurationWarning",
        Severity::Error => "ConfigurationError",
    };
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{name}.{digest:016x}")),
            namespace: Some(namespace.to_owned()),
            ..ObjectMeta::default()
        },
        involved_object: ObjectReference {
            api_version: given(object.resource.api_version()),
            kind: given(object.resource.kind.name()),
            namespace: given(&object.namespace),
            name: given(&object.name),
            uid: given(&object.uid),
            ..ObjectReference::default()
        },
        type_: Some("Warning".to_owned()),
        reason: Some(reason.to_owned()),
        message: Some(cut(&message, MESSAGE_MAX).to_owned()),
        count: Some(1),
        first_timestamp: Some(now.clone()),
        last_timestamp: Some(now.clone()),
        source: Some(EventSource { component: given(COMPONENT), host: None }),
        reporting_component: given(COMPONENT),
        reporting_instance: given(identity),
        ..Event::default()
    }
}

/// At most so many bytes of it.
fn cut(text: &str, max: usize) -> &str {
    let end = (0..=max.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::jiff::Timestamp;
    use rutter_core::provider::kubernetes::{Kind, ObjectRef, Resource};

    fn finding(kind: Kind, namespace: &str, name: &str) -> Finding {
        let (namespace, name, uid) = (namespace.into(), name.into(), "u".into());
        let object = ObjectRef { resource: Resource::builtin(kind), namespace, name, uid };
        let (path, message) = ("spec.rules[0]".to_owned(), "service `x` is missing".to_owned());
        Finding { object, severity: Severity::Error, path, message }
    }

    fn written(finding: &Finding) -> String {
        let event = event(finding, "pod-1", &Time(Timestamp::UNIX_EPOCH));
        serde_json::to_string(&event).unwrap().replace(",\"", ",\n\"")
    }

    #[test]
    fn an_event_names_its_object_and_says_what_is_wrong() {
        insta::assert_snapshot!(written(&finding(Kind::Ingress, "apps", "web")), @r#"
        {"apiVersion":"v1",
        "kind":"Event",
        "count":1,
        "firstTimestamp":"1970-01-01T00:00:00Z",
        "involvedObject":{"apiVersion":"networking.k8s.io/v1",
        "kind":"Ingress",
        "name":"web",
        "namespace":"apps",
        "uid":"u"},
        "lastTimestamp":"1970-01-01T00:00:00Z",
        "message":"spec.rules[0]: service `x` is missing",
        "metadata":{"name":"web.1bf6dbcf17797983",
        "namespace":"apps"},
        "reason":"ConfigurationError",
        "reportingComponent":"rutter",
        "reportingInstance":"pod-1",
        "source":{"component":"rutter"},
        "type":"Warning"}
        "#);
    }

    #[test]
    fn the_same_finding_is_the_same_event_and_another_is_another() {
        let name = |finding: &Finding| {
            event(finding, "pod", &Time(Timestamp::UNIX_EPOCH)).metadata.name.unwrap()
        };
        let one = finding(Kind::Ingress, "apps", "web");
        assert_eq!(name(&one), name(&one.clone()));
        assert_ne!(name(&one), name(&Finding { path: String::new(), ..one.clone() }));
        assert_ne!(name(&one), name(&Finding { severity: Severity::Warning, ..one }));
    }

    #[test]
    fn an_object_without_namespace_has_its_events_in_the_default_one() {
        let event = written(&finding(Kind::IngressClass, "", "rutter"));
        assert!(event.contains(r#""namespace":"default""#), "{event}");
    }

    #[test]
    fn names_and_messages_are_cut_to_what_the_api_takes() {
        let mut long = finding(Kind::Ingress, "apps", &"a.".repeat(126));
        long.message = "\u{e9}".repeat(2000);
        let event = event(&long, "pod", &Time(Timestamp::UNIX_EPOCH));
        let name = event.metadata.name.unwrap();
        assert!(name.len() <= 253 && !name.contains(".."), "{name}");
        assert!(event.message.unwrap().len() <= MESSAGE_MAX);
    }
}
