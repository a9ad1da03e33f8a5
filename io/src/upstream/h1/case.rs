//! Header names as they are written.

/// A word of eight times this byte.
const fn each(byte: u8) -> u64 {
    0x0101_0101_0101_0101 * byte as u64
}

/// Marks a byte of a word: no letter has this bit.
const MARK: u8 = 0x80;

/// `x-real-ip` becomes `X-Real-Ip`. Names are ASCII; eight of their bytes are looked at together, for
/// every request has a hundred or two.
pub(super) fn title(name: &mut [u8]) {
    let length = name.len();
    if length < 8 {
        let mut first = true;
        for byte in name {
            if first {
                byte.make_ascii_uppercase();
            }
            first = *byte == b'-';
        }
        return;
    }
    let mut after_dash = true;
    let (words, _) = name.as_chunks_mut::<8>();
    for word in words {
        after_dash = title_word(word, after_dash);
    }
    // The last word begins inside of the one before: nothing happens to a letter twice.
    let after_dash = length == 8 || name[length - 9] == b'-';
    if let Some(word) = name.last_chunk_mut::<8>() {
        title_word(word, after_dash);
    }
}

/// Returns whether it ends with a dash.
fn title_word(word: &mut [u8; 8], after_dash: bool) -> bool {
    let bytes = u64::from_le_bytes(*word);
    // No byte borrows from its neighbour: all are less than 128.
    let dashes = (each(MARK) - (bytes ^ each(b'-'))) & each(MARK);
    let from = |least: u8| (bytes | each(MARK)) - each(least);
    let letters = from(b'a') & !from(b'z' + 1) & each(MARK);
    let firsts = (dashes << 8) | if after_dash { u64::from(MARK) } else { 0 };
    // A quarter of the mark is what tells a small letter from a capital.
    *word = (bytes ^ ((firsts & letters) >> 2)).to_le_bytes();
    dashes >> 56 != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn simply(name: &str) -> String {
        let mut first = true;
        name.chars()
            .map(|it| {
                let upper = std::mem::replace(&mut first, it == '-');
                if upper { it.to_ascii_uppercase() } else { it }
            })
            .collect()
    }

    fn titled(name: &str) -> String {
        let mut bytes = name.as_bytes().to_vec();
        title(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn every_word_begins_with_a_capital() {
        for (name, want) in [
            ("", ""),
            ("te", "Te"),
            ("x-real-ip", "X-Real-Ip"),
            ("accept-encoding", "Accept-Encoding"),
            ("-a--1b-", "-A--1b-"),
            ("abcdefg-h", "Abcdefg-H"),
        ] {
            assert_eq!(titled(name), want);
        }
    }

    proptest! {
        #[test]
        fn words_of_eight_change_nothing(name in "[-a-z0-9!#$%&'*+.^_`|~]{0,40}") {
            prop_assert_eq!(titled(&name), simply(&name));
        }
    }
}
