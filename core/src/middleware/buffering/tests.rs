use super::*;
use crate::{
    exchange::Delivery,
    middleware::{Origin, testing},
};
use alloc::{string::ToString, vec::Vec};
use proptest::prelude::*;

fn buffers(options: Buffering) -> Buffers {
    options.compile().unwrap()
}

fn retrying(expression: &str) -> Buffers {
    buffers(Buffering { retry_expression: expression.into(), ..Buffering::default() })
}

/// What `buffered` says of a request.
fn buffered(
    buffers: &Buffers,
    head: &mut request::Parts,
    read: Result<u64, BufferError>,
) -> Verdict {
    testing::with_context(|context| buffers.buffered(context, head, read))
}

/// What `outward` says of a response.
fn outward(buffers: &Buffers, status: u16, kept: Option<&mut Kept>) -> Reaction {
    let (mut head, mut delivery) = (testing::response(status, &[]), Delivery::default());
    let mut answer =
        Answer { head: &mut head, origin: Origin::Server, delivery: &mut delivery, kept };
    testing::with_context(|context| buffers.outward(context, &testing::Nothing, &mut answer))
}

fn responded(verdict: &Verdict) -> (u16, &[u8]) {
    let Verdict::Respond(response) = verdict else { panic!("{verdict:?}") };
    (response.status().as_u16(), response.body())
}

#[test]
fn unset_options_have_no_limit_and_a_mebibyte_of_memory() {
    let none = Limits { bytes_max: None, memory_bytes_max: 1_048_576 };
    let Buffers { request, response, retry } = buffers(Buffering::default());
    assert_eq!((request, response, retry), (none, none, None));
    let Buffers { request, response, .. } = buffers(Buffering {
        max_request_body_bytes: 4,
        mem_request_body_bytes: 3,
        max_response_body_bytes: 2,
        mem_response_body_bytes: 1,
        ..Buffering::default()
    });
    assert_eq!(request, Limits { bytes_max: Some(4), memory_bytes_max: 3 });
    assert_eq!(response, Limits { bytes_max: Some(2), memory_bytes_max: 1 });
}

#[test]
fn what_cannot_be_is_refused_with_its_option() {
    let json = [
        r#"{"maxRequestBodyBytes": -1}"#,
        r#"{"memRequestBodyBytes": -2}"#,
        r#"{"maxResponseBodyBytes": -3}"#,
        r#"{"memResponseBodyBytes": -4}"#,
        r#"{"retryExpression": "Attempts() < 2.0"}"#,
        r#"{"retryExpression": "RequestMethod() == GET"}"#,
        r#"{"retryExpression": "NetworkErrorRatio() > 0.5"}"#,
    ];
    let error = |json| serde_json::from_str::<Buffering>(json).unwrap().compile().unwrap_err();
    let errors: Vec<String> = json.into_iter().map(error).collect();
    insta::assert_snapshot!(errors.join("\n"), @r#"
    maxRequestBodyBytes must not be negative (-1)
    memRequestBodyBytes must not be negative (-2)
    maxResponseBodyBytes must not be negative (-3)
    memResponseBodyBytes must not be negative (-4)
    retryExpression: expected a whole number such as 500 to compare Attempts() with, found 2.0 (column 14)
    retryExpression: expected a string in quotes such as "GET" to compare RequestMethod() with, found GET (column 20)
    retryExpression: unsupported function: NetworkErrorRatio; there are Attempts, ResponseCode, RequestMethod, IsNetworkError (column 1)
    "#);
}

#[test]
fn a_request_too_large_is_answered_413_before_and_after_it_was_read() {
    let buffers = buffers(Buffering { max_request_body_bytes: 10, ..Buffering::default() });
    for (length, waits) in [(None, true), (Some("10"), true), (Some("11"), false)] {
        let mut head = testing::head("/", &[]);
        if let Some(length) = length {
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from_static(length));
        }
        let verdict = testing::inward(&buffers, &mut head);
        if let Verdict::Buffer(limits) = verdict {
            assert!(waits && limits.bytes_max == Some(10));
        } else {
            assert!(!waits, "{verdict:?}");
            assert_eq!(responded(&verdict), (413, &b"Request Entity Too Large"[..]));
        }
    }
    for (error, status) in
        [(BufferError::TooLong, 413), (BufferError::Broken, 400), (BufferError::Storage, 500)]
    {
        let verdict = buffered(&buffers, &mut testing::head("/", &[]), Err(error));
        assert_eq!(responded(&verdict).0, status);
    }
}

#[test]
fn a_request_that_was_read_is_sent_with_its_length() {
    let buffers = buffers(Buffering::default());
    for (declared, bytes, sent) in [
        (None, 0, None),
        (None, 7, Some("7")),
        (Some("0"), 0, Some("0")),
        (Some("7"), 7, Some("7")),
    ] {
        let mut head = testing::head("/", &[]);
        if let Some(declared) = declared {
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from_static(declared));
        }
        assert!(matches!(buffered(&buffers, &mut head, Ok(bytes)), Verdict::Continue));
        assert_eq!(head.headers.get(CONTENT_LENGTH).map(|it| it.to_str().unwrap()), sent);
    }
}

/// How often a GET is sent when every answer has this status.
fn sent(expression: &str, status: u16) -> u32 {
    let buffers = retrying(expression);
    let mut head = testing::head("/a", &[]);
    let Verdict::Keep(mut kept) = buffered(&buffers, &mut head, Ok(0)) else {
        panic!("the request is not kept");
    };
    head.uri = http::Uri::from_static("/edited/further/in");
    for attempts in 1.. {
        let reaction = outward(&buffers, status, Some(&mut kept));
        if matches!(reaction, Reaction::Collect(_)) {
            return attempts;
        }
        let Reaction::Resend(head) = reaction else { panic!("{reaction:?}") };
        assert_eq!(head.uri, "/a");
    }
    unreachable!("it ends")
}

#[test]
fn a_request_is_sent_again_while_the_expression_holds_and_at_most_ten_times() {
    for (expression, status, times) in [
        ("IsNetworkError()", 502, 11),
        ("IsNetworkError()", 504, 11),
        ("IsNetworkError()", 503, 1),
        ("IsNetworkError() && Attempts() <= 2", 502, 3),
        ("Attempts() < 2", 200, 2),
        ("ResponseCode() >= 500 && RequestMethod() == `GET`", 500, 11),
        ("ResponseCode() >= 500 && RequestMethod() != `GET`", 500, 1),
    ] {
        assert_eq!(sent(expression, status), times, "{expression} {status}");
    }
}

#[test]
fn responses_are_read_whole_but_for_an_upgrade() {
    let buffers = buffers(Buffering { max_response_body_bytes: 5, ..Buffering::default() });
    let Reaction::Collect(limits) = outward(&buffers, 200, None) else { panic!("not read") };
    assert_eq!(limits.bytes_max, Some(5));
    assert!(matches!(outward(&buffers, 101, None), Reaction::Continue));
}

proptest! {
    #[test]
    fn no_expression_panics_and_what_is_printed_parses_to_the_same(
        text in "(Attempts\\(\\) < 3|IsNetworkError\\(\\)|RequestMethod\\(\\) == `A`| && | \\|\\| |[()]){0,12}",
    ) {
        if let Ok(parsed) = Expression::<Function>::parse(&text) {
            prop_assert_eq!(Expression::parse(&parsed.to_string()), Ok(parsed));
        }
    }
}
