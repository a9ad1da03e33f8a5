use super::*;

const NOW: Duration = Duration::from_secs(3661);

fn key(name: &str) -> Key {
    Key { resource: "v1/services".into(), namespace: "default".into(), name: name.into() }
}

fn all() -> Filter {
    Filter { resource: "v1/services".into(), ..Filter::default() }
}

fn names(items: &[Value]) -> String {
    items.iter().map(|it| it["metadata"]["name"].as_str().unwrap()).collect()
}

fn told(store: &Store, filter: &Filter, version: u64) -> Vec<String> {
    let line = |it: &Value| {
        let metadata = &it["object"]["metadata"];
        format!("{} {} {}", it["type"], metadata["name"], metadata["resourceVersion"])
    };
    store.since(filter, version).unwrap().iter().map(line).collect()
}

fn filled(names: &[&str]) -> Store {
    let mut store = Store::new(100);
    for name in names {
        store.create(key(name), json!({}), NOW).unwrap();
    }
    store
}

#[test]
fn a_new_object_gets_what_the_server_gives() {
    let mut store = filled(&[]);
    let made = store.create(key("a"), json!({"spec": 1}), NOW).unwrap();
    let metadata = json!({"name": "a", "namespace": "default", "resourceVersion": "2",
        "uid": "00000000-0000-4000-8000-000000000001", "creationTimestamp": "1970-01-01T01:01:01Z"});
    assert_eq!(made, json!({"spec": 1, "metadata": metadata}));
    assert_eq!(store.create(key("a"), json!({}), NOW).unwrap_err().reason, "AlreadyExists");
}

#[test]
fn an_update_of_an_old_version_is_a_conflict() {
    let mut store = filled(&["a"]);
    let old = json!({"metadata": {"resourceVersion": "2"}, "spec": 2});
    assert_eq!(store.replace(key("a"), old.clone(), false).unwrap()["spec"], 2);
    let refusal = store.replace(key("a"), old, false).unwrap_err();
    assert_eq!((refusal.code, refusal.reason), (409, "Conflict"));
    let any = json!({"metadata": {}, "spec": 3});
    let new = store.replace(key("a"), any.clone(), false).unwrap();
    assert_eq!(new["metadata"]["resourceVersion"], "4");
    assert_eq!(new["metadata"]["creationTimestamp"], "1970-01-01T01:01:01Z");
    // Nothing changes.
    assert_eq!(store.replace(key("a"), any, false).unwrap(), new);
    assert_eq!(store.version(), 4);
    assert_eq!(store.replace(key("b"), json!({}), false).unwrap_err().code, 404);
}

#[test]
fn a_status_is_changed_alone_and_left_alone() {
    let mut store = filled(&["a"]);
    store.replace(key("a"), json!({"spec": 1, "status": 9}), false).unwrap();
    assert_eq!(store.get(&key("a")).unwrap().get("status"), None);
    let new = store.replace(key("a"), json!({"spec": 5, "status": 2}), true).unwrap();
    assert_eq!((&new["spec"], &new["status"]), (&json!(1), &json!(2)));
    let new = store.replace(key("a"), json!({"spec": 3}), false).unwrap();
    assert_eq!((&new["spec"], &new["status"]), (&json!(3), &json!(2)));
}

#[test]
fn an_applied_object_is_made_or_merged() {
    let mut store = filled(&[]);
    store.merge(key("a"), json!({"a": {"b": 1, "c": [1]}}), NOW);
    let new = store.merge(key("a"), json!({"a": {"c": [2], "d": 3}}), NOW);
    assert_eq!(new["a"], json!({"b": 1, "c": [2], "d": 3}));
}

#[test]
fn a_list_is_of_one_version_over_all_its_pages() {
    let mut store = filled(&["a", "b", "c", "d"]);
    let first = store.list(&all(), 2, "").unwrap();
    assert_eq!((first.version, names(&first.items)), (5, "ab".into()));
    store.delete(&key("c")).unwrap();
    store.create(key("bb"), json!({}), NOW).unwrap();
    let second = store.list(&all(), 2, &first.token).unwrap();
    assert_eq!((second.version, names(&second.items)), (5, "cd".into()));
    assert_eq!(second.token, "");
    store.compact();
    assert_eq!(store.list(&all(), 2, &first.token), Err(Refusal::gone()));
    assert_eq!(names(&store.list(&all(), 9, "").unwrap().items), "abbbd");
}

#[test]
fn a_watch_tells_what_happened_since() {
    let mut store = filled(&["a"]);
    store.put(key("a"), json!({"spec": 1}), NOW);
    store.delete(&key("a")).unwrap();
    assert_eq!(told(&store, &all(), 2), [r#""MODIFIED" "a" "3""#, r#""DELETED" "a" "4""#]);
    let other = Filter { namespace: Some("other".into()), ..all() };
    assert_eq!(told(&store, &other, 1), [""; 0]);
}

#[test]
fn an_object_comes_into_a_selection_and_leaves_it() {
    let mut store = filled(&["a"]);
    store.put(key("a"), json!({"metadata": {"labels": {"x": "y"}}}), NOW);
    store.put(key("a"), json!({"type": "z"}), NOW);
    let labelled = Filter { labels: vec![("x".into(), "y".into())], ..all() };
    assert_eq!(told(&store, &labelled, 1), [r#""ADDED" "a" "3""#, r#""DELETED" "a" "4""#]);
    let not_z = Filter { fields: vec![("type".into(), "z".into(), false)], ..all() };
    assert_eq!(told(&store, &not_z, 2), [r#""MODIFIED" "a" "3""#, r#""DELETED" "a" "4""#]);
    let named = Filter { fields: vec![("metadata.name".into(), "a".into(), true)], ..all() };
    assert_eq!(store.list(&named, 9, "").unwrap().items.len(), 1);
}

#[test]
fn what_is_long_ago_is_forgotten() {
    let mut store = Store::new(2);
    for name in ["a", "b", "c"] {
        store.create(key(name), json!({}), NOW).unwrap();
    }
    assert_eq!(store.since(&all(), 1), Err(Refusal::gone()));
    assert_eq!(told(&store, &all(), 2).len(), 2);
    store.compact();
    assert_eq!(store.since(&all(), 3), Err(Refusal::gone()));
    assert_eq!(told(&store, &all(), 4).len(), 0);
}
