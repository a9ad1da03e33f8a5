use super::*;
use rutter_core::{
    config::{Defined, file::File},
    diagnostic::Place,
    middleware::{Definition, basic_auth::BasicAuth},
};
use std::{fs, path::Path};
use tempfile::TempDir;

/// A configuration with a `basicAuth` for each of these files.
fn message(provider: &str, paths: &[&Path]) -> Message {
    let mut configuration = Configuration::default();
    for path in paths {
        let users_file = File::new(path.to_str().unwrap());
        let basic_auth = Some(BasicAuth { users_file, ..BasicAuth::default() });
        let value = Ok(Definition { basic_auth, ..Definition::default() });
        let name = path.file_name().unwrap().to_str().unwrap();
        let defined = Arc::new(Defined { value, place: Place::default() });
        configuration.http.middlewares.insert(name.into(), defined);
    }
    Message { provider: provider.into(), configuration: Arc::new(configuration) }
}

/// What a middleware of a configuration has read.
fn content(configuration: &Configuration, name: &str) -> String {
    let definition = configuration.http.middlewares[name].value.as_ref().unwrap();
    match definition.basic_auth.as_ref().unwrap().users_file.content("usersFile") {
        Ok(content) => String::from_utf8_lossy(&content).into_owned(),
        Err(error) => error,
    }
}

/// Time, and what was passed on.
struct World {
    folder: TempDir,
    files: Files,
    now: Instant,
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), files: Files::default(), now: Instant(0) }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// The look that is due, with what comes of it.
    fn look(&mut self) -> Vec<Message> {
        match self.files.look(self.now) {
            Some(look) => self.files.seen(self.now, Some(look())),
            None => Vec::new(),
        }
    }

    /// The next look, at its time.
    fn later(&mut self) -> Vec<Message> {
        self.now = self.files.poll_timeout().expect("there is something to look for");
        self.look()
    }

    /// What a look led to, as `provider: content` of the middleware `users`.
    fn told(messages: &[Message]) -> Vec<String> {
        let told =
            |it: &Message| format!("{}: {}", it.provider, content(&it.configuration, "users"));
        messages.iter().map(told).collect()
    }
}

#[test]
fn a_message_that_names_no_file_passes_at_once() {
    let mut world = World::new();
    assert!(world.files.take(message("file", &[])).is_some());
    assert!(world.files.look(world.now).is_none() && world.files.poll_timeout().is_none());
}

#[test]
fn a_message_that_names_files_passes_when_they_were_read() {
    let mut world = World::new();
    let users = world.path("users");
    fs::write(&users, "a:1").unwrap();
    assert!(world.files.take(message("file", &[&users, &world.path("missing")])).is_none());
    let messages = world.look();
    assert_eq!(World::told(&messages), ["file: a:1"]);
    let missing = content(&messages[0].configuration, "missing");
    assert!(missing.starts_with("usersFile: cannot read"), "{missing}");
    assert!(missing.ends_with("No such file or directory (os error 2)"), "{missing}");
    // Nothing changes, nothing is told.
    assert!(world.look().is_empty() && world.later().is_empty() && world.later().is_empty());
}

#[test]
fn a_changed_file_is_told_once_it_has_stopped_changing() {
    let mut world = World::new();
    let users = world.path("users");
    fs::write(&users, "a:1").unwrap();
    world.files.take(message("one", &[&users]));
    world.files.take(message("two", &[&world.path("other")]));
    assert_eq!(world.look().len(), 2);
    fs::write(&users, "").unwrap();
    assert!(world.later().is_empty());
    fs::write(&users, "a:1\nb:2").unwrap();
    assert!(world.later().is_empty());
    let before = world.now;
    assert_eq!(World::told(&world.later()), ["one: a:1\nb:2"]);
    assert_eq!(world.now.since(before), LOOK_AGAIN);
}

#[test]
fn a_swapped_link_is_a_change() {
    // As Kubernetes mounts a ConfigMap: users -> ..data/users, ..data -> 1.
    let mut world = World::new();
    let (users, data) = (world.path("users"), world.path("..data"));
    for version in ["1", "2"] {
        fs::create_dir(world.path(version)).unwrap();
        fs::write(world.path(version).join("users"), version).unwrap();
    }
    std::os::unix::fs::symlink("1", &data).unwrap();
    std::os::unix::fs::symlink("..data/users", &users).unwrap();
    world.files.take(message("file", &[&users]));
    assert_eq!(World::told(&world.look()), ["file: 1"]);
    std::os::unix::fs::symlink("2", world.path("..tmp")).unwrap();
    fs::rename(world.path("..tmp"), &data).unwrap();
    assert!(world.later().is_empty());
    assert_eq!(World::told(&world.later()), ["file: 2"]);
}

#[test]
fn a_file_that_is_lost_stays_in_use_and_one_that_appears_is_taken_up() {
    let mut world = World::new();
    let (users, late) = (world.path("users"), world.path("late"));
    fs::write(&users, "a:1").unwrap();
    world.files.take(message("file", &[&users, &late]));
    world.look();
    fs::remove_file(&users).unwrap();
    assert!(world.later().is_empty() && world.later().is_empty());
    fs::write(&late, "c:3").unwrap();
    assert!(world.later().is_empty());
    let messages = world.later();
    assert_eq!(World::told(&messages), ["file: a:1"]);
    assert_eq!(content(&messages[0].configuration, "late"), "c:3");
    fs::write(&users, "b:2").unwrap();
    assert!(world.later().is_empty());
    assert_eq!(World::told(&world.later()), ["file: b:2"]);
}

#[test]
fn what_is_too_large_or_no_file_is_said() {
    let mut world = World::new();
    let (large, folder) = (world.path("large"), world.path("folder"));
    fs::File::create(&large).unwrap().set_len((16 << 20) + 1).unwrap();
    fs::create_dir(&folder).unwrap();
    world.files.take(message("file", &[&large, &folder]));
    let messages = world.look();
    let configuration = &messages[0].configuration;
    let large = content(configuration, "large");
    assert!(large.ends_with(": it is larger than 16 MiB"), "{large}");
    let folder = content(configuration, "folder");
    assert!(folder.ends_with(": it is not a regular file"), "{folder}");
}

#[test]
fn a_newer_message_is_not_overtaken_by_what_was_read_for_an_older_one() {
    let mut world = World::new();
    let users = world.path("users");
    fs::write(&users, "a:1").unwrap();
    world.files.take(message("file", &[&users]));
    let look = world.files.look(world.now).unwrap();
    assert!(world.files.look(world.now).is_none(), "one look at a time");
    world.files.take(message("file", &[&users, &world.path("more")]));
    let seen = look();
    assert!(world.files.seen(world.now, Some(seen)).is_empty());
    let messages = world.look();
    assert_eq!(messages[0].configuration.http.middlewares.len(), 2);
    // Without files there is nothing to wait for, and nothing to tell later.
    let look = {
        world.now = world.files.poll_timeout().unwrap();
        world.files.look(world.now).unwrap()
    };
    assert!(world.files.take(message("file", &[])).is_some());
    let seen = look();
    assert!(world.files.seen(world.now, Some(seen)).is_empty());
    assert!(world.files.poll_timeout().is_none());
}

#[test]
fn a_configuration_is_filled_at_once_where_nobody_waits() {
    let world = World::new();
    let users = world.path("users");
    fs::write(&users, "a:1").unwrap();
    let filled = read(&message("file", &[&users]).configuration);
    assert_eq!(content(&filled, "users"), "a:1");
}
