use super::*;
use crate::{
    body::testing::{Event, Script, data, pause, run, trailers},
    clock::Clock,
};
use proptest::prelude::*;
use std::{future::poll_fn, io::Write, time::Duration};

/// A decoder that shows what it can as soon as it can.
enum Decoder {
    Gzip(flate2::write::GzDecoder<Vec<u8>>),
    Brotli(Box<brotli::DecompressorWriter<Vec<u8>>>),
    Zstd(zstd::stream::write::Decoder<'static, Vec<u8>>),
}

impl Decoder {
    fn new(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Gzip => Self::Gzip(flate2::write::GzDecoder::new(Vec::new())),
            Encoding::Brotli => {
                Self::Brotli(Box::new(brotli::DecompressorWriter::new(Vec::new(), 4096)))
            }
            Encoding::Zstd => Self::Zstd(zstd::stream::write::Decoder::new(Vec::new()).unwrap()),
        }
    }

    fn decode(&mut self, bytes: &[u8]) -> Vec<u8> {
        let writer: &mut dyn Write = match self {
            Self::Gzip(decoder) => decoder,
            Self::Brotli(decoder) => decoder,
            Self::Zstd(decoder) => decoder,
        };
        writer.write_all(bytes).unwrap();
        writer.flush().unwrap();
        std::mem::take(match self {
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Brotli(decoder) => decoder.get_mut(),
            Self::Zstd(decoder) => decoder.get_mut(),
        })
    }

    /// Whether it saw a whole stream.
    fn end(self) {
        match self {
            Self::Gzip(mut decoder) => decoder.try_finish().unwrap(),
            Self::Brotli(mut decoder) => decoder.close().unwrap(),
            Self::Zstd(mut decoder) => decoder.do_finish().unwrap(),
        }
    }
}

/// What comes out, decoded as it comes: `milliseconds text` for each frame, and what ends it.
async fn watch(encoding: Encoding, events: &[Event]) -> Vec<String> {
    let mut encoder = Encoder::new(encoding).unwrap();
    let mut script = Script::new(events.to_vec());
    let mut decoder = Decoder::new(encoding);
    let clock = Clock::start();
    let mut seen = Vec::new();
    while let Some(frame) = poll_fn(|cx| encoder.poll_frame(cx, |cx| script.poll_frame(cx))).await {
        assert!(!encoder.is_done() || seen.iter().all(|line: &String| !line.contains("error")));
        let now = clock.now().0 / 1_000_000;
        let said = match frame.map(Frame::into_data) {
            Ok(Ok(bytes)) => String::from_utf8(decoder.decode(&bytes)).unwrap(),
            Ok(Err(trailers)) => format!("{:?}", trailers.into_trailers().unwrap()),
            Err(error) => {
                seen.push(format!("{now} error {error}"));
                assert!(encoder.is_done());
                return seen;
            }
        };
        if !said.is_empty() {
            seen.push(format!("{now} {said}"));
        }
    }
    assert!(encoder.is_done());
    decoder.end();
    seen
}

#[test]
fn what_there_is_goes_on_before_a_wait() {
    let events = [data("one"), data("two"), pause(1000), data("three"), pause(500), trailers()];
    for encoding in Encoding::ALL {
        let seen = run(watch(encoding, &events));
        assert_eq!(seen, ["0 onetwo", "1000 three", "1500 {\"x-sum\": \"1\"}"], "{encoding:?}");
    }
}

#[test]
fn an_empty_body_is_an_empty_stream() {
    for encoding in Encoding::ALL {
        assert_eq!(run(watch(encoding, &[])), Vec::<String>::new());
        assert_eq!(run(watch(encoding, &[data(""), pause(10)])), Vec::<String>::new());
    }
}

#[test]
fn an_error_ends_it() {
    for encoding in Encoding::ALL {
        let events = [data("one"), pause(1), data("two"), Event::Error("reset"), data("three")];
        assert_eq!(run(watch(encoding, &events)), ["0 one", "1 error reset"]);
    }
}

#[test]
fn a_body_that_never_ends_is_given_in_frames_of_bounded_size() {
    for encoding in Encoding::ALL {
        let mut word = 1_u64;
        let mut noise = move || {
            let bytes = std::iter::repeat_with(|| {
                word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (word >> 56) as u8
            });
            Bytes::from_iter(bytes.take(100_000))
        };
        let mut encoder = Encoder::new(encoding).unwrap();
        let (mut taken, mut given) = (0, 0);
        run(async {
            while taken < 6_000_000 {
                let frame = poll_fn(|cx| {
                    encoder.poll_frame(cx, |_| {
                        let bytes = noise();
                        taken += bytes.len();
                        Poll::Ready(Some(Ok(Frame::data(bytes))))
                    })
                });
                let bytes = frame.await.unwrap().unwrap().into_data().unwrap();
                assert!(bytes.len() <= 512 << 10, "{encoding:?}: {}", bytes.len());
                given += bytes.len();
                assert!(taken - given <= 1 << 20, "{encoding:?} holds {}", taken - given);
            }
        });
    }
}

#[test]
fn others_get_their_turn_where_next_to_nothing_comes_out() {
    for encoding in Encoding::ALL {
        let mut encoder = Encoder::new(encoding).unwrap();
        let zeros = Bytes::from(vec![0; 64 << 10]);
        let mut reads = 0;
        let mut waker = Context::from_waker(std::task::Waker::noop());
        for turn in 1..20 {
            let polled = encoder.poll_frame(&mut waker, |_| {
                reads += 1;
                Poll::Ready(Some(Ok(Frame::data(zeros.clone()))))
            });
            assert!(reads <= turn * 5, "{encoding:?}: {reads} in {turn}");
            assert!(polled.is_pending() || turn > 2, "{encoding:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_body_comes_out_as_it_went_in(
        encoding in prop::sample::select(Encoding::ALL.to_vec()),
        parts in prop::collection::vec(("[a-c]{0,40}", 1..3000_usize, 0..3_u64), 0..12),
    ) {
        let parts: Vec<_> = parts.into_iter().map(|(text, times, ms)| (text.repeat(times), ms)).collect();
        let whole: String = parts.iter().map(|(text, _)| text.as_str()).collect();
        let events = parts.iter().flat_map(|(text, ms)| [data(text), pause(*ms)]);
        let events: Vec<_> = events.filter(|it| !matches!(it, Event::Pause(Duration::ZERO))).collect();
        let seen = run(watch(encoding, &events));
        let text = seen.iter().map(|line| line.split_once(' ').unwrap().1);
        prop_assert_eq!(text.collect::<String>(), whole);
    }
}
