//! The examples of the documentation do what it says they do.
use crate::{
    proxy::{run, serve, settings, written},
    wire::{Message, Server, Wire},
};
use rutter_core::config::Configuration;
use tokio::sync::mpsc;

const MIDDLEWARES: &str = include_str!("../../../docs/middlewares.md");
/// The server of every example.
const SERVER: &str = "http://127.0.0.1:9000";

/// A section with its name, and its fenced blocks with what they are written in.
struct Section<'a> {
    name: &'a str,
    blocks: Vec<(&'a str, &'a str)>,
}

impl<'a> Section<'a> {
    fn all(document: &'a str) -> impl Iterator<Item = Self> {
        document.split("\n## ").skip(1).map(|text| {
            let (name, text) = text.split_once('\n').unwrap();
            let fenced = text.split("\n```").skip(1).step_by(2);
            Section { name, blocks: fenced.map(|block| block.split_once('\n').unwrap()).collect() }
        })
    }

    /// The blocks in a language, `N` at a time.
    fn written_in<const N: usize>(&self, language: &str) -> Vec<[&'a str; N]> {
        let blocks = self.blocks.iter().filter(|block| block.0 == language);
        let texts: Vec<_> = blocks.map(|block| block.1).collect();
        let (groups, rest) = texts.as_chunks();
        let is_complete = !groups.is_empty() && rest.is_empty();
        assert!(is_complete, "{}: blocks of {language} come by {N}", self.name);
        groups.to_vec()
    }
}

#[test]
fn examples_of_middlewares_do_what_they_say() {
    for section in Section::all(MIDDLEWARES) {
        run(async move {
            let (to_server, mut seen) = mpsc::unbounded_channel();
            let server = answering(to_server).await;
            let [[yaml]] = section.written_in("yaml")[..] else { panic!("{}", section.name) };
            let served = serve(settings(), configuration(section.name, yaml, &server)).await;
            for [request, outcome] in section.written_in("http") {
                let mut client = Wire::connect(served.address).await;
                client.send(on_the_wire(request)).await;
                let answer = client.message().await.expect("an answer");
                let seen = seen.try_recv();
                if outcome.starts_with("HTTP/") {
                    check(section.name, outcome, &answer);
                } else {
                    let seen = seen.unwrap_or_else(|_| panic!("{}: {}", section.name, answer.head));
                    check(section.name, outcome, &seen);
                }
            }
        });
    }
}

#[test]
fn the_table_has_a_row_for_each_section_in_the_order_of_the_alphabet() {
    let row = |line: &'static str| line.strip_prefix("| [")?.split(']').next();
    let rows: Vec<_> = MIDDLEWARES.lines().filter_map(row).collect();
    let sections: Vec<_> = Section::all(MIDDLEWARES).map(|section| section.name).collect();
    let mut sorted = rows.clone();
    sorted.sort_by_key(|name| name.to_ascii_lowercase());
    assert_eq!(rows, sorted);
    assert_eq!(rows, sections);
}

/// A server that answers every request and tells what it saw. Returns its URL.
async fn answering(seen: mpsc::UnboundedSender<Message>) -> String {
    let server = Server::start().await;
    let url = server.url();
    tokio::task::spawn_local(async move {
        loop {
            let (mut wire, seen) = (server.accept().await, seen.clone());
            tokio::task::spawn_local(async move {
                while let Some(request) = wire.message().await {
                    let _ = seen.send(request);
                    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await;
                }
            });
        }
    });
    url
}

/// What the file provider makes of an example.
fn configuration(name: &str, yaml: &str, server: &str) -> Configuration {
    for part in [SERVER, &format!("\n      {name}:\n")] {
        assert!(yaml.contains(part), "{name}: no {part:?} in {yaml}");
    }
    written(&yaml.replace(SERVER, server))
}

/// An example's head and body as they are sent.
fn on_the_wire(text: &str) -> String {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    format!("{}\r\n\r\n{body}", head.trim_end().replace('\n', "\r\n"))
}

/// The first line is as wanted, a status by its number, and each header is there with that value; one
/// without a value is not there.
fn check(name: &str, wanted: &str, got: &Message) {
    let mut lines = wanted.lines();
    let first = lines.next().unwrap();
    let is_same = match first.strip_prefix("HTTP/1.1 ") {
        Some(status) => got.first().split(' ').nth(1) == Some(status),
        None => got.first() == first,
    };
    assert!(is_same, "{name}: {first} became {}", got.head);
    for line in lines.take_while(|line| !line.is_empty()) {
        let (header, value) = line.split_once(':').unwrap();
        let fields = got.head.lines().filter_map(|line| line.split_once(':'));
        let mut values = fields.filter(|field| field.0.eq_ignore_ascii_case(header)).map(|it| it.1);
        let is_so = match value.trim() {
            "" => values.next().is_none(),
            value => values.any(|it| it.trim() == value),
        };
        assert!(is_so, "{name}: not {line:?} in {}", got.head);
    }
}
