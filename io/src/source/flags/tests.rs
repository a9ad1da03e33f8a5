use super::*;
use crate::source::tests::lines;
use std::fmt::Write;

fn shown(args: &str) -> String {
    let args: Vec<String> = args.split(' ').filter(|arg| !arg.is_empty()).map(Into::into).collect();
    let mut out = String::new();
    match read(&args) {
        Ok(Flags { tree, config_file, warnings }) => {
            for (key, node) in tree.entries() {
                lines(node, &key.name, &mut out);
            }
            if let Some((path, _)) = config_file {
                writeln!(out, "configFile {path}").unwrap();
            }
            for warning in warnings {
                writeln!(out, "{warning}").unwrap();
            }
        }
        Err(errors) => {
            for error in errors {
                writeln!(out, "{error}").unwrap();
            }
        }
    }
    out
}

#[test]
fn one_dash_or_two_and_the_value_behind_a_sign_or_a_space() {
    for args in [
        "--log.level=INFO",
        "-log.level=INFO",
        "--log.level INFO",
        "-log.level INFO",
        "--log.level=WARN --log.level=INFO",
    ] {
        assert_eq!(shown(args), "0 log.level@0 = Text(\"INFO\")\n", "{args}");
    }
    assert_eq!(shown("--LOG.Level=a=b"), "0 LOG.Level@0 = Text(\"a=b\")\n");
    assert_eq!(shown("--log.level="), "0 log.level@0 = Text(\"\")\n");
    assert_eq!(
        shown("--providers.providersThrottleDuration -1s"),
        "0 providers.providersThrottleDuration@0 = Text(\"-1s\")\n"
    );
}

#[test]
fn a_bare_switch_is_true_and_takes_no_argument() {
    assert_eq!(shown("--api --ping"), "0 api = Text(\"true\")\n0 ping = Text(\"true\")\n");
    assert_eq!(shown("--metrics.prometheus"), "0 metrics.prometheus@0 = Text(\"true\")\n");
    assert_eq!(shown("--api=false"), "0 api = Text(\"false\")\n");
    insta::assert_snapshot!(shown("--api.insecure false --ping"), @r#"
    0 api.insecure@0 = Text("true")
    flags: warning: argument `false` is ignored, and so are the 1 behind it; write --flag=value to give a flag a value
    "#);
    insta::assert_snapshot!(shown("--api.insecure now"), @r#"
    0 api.insecure@0 = Text("true")
    flags: warning: argument `now` is ignored; write --flag=value to give a flag a value
    "#);
    assert_eq!(shown("--ping -- --unknown"), "0 ping = Text(\"true\")\n");
}

#[test]
fn the_first_spelling_of_a_name_stays() {
    insta::assert_snapshot!(
        shown("--entryPoints.Web.address=:80 --entrypoints.web.http.maxHeaderBytes=9000 --entrypoints.Two.address=:81"),
        @r#"
    0 entryPoints.Web@0.address@0 = Text(":80")
    0 entryPoints.Web@0.http@0.maxHeaderBytes@0 = Text("9000")
    0 entryPoints.Two@0.address@0 = Text(":81")
    "#
    );
}

#[test]
fn lists_grow_by_repetition_commas_and_indices() {
    let option = "--serversTransport.rootCAs";
    for args in [
        format!("{option}=a,b,c"),
        format!("{option}=a {option} b,c"),
        format!("{option}[1]=b {option}[2]=c {option}[0]=a"),
        format!("{option}=c {option}[0]=a,b"),
    ] {
        assert_eq!(shown(&args), "0 serversTransport.rootCAs@0 = Text(\"a,b,c\")\n", "{args}");
    }
}

#[test]
fn switching_and_setting_go_together() {
    for args in ["--api --api.debug", "--api.debug --api", "--api=false --api.debug"] {
        assert_eq!(shown(args), "0 api.debug@0 = Text(\"true\")\n", "{args}");
    }
    assert_eq!(shown("--api.debug --api=false"), "0 api = Text(\"false\")\n");
}

#[test]
fn the_file_is_named_in_any_case() {
    for args in ["--configFile=a.yml", "--configfile a.yml", "-CONFIGFILE=b --configFile=a.yml"] {
        assert_eq!(shown(args), "configFile a.yml\n", "{args}");
    }
    assert_eq!(shown("--configFile="), "");
}

#[test]
fn wrong_flags_say_what_is_wrong() {
    insta::assert_snapshot!(
        shown(
            "--log.levell=INFO --entrypoint.web.address :80 --frobnicate x --log.level --ping \
             --log.format[0]=x --entryPoints..address=:80 --=x --api.debug.x --configFile"
        ),
        @"
    flag --log.levell: error: unknown flag; is `level` meant by `levell`?
    flag --entrypoint.web.address: error: unknown flag; is `entryPoints` meant by `entrypoint`?
    flag --frobnicate: error: unknown flag; --help lists them all
    flag --log.level: error: flag needs an argument: write --log.level=value
    flag --log.format[0]: error: this option is no list; remove the brackets
    flag --entryPoints..address: error: unknown flag; --help lists them all
    flag --: error: unknown flag; --help lists them all
    flag --api.debug.x: error: unknown flag; --help lists them all
    flag --configFile: error: flag needs an argument: write --configFile=value
    "
    );
}

#[test]
fn help_is_asked_for_anywhere() {
    for (args, help) in
        [("--help", true), ("x -h", true), ("--ping -help", true), ("--ping", false)]
    {
        let args: Vec<String> = args.split(' ').map(Into::into).collect();
        assert_eq!(wants_help(&args), help);
    }
}
