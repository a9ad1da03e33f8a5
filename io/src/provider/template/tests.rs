use super::*;
use std::fmt::Write as _;

fn outcome(source: &str) -> String {
    match render(source) {
        Ok(Some(rendered)) => rendered.text,
        Ok(None) => String::from("(untouched)"),
        Err(Error { line, message }) => format!("line {line}: {message}"),
    }
}

fn table(sources: &[&str]) -> String {
    sources.iter().fold(String::new(), |mut table, source| {
        let _ = writeln!(table, "{source} => {}", outcome(source).escape_debug());
        table
    })
}

#[test]
fn a_file_without_double_braces_is_untouched() {
    assert_eq!(outcome("rule: HostRegexp(`{sub:[a-z]+}.example`)"), "(untouched)");
}

#[test]
fn single_braces_beside_a_template_are_literal() {
    let rendered = outcome("rule: HostRegexp(`{sub:[a-z]{1,2}}.{{ \"example\" }}`)");
    assert_eq!(rendered, "rule: HostRegexp(`{sub:[a-z]{1,2}}.example`)");
}

#[test]
fn control_flow_follows_go() {
    insta::assert_snapshot!(table(&[
        "{{ range until 3 }}{{ . }},{{ end }}",
        "{{ range $i, $e := until 2 }}{{ $i }}={{ $e }};{{ end }}",
        "{{ range $i := list }}{{ $i }}{{ else }}none{{ end }}",
        "{{ if eq 1 2 }}a{{ else if gt 2 1 }}b{{ else }}c{{ end }}",
        "{{ with env \"RUTTER_SURELY_UNSET\" }}{{ . }}{{ else }}unset{{ end }}",
        "{{ $x := 1 }}{{ range until 3 }}{{ $x = add $x . }}{{ end }}{{ $x }}",
        "a \n {{- 1 -}} \n b",
        "{{/* nothing */}}x",
        "{{ define \"t\" }}<{{ . }}>{{ end }}{{ template \"t\" 5 }}",
        "{{ . }}",
        "{{ range until 9 }}{{ if eq . 2 }}{{ break }}{{ end }}{{ . }}{{ end }}",
    ]), @r#"
    {{ range until 3 }}{{ . }},{{ end }} => 0,1,2,
    {{ range $i, $e := until 2 }}{{ $i }}={{ $e }};{{ end }} => 0=0;1=1;
    {{ range $i := list }}{{ $i }}{{ else }}none{{ end }} => none
    {{ if eq 1 2 }}a{{ else if gt 2 1 }}b{{ else }}c{{ end }} => b
    {{ with env "RUTTER_SURELY_UNSET" }}{{ . }}{{ else }}unset{{ end }} => unset
    {{ $x := 1 }}{{ range until 3 }}{{ $x = add $x . }}{{ end }}{{ $x }} => 4
    a 
     {{- 1 -}} 
     b => a1b
    {{/* nothing */}}x => x
    {{ define "t" }}<{{ . }}>{{ end }}{{ template "t" 5 }} => <5>
    {{ . }} => false
    {{ range until 9 }}{{ if eq . 2 }}{{ break }}{{ end }}{{ . }}{{ end }} => 01
    "#);
}

#[test]
fn functions_answer_as_sprig_does() {
    insta::assert_snapshot!(table(&[
        "{{ printf \"%s-%02d %q %v\" \"a\" 7 \"b\" true }}",
        "{{ print \"a\" 1 2 \"b\" }}{{ println 1 }}",
        "{{ seq 3 }}|{{ seq 3 1 }}|{{ seq 1 2 6 }}|{{ seq 5 1 9 }}|{{ seq 2 -1 9 }}",
        "{{ untilStep 2 8 3 }} {{ until 0 }} {{ until -2 }}",
        "{{ add 1 2 3 }} {{ sub 5 7 }} {{ mul 2 3 4 }} {{ div 7 2 }} {{ mod 7 4 }} {{ add1 \"4\" }}",
        "{{ max 1 5 3 }} {{ min 4 2 }} {{ atoi \"42\" }}",
        "{{ upper \"aé\" }} {{ lower \"AÉ\" }} {{ title \"hello big-world\" }} [{{ trim \"  x \" }}]",
        "{{ replace \".\" \"-\" \"a.b.c\" }} {{ contains \"b\" \"abc\" }} {{ hasPrefix \"a\" \"ab\" }}",
        "{{ hasSuffix \"a\" \"ab\" }} {{ trimPrefix \"a\" \"ab\" }} {{ trimSuffix \".x\" \"b.x\" }}",
        "{{ join \"+\" (split \"a,b,c\" \",\") }} {{ index (splitList \",\" \"x,y\") 1 }}",
        "{{ normalize \"/my_app.v2/\" }} {{ quote \"a\\\"b\" 1 }} {{ squote \"x\" }}",
        "{{ default \"d\" \"\" }} {{ default \"d\" \"v\" }} {{ \"\" | default \"p\" }}",
        "{{ (dict \"a\" 1 \"b\" 2).b }} {{ get (dict \"k\" \"v\") \"k\" }} {{ hasKey (dict) \"k\" }}",
        "{{ ternary \"y\" \"n\" true }} {{ coalesce \"\" 0 \"z\" }} {{ empty (list) }}",
        "{{ first (list 1 2) }}{{ last (list 1 2) }} {{ has 2 (list 1 2) }} {{ len (list 1 2) }}",
        "{{ indent 2 \"a\\nb\" }} {{ repeat 3 \"ab\" }} {{ trunc 2 \"abc\" }} {{ toString 5 }}",
        "{{ and true 0 }} {{ or 0 \"x\" }} {{ not true }} {{ ne 1 2 }} {{ le 2 2 }} {{ lt \"a\" \"b\" }}",
    ]), @r#"
    {{ printf "%s-%02d %q %v" "a" 7 "b" true }} => a-07 \"b\" true
    {{ print "a" 1 2 "b" }}{{ println 1 }} => a1 2b1\n
    {{ seq 3 }}|{{ seq 3 1 }}|{{ seq 1 2 6 }}|{{ seq 5 1 9 }}|{{ seq 2 -1 9 }} => 1 2 3|3 2 1|1 3 5|5 6 7 8 9|
    {{ untilStep 2 8 3 }} {{ until 0 }} {{ until -2 }} => [2 5] [] [0 -1]
    {{ add 1 2 3 }} {{ sub 5 7 }} {{ mul 2 3 4 }} {{ div 7 2 }} {{ mod 7 4 }} {{ add1 "4" }} => 6 -2 24 3 3 5
    {{ max 1 5 3 }} {{ min 4 2 }} {{ atoi "42" }} => 5 2 42
    {{ upper "aé" }} {{ lower "AÉ" }} {{ title "hello big-world" }} [{{ trim "  x " }}] => AÉ aé Hello Big-World [x]
    {{ replace "." "-" "a.b.c" }} {{ contains "b" "abc" }} {{ hasPrefix "a" "ab" }} => a-b-c true true
    {{ hasSuffix "a" "ab" }} {{ trimPrefix "a" "ab" }} {{ trimSuffix ".x" "b.x" }} => false b b
    {{ join "+" (split "a,b,c" ",") }} {{ index (splitList "," "x,y") 1 }} => a+b+c y
    {{ normalize "/my_app.v2/" }} {{ quote "a\"b" 1 }} {{ squote "x" }} => my-app-v2 \"a\\\"b\" \"1\" \'x\'
    {{ default "d" "" }} {{ default "d" "v" }} {{ "" | default "p" }} => d v p
    {{ (dict "a" 1 "b" 2).b }} {{ get (dict "k" "v") "k" }} {{ hasKey (dict) "k" }} => 2 v false
    {{ ternary "y" "n" true }} {{ coalesce "" 0 "z" }} {{ empty (list) }} => y z true
    {{ first (list 1 2) }}{{ last (list 1 2) }} {{ has 2 (list 1 2) }} {{ len (list 1 2) }} => 12 true 2
    {{ indent 2 "a\nb" }} {{ repeat 3 "ab" }} {{ trunc 2 "abc" }} {{ toString 5 }} =>   a\n  b ababab ab 5
    {{ and true 0 }} {{ or 0 "x" }} {{ not true }} {{ ne 1 2 }} {{ le 2 2 }} {{ lt "a" "b" }} => 0 x false true true true
    "#);
}

#[test]
fn mistakes_name_their_line() {
    insta::assert_snapshot!(table(&[
        "a\n{{ nope 1 }}",
        "a\n\n{{ if true }}\n{{ lookup \"x\" | upper }}{{ end }}",
        "a\n{{ if true }}",
        "{{",
        "a\nb {{ $x }}",
        "a\n{{- 1 -}}\n\n{{ div 1 0 }}",
        "{{ range until 2 }}\n{{ index (list 1) . }}{{ end }}",
        "{{ add \"one\" 1 }}",
        "{{ env }}",
        "{{ template \"missing\" }}",
        "{{ range seq 2 }}{{ end }}",
        "{{ range until 2 }}",
        "a{{ end }}b",
        "{{ else }}",
        "{{ \"{{ end }}\" }}{{/* {{ end }} */}}{{- /* {{ if }} */ -}}{{ `}}` }}",
        "{{ if 1 }}{{ end }}{{ end }}",
    ]), @r#"
    a
    {{ nope 1 }} => line 2: template: unknown function \"nope\"
    a

    {{ if true }}
    {{ lookup "x" | upper }}{{ end }} => line 4: template: unknown function \"lookup\"
    a
    {{ if true }} => line 2: template: {{if}} has no {{end}}
    {{ => line 1: template: unclosed action
    a
    b {{ $x }} => line 2: template: undefined variable: $x
    a
    {{- 1 -}}

    {{ div 1 0 }} => line 4: template: div divides by zero or exceeds 64 bits
    {{ range until 2 }}
    {{ index (list 1) . }}{{ end }} => line 2: template: index out of range: 1
    {{ add "one" 1 }} => line 1: template: one is not a whole number
    {{ env }} => line 1: template: env takes 1 arguments, here it has 0
    {{ template "missing" }} => line 1: template: undefined template: missing
    {{ range seq 2 }}{{ end }} => line 1: template: cannot range over string
    {{ range until 2 }} => line 1: template: {{range}} has no {{end}}
    a{{ end }}b => line 1: template: {{end}} closes nothing
    {{ else }} => line 1: template: {{else}} stands outside of a block
    {{ "{{ end }}" }}{{/* {{ end }} */}}{{- /* {{ if }} */ -}}{{ `}}` }} => {{ end }}}}
    {{ if 1 }}{{ end }}{{ end }} => line 1: template: {{end}} closes nothing
    "#);
}

#[test]
fn time_and_memory_are_bounded() {
    insta::assert_snapshot!(table(&[
        "{{ until 2000000 }}",
        "{{ range until 999999 }}{{ range until 999 }}{{ end }}{{ end }}",
        "{{ range until 100000 }}{{ repeat 1000 \"x\" }}{{ end }}",
        "{{ $x := \"xxxxxxxx\" }}{{ range until 99 }}{{ $x = print $x $x }}{{ end }}",
        "{{ $x := list 1 }}{{ range until 99 }}{{ $x = list $x $x }}{{ end }}",
        "{{ $x := repeat 99999 \"x\" }}{{ printf (repeat 9999 \"%[1]s\") $x }}",
        "{{ repeat 9223372036854775807 \"x\" }}",
        "{{ define \"f\" }}{{ template \"f\" }}{{ end }}{{ template \"f\" }}",
        "{{ define \"f\" }}{{ if lt . 60 }}{{ template \"f\" (add . 1) }}{{ template \"f\" (add . 1) }}{{ end }}{{ end }}{{ template \"f\" 0 }}",
        "{{ printf \"%99999999d\" 1 | len }}",
    ]), @r#"
    {{ until 2000000 }} => line 1: template: a range may hold at most 1000000 numbers
    {{ range until 999999 }}{{ range until 999 }}{{ end }}{{ end }} => line 1: template: range iteration budget exhausted
    {{ range until 100000 }}{{ repeat 1000 "x" }}{{ end }} => line 1: template: generates more than 16 MiB
    {{ $x := "xxxxxxxx" }}{{ range until 99 }}{{ $x = print $x $x }}{{ end }} => line 1: template: a value holds more than 16 MiB
    {{ $x := list 1 }}{{ range until 99 }}{{ $x = list $x $x }}{{ end }} => line 1: template: lists and maps may stand at most 16 deep in one another
    {{ $x := repeat 99999 "x" }}{{ printf (repeat 9999 "%[1]s") $x }} => line 1: template: a value would hold more than 16 MiB
    {{ repeat 9223372036854775807 "x" }} => line 1: template: a value would hold more than 16 MiB
    {{ define "f" }}{{ template "f" }}{{ end }}{{ template "f" }} => line 1: template: recursion limit exceeded
    {{ define "f" }}{{ if lt . 60 }}{{ template "f" (add . 1) }}{{ template "f" (add . 1) }}{{ end }}{{ end }}{{ template "f" 0 }} => line 1: template: the template takes more than 2000000 steps
    {{ printf "%99999999d" 1 | len }} => 65535
    "#);
    let nested = format!("{{{{ {}1{} }}}}", "(".repeat(50_000), ")".repeat(50_000));
    assert_eq!(outcome(&nested), "line 0: template: template nesting depth exceeded 100");
    let chain = format!("{{{{ if 0 }}}}{}{{{{ end }}}}", "{{ else if 0 }}".repeat(100_000));
    assert_eq!(outcome(&chain), "line 1: template: more than 64 {{else if}}");
}

#[test]
fn lines_of_the_text_are_traced_to_the_source() {
    let source = "http:\n  services:\n{{ range until 2 }}\n    s{{ . }}:\n      loadBalancer: x\n{{- end }}\n  end: y\n";
    let rendered = render(source).unwrap().unwrap();
    let traced: Vec<String> = rendered
        .text
        .lines()
        .zip(1..)
        .map(|(text, line)| format!("{}: {text}", rendered.source_line(line)))
        .collect();
    insta::assert_snapshot!(traced.join("\n"), @"
    1: http:
    2:   services:
    3: 
    4:     s0:
    5:       loadBalancer: x
    4:     s1:
    5:       loadBalancer: x
    7:   end: y
    ");
}

proptest::proptest! {
    #[test]
    fn nothing_in_a_file_makes_rendering_panic(parts in proptest::collection::vec(
        proptest::sample::select(&[
            "{{", "}}", "{{-", "-}}", " ", "\n", "range", "if", "end", "else", "$x", ":=", "=", "until",
            "3", "-1", "\"a\"", "|", "(", ")", ".", "printf", "\"%s %d\"", "list", "dict", "index", "x",
            "define", "template", "block", "break", "replace", "seq", "é", "`", "'", "/*", "*/",
        ][..]), 0..40)) {
        let _ = render(&parts.concat());
    }
}
