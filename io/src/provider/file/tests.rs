use super::*;
use rutter_core::diagnostic::Kind;
use std::{fs, io::Write as _, os::unix::fs::symlink, path::Path};
use tempfile::TempDir;

/// A document with one router for each name, whose rule tells the version.
fn document(names: &[&str], version: u32) -> String {
    let routers: String = names
        .iter()
        .map(|name| format!("    {name}: {{rule: 'Path(`/{version}`)', service: s}}\n"))
        .collect();
    format!("http:\n  routers:\n{routers}")
}

/// `name=rule` of all routers.
fn routers(configuration: &Configuration) -> Vec<String> {
    let describe = |(name, defined): (&Arc<str>, &Arc<rutter_core::config::Defined<_>>)| {
        let router: &Result<rutter_core::config::http::Router, String> = &defined.value;
        format!("{name}={}", router.as_ref().map_or("broken", |router| &router.rule))
    };
    configuration.http.routers.iter().map(describe).collect()
}

struct Watched {
    folder: TempDir,
    messages: mpsc::Receiver<Message>,
}

impl Watched {
    /// Starts a provider on a path in a new folder, which `prepare` fills first.
    fn start(source: fn(PathBuf) -> Source, path: &str, prepare: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let (sender, messages) = mpsc::channel(16);
        let source = source(folder.path().join(path));
        start(Options { source, watch: true, debug_log_generated_template: false }, sender)
            .unwrap();
        Self { folder, messages }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    async fn next(&mut self) -> Arc<Configuration> {
        let message = tokio::time::timeout(Duration::from_secs(20), self.messages.recv());
        let message = message.await.expect("a message in time").expect("the provider runs");
        assert_eq!(&*message.provider, "file");
        message.configuration
    }

    /// Waits for these routers; what comes before is a state on the way.
    async fn until(&mut self, expected: &[&str]) {
        while routers(&*self.next().await) != expected {}
    }
}

#[tokio::test]
async fn a_file_that_is_written_again_is_live_at_once() {
    let mut watched = Watched::start(Source::File, "dyn.yml", |folder| {
        fs::write(folder.join("dyn.yml"), document(&["a"], 1)).unwrap();
    });
    assert_eq!(routers(&*watched.next().await), ["a=Path(`/1`)"]);
    watched.write("unrelated.yml", &document(&["x"], 9));
    watched.write("dyn.yml", &document(&["a", "b"], 2));
    watched.until(&["a=Path(`/2`)", "b=Path(`/2`)"]).await;
}

#[tokio::test]
async fn a_file_that_is_replaced_by_renaming_is_live_at_once() {
    let mut watched = Watched::start(Source::File, "dyn.yml", |folder| {
        fs::write(folder.join("dyn.yml"), document(&["a"], 1)).unwrap();
    });
    watched.until(&["a=Path(`/1`)"]).await;
    for version in 2..20 {
        watched.write("new", &document(&["a"], version));
        fs::rename(watched.path("new"), watched.path("dyn.yml")).unwrap();
        watched.until(&[&format!("a=Path(`/{version}`)")]).await;
    }
}

/// Makes a generation of a ConfigMap and points `..data` to it, as the kubelet does.
fn swap_config_map(mount: &Path, version: u32) {
    let generation = format!("..gen{version}");
    fs::create_dir_all(mount.join(&generation)).unwrap();
    fs::write(mount.join(&generation).join("dyn.yml"), document(&["a"], version)).unwrap();
    symlink(&generation, mount.join("..data_tmp")).unwrap();
    fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
    if version == 1 {
        symlink("..data/dyn.yml", mount.join("dyn.yml")).unwrap();
    } else {
        fs::remove_dir_all(mount.join(format!("..gen{}", version - 1))).unwrap();
    }
}

#[tokio::test]
async fn a_config_map_is_followed_when_its_generation_is_swapped() {
    for (source, path) in [(Source::File as fn(_) -> _, "dyn.yml"), (Source::Directory, "")] {
        let mut watched = Watched::start(source, path, |mount| swap_config_map(mount, 1));
        watched.until(&["a=Path(`/1`)"]).await;
        for version in 2..10 {
            swap_config_map(watched.folder.path(), version);
            watched.until(&[&format!("a=Path(`/{version}`)")]).await;
        }
    }
}

#[tokio::test]
async fn the_target_of_a_link_is_watched_where_it_stands() {
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("real.yml");
    fs::write(&target, document(&["a"], 1)).unwrap();
    let mut watched = Watched::start(Source::File, "dyn.yml", |folder| {
        symlink(&target, folder.join("dyn.yml")).unwrap();
    });
    watched.until(&["a=Path(`/1`)"]).await;
    fs::write(&target, document(&["a"], 2)).unwrap();
    watched.until(&["a=Path(`/2`)"]).await;
}

#[tokio::test]
async fn a_broken_file_changes_nothing_until_it_is_repaired() {
    let mut watched = Watched::start(Source::File, "dyn.yml", |folder| {
        fs::write(folder.join("dyn.yml"), document(&["a"], 1)).unwrap();
    });
    watched.until(&["a=Path(`/1`)"]).await;
    watched.write("dyn.yml", "http:\n  routers: [{{ nope }}\n");
    watched.write("dyn.yml", "http:\n\trouters: [\n");
    fs::remove_file(watched.path("dyn.yml")).unwrap();
    watched.write("dyn.yml", &document(&["a"], 2));
    assert_eq!(routers(&*watched.next().await), ["a=Path(`/2`)"]);
}

#[tokio::test]
async fn a_first_load_that_fails_is_made_good_later() {
    let mut watched = Watched::start(Source::File, "not/yet/dyn.yml", |_| {});
    fs::create_dir_all(watched.path("not/yet")).unwrap();
    watched.write("not/yet/dyn.yml", &document(&["a"], 1));
    watched.until(&["a=Path(`/1`)"]).await;
}

#[tokio::test]
async fn an_empty_file_removes_everything() {
    let mut watched = Watched::start(Source::File, "dyn.yml", |folder| {
        fs::write(folder.join("dyn.yml"), document(&["a"], 1)).unwrap();
    });
    watched.until(&["a=Path(`/1`)"]).await;
    watched.write("dyn.yml", "");
    watched.until(&[]).await;
}

#[tokio::test]
async fn a_directory_is_followed_with_its_folders_and_files_that_come_and_go() {
    let mut watched = Watched::start(Source::Directory, "", |folder| {
        fs::write(folder.join("a.yml"), document(&["a"], 1)).unwrap();
        fs::write(folder.join("notes.txt"), "not ours").unwrap();
    });
    watched.until(&["a=Path(`/1`)"]).await;
    fs::create_dir_all(watched.path("sub/deep")).unwrap();
    watched.write("sub/deep/b.yml", &document(&["a", "b"], 2));
    watched.until(&["a=Path(`/1`)", "b=Path(`/2`)"]).await;
    watched.write("sub/deep/b.yml", &document(&["b"], 3));
    watched.until(&["a=Path(`/1`)", "b=Path(`/3`)"]).await;
    fs::remove_file(watched.path("a.yml")).unwrap();
    watched.until(&["b=Path(`/3`)"]).await;
    fs::remove_dir_all(watched.path("sub")).unwrap();
    watched.until(&[]).await;
}

#[tokio::test]
async fn a_file_is_never_taken_up_half_written() {
    let names: Vec<String> = (0..200).map(|index| format!("r{index:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut watched = Watched::start(Source::File, "dyn.yml", |folder| {
        fs::write(folder.join("dyn.yml"), document(&names, 0)).unwrap();
    });
    watched.next().await;
    let path = watched.path("dyn.yml");
    let texts: Vec<String> = (1..=100).map(|version| document(&names, version)).collect();
    let writer = thread::spawn(move || {
        for text in texts {
            let mut file = fs::File::create(&path).unwrap();
            for half in text.as_bytes().chunks(text.len() / 2 + 1) {
                file.write_all(half).unwrap();
            }
        }
    });
    loop {
        let routers = routers(&*watched.next().await);
        assert_eq!(routers.len(), names.len());
        if routers[0].ends_with("(`/100`)") {
            break;
        }
    }
    writer.join().unwrap();
}

#[tokio::test]
async fn without_watching_the_provider_sends_once_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("dyn.yml"), document(&["a"], 1)).unwrap();
    let (sender, mut messages) = mpsc::channel(16);
    let source = Source::File(folder.path().join("dyn.yml"));
    start(Options { source, watch: false, debug_log_generated_template: false }, sender).unwrap();
    assert!(messages.recv().await.is_some());
    assert!(messages.recv().await.is_none());
}

fn texts(files: &[(&str, &Arc<str>)]) -> Vec<(PathBuf, Arc<str>)> {
    files.iter().map(|(path, text)| (PathBuf::from(path), Arc::clone(text))).collect()
}

#[test]
fn what_did_not_change_is_neither_parsed_nor_copied() {
    let mut parser = parse::Parser::new(false);
    let stays: Arc<str> = document(&["stays"], 1).into();
    let old: Arc<str> = document(&["a", "b"], 1).into();
    let first = parser.parse(texts(&[("1.yml", &old), ("2.yml", &stays)])).unwrap();
    let again = parser.parse(texts(&[("1.yml", &old), ("2.yml", &stays)])).unwrap();
    assert!(first.is_changed && !again.is_changed);
    assert!(Arc::ptr_eq(&first.configuration, &again.configuration));

    let new: Arc<str> = old.replacen("/1", "/2", 1).into();
    let changed = parser.parse(texts(&[("1.yml", &new), ("2.yml", &stays)])).unwrap();
    let is_shared = |name: &str| {
        let [before, after] =
            [&first, &changed].map(|parsed| &parsed.configuration.http.routers[name]);
        Arc::ptr_eq(before, after)
    };
    assert!(changed.is_changed);
    assert_eq!(["a", "b", "stays"].map(is_shared), [false, true, true]);
}

#[test]
fn a_name_in_two_files_is_taken_from_the_first_with_a_warning() {
    let mut parser = parse::Parser::new(false);
    let [one, two] = [document(&["a"], 1), document(&["a", "b"], 2)].map(Arc::from);
    let parsed = parser.parse(texts(&[("1.yml", &one), ("2.yml", &two)])).unwrap();
    assert_eq!(routers(&parsed.configuration), ["a=Path(`/1`)", "b=Path(`/2`)"]);
    let warnings: Vec<String> = parsed
        .new_diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.kind == Kind::Router)
        .map(ToString::to_string)
        .collect();
    insta::assert_snapshot!(warnings.join("\n"), @"2.yml:3: warning: router a@file: http.routers.a: already configured at 1.yml:3, skipping this one");
}

#[test]
fn a_template_is_rendered_and_its_lines_are_those_of_the_file() {
    let mut parser = parse::Parser::new(true);
    let text =
        "http:\n  routers:\n{{ range until 2 }}\n    r{{ . }}:\n      rule: Path(`/x`)\n{{ end }}";
    let parsed = parser.parse(texts(&[("t.yml", &text.into())])).unwrap();
    let places: Vec<String> = parsed
        .configuration
        .http
        .routers
        .iter()
        .map(|(name, defined)| format!("{name} at {}", defined.place))
        .collect();
    assert_eq!(places, ["r0 at t.yml:4", "r1 at t.yml:4"]);
    let error = parser.parse(texts(&[("t.yml", &"a: 1\n{{ nope }}".into())])).unwrap_err();
    assert_eq!(error.to_string(), "t.yml:2: error: template: unknown function \"nope\"");
}

#[test]
fn what_cannot_be_read_is_said_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("latin.yml"), b"a: 1\nb: \xe9").unwrap();
    let load = |name: &str| {
        let source = Source::File(folder.path().join(name));
        let options = Options { source, watch: true, debug_log_generated_template: false };
        let error = load(&options).unwrap_err().to_string();
        error.replace(folder.path().to_str().unwrap(), "DIR")
    };
    insta::assert_snapshot!(["latin.yml", "missing.yml", ""].map(load).join("\n"), @"
    DIR/latin.yml: error: cannot read: line 2 is not UTF-8
    DIR/missing.yml: error: cannot read: No such file or directory (os error 2)
    DIR/: error: cannot read: is not a regular file
    ");
}
