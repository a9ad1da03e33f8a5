//! Responses in pieces: however they come, they say the same.
use super::{
    body::{Decoder, Step},
    decode::{self, Begin},
};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method};
use proptest::prelude::*;

/// What a server's bytes come to: a status, fields, a body, trailers, and what is left; or why not.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    interim: Vec<u16>,
    status: Option<u16>,
    fields: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    trailers: Vec<(String, Vec<u8>)>,
    left: Option<Bytes>,
    error: bool,
}

fn fields(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|(n, v)| (n.as_str().to_owned(), v.as_bytes().to_vec())).collect()
}

/// Feeds pieces until the response has ended, then the close.
fn read<'a>(method: &Method, mut pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut input = BytesMut::new();
    let mut decoder = None::<Decoder>;
    let mut closed = false;
    loop {
        let mut bytes = input.split().freeze();
        let result = match &mut decoder {
            None => {
                decode::head(&mut bytes, method, &mut HeaderMap::new()).map(|begin| match begin {
                    Begin::Partial => true,
                    Begin::Interim(status, _) => {
                        outcome.interim.push(status.as_u16());
                        bytes.is_empty()
                    }
                    Begin::Head(head) => {
                        outcome.status = Some(head.parts.status.as_u16());
                        outcome.fields = fields(&head.parts.headers);
                        decoder = Some(Decoder::new(head.framing));
                        false
                    }
                })
            }
            Some(decoder) => decoder.decode(&mut bytes).map(|step| match step {
                Step::More => true,
                Step::Data(data) => {
                    assert!(!data.is_empty());
                    outcome.body.extend(data);
                    false
                }
                Step::Trailers(trailers) => {
                    outcome.trailers = fields(&trailers);
                    false
                }
                Step::End => {
                    closed = true;
                    false
                }
            }),
        };
        input.extend_from_slice(&bytes);
        match result {
            Err(_) => return Outcome { error: true, ..Outcome::default() },
            Ok(false) if closed => {
                pieces.for_each(|it| input.extend_from_slice(it));
                return Outcome { left: Some(input.freeze()), ..outcome };
            }
            Ok(false) => {}
            Ok(true) => match pieces.next() {
                Some(piece) => input.extend_from_slice(piece),
                None if decoder.as_mut().is_some_and(Decoder::close) => {}
                None => return Outcome { error: true, ..Outcome::default() },
            },
        }
    }
}

fn pieces<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|it| it.index(bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let mut pieces = Vec::new();
    let mut start = 0;
    for cut in cuts {
        pieces.push(&bytes[start..cut]);
        start = cut;
    }
    pieces.push(&bytes[start..]);
    pieces
}

fn lines() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![
            "X-[a-z]{0,4}: [ -~]{0,8}\r\n",
            Just("Content-Length: 5\r\n".to_owned()),
            Just("Content-Length: 5, 5\r\n".to_owned()),
            Just("Transfer-Encoding: chunked\r\n".to_owned()),
            Just("Transfer-Encoding: identity\r\n".to_owned()),
            Just("Connection: close\r\n".to_owned()),
        ],
        0..4,
    )
    .prop_map(|lines| lines.concat())
}

/// Something like a response, as a rule a good one.
fn response() -> impl Strategy<Value = Vec<u8>> {
    let interim = prop_oneof![
        3 => Just(String::new()),
        1 => Just("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n".to_owned()),
    ];
    let status = prop_oneof![4 => Just(200_u16), 1 => 99_u16..600];
    let body = prop_oneof![
        Just("hello".to_owned()),
        Just("5\r\nhello\r\n0\r\n\r\n".to_owned()),
        Just("2;x=y\r\nhe\r\n3 \r\nllo\r\n0\r\nX-Sum: 1\r\nX-Max: 2\r\n\r\nHTTP/1.1".to_owned()),
        "[0-9a-f\r\n;h ]{0,12}",
    ];
    (interim, status, lines(), body).prop_map(|(interim, status, lines, body)| {
        format!("{interim}HTTP/1.1 {status} Reason\r\n{lines}\r\n{body}").into_bytes()
    })
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![3 => Just(Method::GET), 1 => Just(Method::HEAD), 1 => Just(Method::CONNECT)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn pieces_say_what_the_whole_says(
        method in method(),
        bytes in response(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let whole = read(&method, std::iter::once(&*bytes));
        prop_assert_eq!(read(&method, pieces(&bytes, &cuts).into_iter()), whole);
    }

    #[test]
    fn single_bytes_say_what_the_whole_says(method in method(), bytes in response()) {
        let whole = read(&method, std::iter::once(&*bytes));
        prop_assert_eq!(read(&method, bytes.chunks(1)), whole);
    }

    #[test]
    fn a_broken_response_is_an_error_or_none_and_never_a_panic(
        method in method(),
        mut bytes in response(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let whole = read(&method, std::iter::once(&*bytes));
        prop_assert_eq!(read(&method, pieces(&bytes, &cuts).into_iter()), whole);
    }
}

#[test]
fn what_follows_a_response_is_left() {
    let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200";
    let outcome = read(&Method::GET, std::iter::once(&bytes[..]));
    assert_eq!((&*outcome.body, outcome.left), (&b"ok"[..], Some("HTTP/1.1 200".into())));
}
