use super::*;
use proptest::prelude::*;

fn whole(text: &str) -> Option<Read> {
    let (document, warnings) = source::read(Path::new("d.yml"), text).ok()?;
    let (configuration, diagnostics) = read::read(&document);
    Some((configuration, [warnings, diagnostics].concat()))
}

/// Both ways of reading `new`, where both are open.
fn both(old: &str, new: &str) -> Option<(Read, Option<Read>)> {
    let (configuration, diagnostics) = whole(old)?;
    let pieces = Pieces::new(old, &configuration, &diagnostics)?;
    let old = Old {
        text: old,
        pieces: &pieces,
        configuration: &configuration,
        diagnostics: &diagnostics,
    };
    let (_, updated) = Pieces::update(Path::new("d.yml"), new, old)?;
    Some((updated, whole(new)))
}

const DOCUMENT: &str = "\
# first
http:
  routers:
    a:
      rule: Host(`a`) && !Path(`/x`)
      service: s
    b: {rule: 'Path(`/b`)', service: s}
    # about c
    c:
      rule: >-
        Host(`c`) &&

        Path(`/c`)
      service: s
      tsl: x
  services:
    s:
      loadBalancer:
        servers:
        - url: http://127.0.0.1:1
  middlewares:
    m:
      addPrefix:
        prefix: /m
";

#[test]
fn a_changed_object_is_read_alone_and_the_others_are_shared() {
    let (configuration, diagnostics) = whole(DOCUMENT).unwrap();
    let pieces = Pieces::new(DOCUMENT, &configuration, &diagnostics).unwrap();
    assert_eq!(pieces.0.len(), 5);
    let new = DOCUMENT.replace("/m", "/n");
    let old = Old {
        text: DOCUMENT,
        pieces: &pieces,
        configuration: &configuration,
        diagnostics: &diagnostics,
    };
    let (_, (updated, _)) = Pieces::update(Path::new("d.yml"), &new, old).unwrap();
    let [before, after] = [&configuration.http, &updated.http];
    assert!(Arc::ptr_eq(&before.routers["c"], &after.routers["c"]));
    assert_ne!(before.middlewares, after.middlewares);
    assert_eq!(Some((updated, diagnostics.clone())), whole(&new));
}

#[test]
fn places_move_with_the_lines_above() {
    let new = DOCUMENT.replace("# first", "# first\n\n# second");
    let (updated, parsed) = both(DOCUMENT, &new).unwrap();
    assert_eq!(Some(updated), parsed);
}

#[test]
fn the_end_of_the_document_bears_on_a_text_there() {
    let short = "http:\n  routers:\n    a:\n      rule: |\n";
    let long = format!("{short}    b: {{}}\n");
    for (old, new) in [(short, &*long), (&*long, short)] {
        let (updated, parsed) = both(old, new).unwrap();
        assert_eq!(Some(updated), parsed);
    }
}

#[test]
fn what_is_not_plain_is_left_to_the_parser() {
    for odd in [
        DOCUMENT.replace("    b: {", "    b: &b {"),
        DOCUMENT.replace("service: s\n    b", "service: *s\n    b"),
        DOCUMENT.replace("    b: {", "    \"b\": {"),
        DOCUMENT.replace("    b: {", "    b@x: {"),
        DOCUMENT.replace("    b: {", "    a: {"),
        DOCUMENT.replace("  services:", "  routers:"),
        DOCUMENT.replace("# first", "tls: {}"),
        DOCUMENT.replace("# first", "---"),
        DOCUMENT.replace("Path(`/b`)", "{{ env \"X\" }}"),
    ] {
        assert!(both(DOCUMENT, &odd).is_none(), "{odd}");
    }
}

proptest! {
    #[test]
    fn reading_by_pieces_is_reading_the_whole(
        edits in prop::collection::vec((0..40_usize, 0..3_u8, prop::sample::select(&[
            "", "  ", "    x:", "    a:", "    s: {}", "      rule: Path(`/x`)", "      service: t",
            "      rule: 'open", "        rest'", "      rule: \"a", "    b\"", "      rule: |",
            "    # c", "# c", "  services:", "  routers:", "http:", "tcp: {}", "      - x", "    - x",
            "      tsl: 1", "      priority: high", "    d: {rule: x,", "    e: [", "    ]", "      }",
            "     odd: 1", "   odd: 1", "\t", "    ? x", "    : y", "      x: &a y", "...", "---",
            "    null: {}", "    yes: {}", "    c: ~", "    c: x", "      rule: a: b", "    a : {}",
        ][..])), 1..6)
    ) {
        let mut lines: Vec<&str> = DOCUMENT.lines().collect();
        for (at, how, line) in edits {
            let at = at % (lines.len() + 1);
            match how {
                0 => lines.insert(at, line),
                1 if at < lines.len() => lines[at] = line,
                _ if at < lines.len() => { lines.remove(at); }
                _ => {}
            }
        }
        let new = lines.join("\n");
        if let Some((updated, parsed)) = both(DOCUMENT, &new) {
            let Some((configuration, mut diagnostics)) = parsed else {
                return Err(TestCaseError::fail(format!("the whole is refused:\n{new}")));
            };
            diagnostics.sort_by_key(|diagnostic| diagnostic.place.line);
            prop_assert_eq!(updated, (configuration, diagnostics), "{}", new);
        }
    }
}
