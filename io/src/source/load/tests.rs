use super::*;
use crate::source::help;
use std::{fmt::Write, io};

/// Files in memory; those without text cannot be read.
struct Memory(Vec<(&'static str, Option<&'static str>)>);

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<Option<String>> {
        match self.0.iter().find(|(name, _)| Path::new(name) == path) {
            None => Ok(None),
            Some((_, Some(text))) => Ok(Some((*text).to_owned())),
            Some((_, None)) => Err(io::ErrorKind::PermissionDenied.into()),
        }
    }
}

fn loaded(
    args: &[&str],
    variables: &[(&str, &str)],
    files: &[(&'static str, Option<&'static str>)],
) -> Result<Loaded, Vec<Diagnostic>> {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let variables: Vec<_> = variables.iter().map(own).collect();
    load(&args, &variables, &Memory(files.to_vec()))
}

fn shown(result: &Result<Loaded, Vec<Diagnostic>>) -> String {
    let mut out = String::new();
    let diagnostics = match result {
        Ok(loaded) => {
            writeln!(out, "{}", loaded.sources).unwrap();
            for (name, entry_point) in &loaded.configuration.entry_points {
                writeln!(out, "{name} {}", entry_point.address).unwrap();
            }
            &loaded.diagnostics
        }
        Err(errors) => errors,
    };
    for diagnostic in diagnostics {
        writeln!(out, "{diagnostic}").unwrap();
    }
    out
}

const YAML: (&str, Option<&str>) = (
    "/etc/traefik/traefik.yaml",
    Some(
        "entryPoints:
  Web:
    address: ':80'
    transport: {lifeCycle: {graceTimeOut: 7}}
log: {level: INFO, format: json}
ping: {}
http: {}
",
    ),
);

#[test]
fn flags_win_over_environment_over_file_and_all_add_up() {
    let result = loaded(
        &["--log.level=TRACE", "--entryPoints.more.address=:82"],
        &[("TRAEFIK_LOG_LEVEL", "WARN"), ("RUTTER_ENTRYPOINTS_WEB_ADDRESS", ":8000")],
        &[YAML],
    );
    insta::assert_snapshot!(shown(&result), @"
    static configuration: flags over environment over file /etc/traefik/traefik.yaml
    Web :8000
    more :82
    traefik :8080
    ");
    let configuration = result.unwrap().configuration;
    insta::assert_snapshot!(format!("{:?}", configuration.log), @"Log { level: Trace, format: Json, file_path: None }");
    let web = &configuration.entry_points["Web"];
    assert_eq!(web.transport.life_cycle.grace_timeout.0.as_secs(), 7);
}

#[test]
fn nothing_anywhere_is_the_defaults() {
    insta::assert_snapshot!(shown(&loaded(&[], &[("HOME", "/root")], &[])), @"
    static configuration: defaults only
    http :80
    ");
}

#[test]
fn the_named_file_comes_first_and_a_missing_one_is_a_warning() {
    let other: (&str, Option<&str>) = ("/x/other.TOML", Some("[entryPoints.o]\naddress = ':1'\n"));
    let files = [YAML, other];
    let named =
        |path: &str| shown(&loaded(&[&format!("--configFile={path}")], &[("X", "/x")], &files));
    insta::assert_snapshot!(named("$X/other.TOML"), @"
    static configuration: file /x/other.TOML
    o :1
    ");
    insta::assert_snapshot!(named("/x/missing.yml"), @"
    static configuration: file /etc/traefik/traefik.yaml
    Web :80
    traefik :8080
    flag --configFile: warning: there is no file /x/missing.yml; looking in the default places
    ");
    insta::assert_snapshot!(named(" "), @"
    static configuration: file /etc/traefik/traefik.yaml
    Web :80
    traefik :8080
    ");
}

#[test]
fn default_places_are_tried_in_order() {
    let text = |port: u16| -> Option<&'static str> {
        Some(match port {
            1 => "entryPoints: {a: {address: ':1'}}",
            2 => "entryPoints: {a: {address: ':2'}}",
            _ => "entryPoints: {a: {address: ':3'}}",
        })
    };
    let files = [
        ("./traefik.yml", text(3)),
        ("/home/me/.config/rutter.yaml", text(2)),
        ("/home/me/.config/traefik.yml", text(1)),
    ];
    let variables = [("HOME", "/home/me")];
    assert_eq!(
        shown(&loaded(&[], &variables, &files)),
        "static configuration: file /home/me/.config/rutter.yaml\na :2\n"
    );
    assert_eq!(
        shown(&loaded(&[], &[], &files)),
        "static configuration: file ./traefik.yml\na :3\n"
    );
}

#[test]
fn what_is_wrong_names_the_option_and_where_it_came_from() {
    let mut out = String::new();
    let broken: (&str, Option<&str>) =
        ("./traefik.yml", Some("entryPoints:\n  web:\n    a: b: c\n"));
    let unreadable: (&str, Option<&str>) = ("/etc/traefik/traefik.toml", None);
    let cases = [
        loaded(&["--entryPoints.web.address=80"], &[], &[]),
        loaded(&["--log.levvel=x"], &[], &[YAML]),
        loaded(&["--providers.file", "--configFile=x.json"], &[], &[("x.json", Some(""))]),
        loaded(&[], &[("TRAEFIK_ENTRYPOINTS_WEB_ADDRESS", "nowhere")], &[]),
        loaded(&[], &[("RUTTER_LOG_LEVVEL", "x"), ("TRAEFIK_PING_SERVICE_HOST", "x")], &[]),
        loaded(&[], &[], &[("./rutter.yml", Some("log:\n  levvel: x\nlogg: {}\n"))]),
        loaded(&[], &[], &[("./rutter.yml", Some("- x\n"))]),
        loaded(&[], &[], &[("./rutter.yml", Some("http: {}\n"))]),
        loaded(&[], &[], &[("./rutter.yml", Some("# nothing\n"))]),
        loaded(&[], &[], &[broken]),
        loaded(&[], &[], &[unreadable, broken]),
    ];
    for case in &cases {
        out += &shown(case);
        out += "--\n";
    }
    insta::assert_snapshot!(out, @"
    flag --entryPoints.web.address: error: entryPoints.web.address: `80` is no address: the port is missing; write `:80`, `127.0.0.1:80` or `[::1]:80`
    --
    flag --log.levvel: error: unknown flag; is `level` meant by `levvel`?
    --
    x.json: error: unsupported file extension; call it .yaml, .yml or .toml
    --
    environment TRAEFIK_ENTRYPOINTS_WEB_ADDRESS: error: entryPoints.web.address: `nowhere` is no address: the port is missing; write `:80`, `127.0.0.1:80` or `[::1]:80`
    --
    environment RUTTER_LOG_LEVVEL: error: log.levvel: unknown option; is `level` meant?
    --
    ./rutter.yml:2: error: log.levvel: unknown option; is `level` meant?
    ./rutter.yml:3: warning: logg: unknown option, it has no effect; check its spelling and indentation
    --
    ./rutter.yml:1: error: the document is a list, expected options such as `log:`
    --
    static configuration: file ./rutter.yml
    http :80
    ./rutter.yml: warning: nothing of the static configuration stands in it
    --
    static configuration: file ./rutter.yml
    http :80
    ./rutter.yml: warning: nothing of the static configuration stands in it
    --
    ./traefik.yml:3: error: not valid YAML: mapping values are not allowed in this context, at column 9
    --
    /etc/traefik/traefik.toml: error: cannot be read: permission denied; check its kind and permissions
    --
    ");
}

#[test]
fn files_on_disk_are_read_and_missing_ones_are_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rutter.yml");
    assert_eq!(lookup::Disk.read(&path).unwrap(), None);
    assert_eq!(lookup::Disk.read(&path.join("below")).unwrap(), None);
    std::fs::write(&path, "ping: {}\n").unwrap();
    assert_eq!(lookup::Disk.read(&path).unwrap().as_deref(), Some("ping: {}\n"));
    assert_eq!(lookup::Disk.read(&path.join("below")).unwrap(), None);
    assert!(lookup::Disk.read(directory.path()).is_err());
}

#[test]
fn help_lists_every_flag() {
    let text = help::flags();
    for option in options::OPTIONS {
        assert!(text.contains(&format!("  --{}", option.path)), "{}", option.path);
    }
    insta::assert_snapshot!(text.lines().take(7).collect::<Vec<_>>().join("\n"), @"
    Flags (in any case; also as options of a file, and as variables such as RUTTER_ENTRYPOINTS_WEB_ADDRESS):
      --configFile <text>
            The file of the static configuration; else it is looked for.
      --accessLog
            Logs every request.
      --accessLog.filePath <text>
            File to append to; empty: stdout.
    ");
}

proptest::proptest! {
    #[test]
    fn no_arguments_or_variables_panic(
        args in proptest::collection::vec(
            "-{0,3}(entryPoints\\.web|log|ping|api|[a-z.]{0,9}|\\PC{0,3})(\\.[a-zA-Z]{0,9}){0,3}(\\[[0-9]{0,20}\\])?(=.{0,9})?",
            0..6,
        ),
        name in "(TRAEFIK|RUTTER)_(ENTRYPOINTS_WEB|LOG|PING|\\PC{0,3})(_[A-Z0-9]{0,8}){0,3}(\\[[0-9]{0,3}\\])?",
        value in ".{0,9}",
    ) {
        let _ = load(&args, &[(name, value)], &Memory(vec![YAML]));
    }
}
