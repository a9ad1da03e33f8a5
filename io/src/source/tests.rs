use super::*;
use rutter_core::tree::Key;
use std::fmt::Write;

fn yaml(text: &str) -> String {
    show(Path::new("a.yml"), text)
}

fn toml(text: &str) -> String {
    show(Path::new("a.TOML"), text)
}

/// The tree in one line a scalar: `line path = value`, then what was said about it.
fn show(path: &Path, text: &str) -> String {
    match read(path, text) {
        Ok((node, warnings)) => {
            let mut out = String::new();
            lines(&node, "", &mut out);
            for warning in warnings {
                writeln!(out, "{warning}").unwrap();
            }
            out
        }
        Err(error) => error.to_string(),
    }
}

pub(super) fn lines(node: &Node, path: &str, out: &mut String) {
    if let Value::List(items) = &node.value {
        for (index, node) in items.iter().enumerate() {
            lines(node, &format!("{path}[{index}]"), out);
        }
    }
    for (Key { name, place }, node) in node.entries() {
        lines(node, &format!("{path}.{name}@{}", place.line), out);
    }
    let section = matches!(&node.value, Value::List(items) if !items.is_empty());
    if !section && node.entries().is_empty() {
        writeln!(out, "{} {path} = {:?}", node.place.line, node.value).unwrap();
    }
}

#[test]
fn yaml_becomes_a_tree_with_lines() {
    let text = "\u{feff}# comment
http:
  routers:
    app: {rule: 'Host(`a`)', priority: 10,
          middlewares: [a, \"b\"]}
  list:
  - x: 1
    y:
  -
  empty: {}
  none: []
  text: |
    two
    lines
";
    insta::assert_snapshot!(yaml(text), @r#"
    4 .http@2.routers@3.app@4.rule@4 = Text("Host(`a`)")
    4 .http@2.routers@3.app@4.priority@4 = Int(10)
    5 .http@2.routers@3.app@4.middlewares@5[0] = Text("a")
    5 .http@2.routers@3.app@4.middlewares@5[1] = Text("b")
    7 .http@2.list@6[0].x@7 = Int(1)
    8 .http@2.list@6[0].y@8 = Null
    9 .http@2.list@6[1] = Null
    10 .http@2.empty@10 = Map([])
    11 .http@2.none@11 = List([])
    13 .http@2.text@12 = Text("two\nlines\n")
    "#);
}

#[test]
fn yaml_scalars_are_typed_only_where_nothing_is_lost() {
    let text = "
- [true, false, ~, null, '', 1, -7, 1.5, 1e3, 0.10, 0x1F, 0777, 1_000, +1, .inf, .nan, -0]
- [yes, no, on, True, 'true', \"1\", !!str 1, !!int 1, !custom x, 2020-01-01, 1.2.3.4, ':80', 1m30s]
- 99999999999999999999
- -
";
    insta::assert_snapshot!(yaml(text), @r#"
    2 [0][0] = Bool(true)
    2 [0][1] = Bool(false)
    2 [0][2] = Null
    2 [0][3] = Null
    2 [0][4] = Text("")
    2 [0][5] = Int(1)
    2 [0][6] = Int(-7)
    2 [0][7] = Float(1.5)
    2 [0][8] = Text("1e3")
    2 [0][9] = Text("0.10")
    2 [0][10] = Text("0x1F")
    2 [0][11] = Text("0777")
    2 [0][12] = Text("1_000")
    2 [0][13] = Text("+1")
    2 [0][14] = Text(".inf")
    2 [0][15] = Text(".nan")
    2 [0][16] = Float(-0.0)
    3 [1][0] = Text("yes")
    3 [1][1] = Text("no")
    3 [1][2] = Text("on")
    3 [1][3] = Text("True")
    3 [1][4] = Text("true")
    3 [1][5] = Text("1")
    3 [1][6] = Text("1")
    3 [1][7] = Int(1)
    3 [1][8] = Text("x")
    3 [1][9] = Text("2020-01-01")
    3 [1][10] = Text("1.2.3.4")
    3 [1][11] = Text(":80")
    3 [1][12] = Text("1m30s")
    4 [2] = Text("99999999999999999999")
    5 [3][0] = Null
    "#);
}

#[test]
fn yaml_aliases_and_merge_keys_are_expanded() {
    let text = "
base: &base {a: 1, b: 2}
more: &more {b: 3, c: 4}
one: {<<: *base, b: 5}
two:
  a: 0
  <<: [*base, *more]
key: &key name
list: [*key, *base]
*key : x
'<<': quoted
";
    insta::assert_snapshot!(yaml(text), @r#"
    2 .base@2.a@2 = Int(1)
    2 .base@2.b@2 = Int(2)
    3 .more@3.b@3 = Int(3)
    3 .more@3.c@3 = Int(4)
    4 .one@4.b@4 = Int(5)
    2 .one@4.a@2 = Int(1)
    6 .two@5.a@6 = Int(0)
    2 .two@5.b@2 = Int(2)
    3 .two@5.c@3 = Int(4)
    8 .key@8 = Text("name")
    8 .list@9[0] = Text("name")
    2 .list@9[1].a@2 = Int(1)
    2 .list@9[1].b@2 = Int(2)
    10 .name@10 = Text("x")
    11 .<<@11 = Text("quoted")
    "#);
}

#[test]
fn broken_yaml_says_what_and_where() {
    let cases = [
        "a: 1\nb: 2\na: 3\n",
        "a: b: c\n",
        "a:\n\t- b\n",
        "a: [1, 2\n",
        "a: *nowhere\n",
        "a: &a [*a]\n",
        "? [1]\n: x\n",
        "<<: 5\n",
        "a: \"open\n",
        "%YAML 9",
        "a: 1\n---\nb: 2\n",
        "}",
    ];
    let mut out = String::new();
    for text in cases {
        writeln!(out, "{text:?}: {}", yaml(text).trim_end().replace('\n', " | ")).unwrap();
    }
    insta::assert_snapshot!(out, @r#"
    "a: 1\nb: 2\na: 3\n": a.yml:3: error: `a` stands twice in one section, first on line 1; keep one
    "a: b: c\n": a.yml:1: error: not valid YAML: mapping values are not allowed in this context, at column 5
    "a:\n\t- b\n": a.yml:2: error: not valid YAML: tabs disallowed within this context (block indentation), at column 2
    "a: [1, 2\n": a.yml:2: error: not valid YAML: while parsing a flow sequence, expected ',' or ']', at column 1
    "a: *nowhere\n": a.yml:1: error: not valid YAML: while parsing node, found unknown anchor, at column 4
    "a: &a [*a]\n": a.yml:1: error: this alias stands inside of what it names; write it out
    "? [1]\n: x\n": a.yml:1: error: a list or section cannot be a key; quote it if it is meant as text
    "<<: 5\n": a.yml:1: error: `<<` takes sections to merge, such as `*name`
    "a: \"open\n": a.yml:1: error: not valid YAML: while scanning a quoted scalar, found unexpected end of stream, at column 4
    "%YAML 9": a.yml:1: error: not valid YAML: while scanning a YAML directive, did not find expected digit or '.' character, at column 1
    "a: 1\n---\nb: 2\n": 1 .a@1 = Int(1) | a.yml:2: warning: a second document begins here; only the first is read, make it a file of its own
    "}": a.yml:1: error: not valid YAML: while parsing a node, did not find expected node content, at column 1
    "#);
}

#[test]
fn documents_without_content_are_nothing() {
    for text in ["", "\n", "# only a comment\n", "---\n", "---\n...\n"] {
        assert_eq!(parse(Path::new("a.yml"), text).unwrap().value, Value::Null, "{text:?}");
    }
    assert_eq!(parse(Path::new("a.toml"), "").unwrap().value, Value::Map(Vec::new()));
}

#[test]
fn aliases_that_explode_are_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = format!("*a{}", level - 1);
        writeln!(text, "a{level}: &a{level} [{}]", vec![below; 10].join(", ")).unwrap();
    }
    insta::assert_snapshot!(yaml(&text), @"a.yml:6: error: aliases expand to more than 16 MiB; write less of them");
    let mut text = format!("t: &t {}\nl:\n", "x".repeat(1 << 20));
    text += &"- *t\n".repeat(100);
    insta::assert_snapshot!(yaml(&text), @"a.yml:18: error: aliases expand to more than 16 MiB; write less of them");
}

#[test]
fn deep_documents_are_refused() {
    let deep =
        |open: &str, close: &str, n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
    insta::assert_snapshot!(yaml(&deep("[", "]", 65)), @"a.yml:1: error: more than 64 levels of nesting; make it flatter");
    insta::assert_snapshot!(yaml(&deep("{a: ", "}", 100_000)), @"a.yml:1: error: not valid YAML: recursion limit exceeded, at column 1021");
    assert!(read(Path::new("a.yml"), &deep("[", "]", 64)).is_ok());
    let alias =
        format!("a: &a {}\nb: {}", deep("[", "]", 60), "[".repeat(10) + "*a" + &"]".repeat(10));
    insta::assert_snapshot!(yaml(&alias), @"a.yml:2: error: more than 64 levels of nesting; make it flatter");
    insta::assert_snapshot!(toml(&format!("a = {}", deep("[", "]", 70))), @"a.TOML:1: error: more than 64 levels of nesting; make it flatter");
    insta::assert_snapshot!(toml(&format!("a = {}", deep("[", "]", 100_000))), @"a.TOML:1: error: not valid TOML: cannot recurse further; max recursion depth met");
    insta::assert_snapshot!(toml(&format!("[{}]\n", vec!["a"; 70].join("."))), @"a.TOML:1: error: more than 64 levels of nesting; make it flatter");
}

#[test]
fn toml_becomes_a_tree_with_lines() {
    let text = r#"
# comment
[http.routers.app]
  rule = "Host(`a`)"
  middlewares = ["a",
    "b"]
[http.services]
  [http.services.app.loadBalancer]
    [[http.services.app.loadBalancer.servers]]
      url = "http://a"
    [[http.services.app.loadBalancer.servers]]
      url = "http://b"
[other]
z = 1
a.b = { c = 0x1F, d = 1.5, e = 1.10, f = 1979-05-27, g = true }
i = inf
"#;
    insta::assert_snapshot!(toml(text), @r#"
    4 .http@3.routers@3.app@3.rule@4 = Text("Host(`a`)")
    5 .http@3.routers@3.app@3.middlewares@5[0] = Text("a")
    6 .http@3.routers@3.app@3.middlewares@5[1] = Text("b")
    10 .http@3.services@7.app@8.loadBalancer@8.servers@9[0].url@10 = Text("http://a")
    12 .http@3.services@7.app@8.loadBalancer@8.servers@9[1].url@12 = Text("http://b")
    14 .other@13.z@14 = Int(1)
    15 .other@13.a@15.b@15.c@15 = Int(31)
    15 .other@13.a@15.b@15.d@15 = Float(1.5)
    15 .other@13.a@15.b@15.e@15 = Text("1.10")
    15 .other@13.a@15.b@15.f@15 = Text("1979-05-27")
    15 .other@13.a@15.b@15.g@15 = Bool(true)
    16 .other@13.i@16 = Text("inf")
    "#);
}

#[test]
fn broken_toml_says_what_and_where() {
    let mut out = String::new();
    for text in ["a = 1\na = 2\n", "a = \n", "\n[a\n", "a = 99999999999999999999", "x", "a = \"\n"]
    {
        writeln!(out, "{text:?}: {}", toml(text).trim_end().replace('\n', " | ")).unwrap();
    }
    insta::assert_snapshot!(out, @r#"
    "a = 1\na = 2\n": a.TOML:2: error: not valid TOML: duplicate key
    "a = \n": a.TOML:1: error: not valid TOML: string values must be quoted, expected literal string
    "\n[a\n": a.TOML:2: error: not valid TOML: unclosed table, expected `]`
    "a = 99999999999999999999": 1 .a@1 = Text("99999999999999999999")
    "x": a.TOML:1: error: not valid TOML: key with no value, expected `=`
    "a = \"\n": a.TOML:1: error: not valid TOML: invalid basic string, expected `"`
    "#);
}

#[test]
fn the_extension_tells_the_syntax() {
    for (name, supported) in
        [("a.yml", true), ("a.YAML", true), ("a.Toml", true), ("a.json", false), ("yml", false)]
    {
        assert_eq!(is_supported(Path::new(name)), supported, "{name}");
        assert_eq!(parse(Path::new(name), "").is_ok(), supported, "{name}");
    }
    insta::assert_snapshot!(show(Path::new("dir/a.json"), ""), @"dir/a.json: error: unsupported file extension; call it .yaml, .yml or .toml");
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "([-\\[\\]{}:,&*!|>'\"%#?@~<a1.\\t ]|\n|\n  |: |- |<<: |\\*a|&a |---\n|\\PC){0,40}") {
        let _ = read(Path::new("a.yml"), &text);
        let _ = read(Path::new("a.toml"), &text);
    }
}
