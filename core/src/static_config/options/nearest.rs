//! What was meant by a name that is not known.
use super::{OPTIONS, is_below};
use alloc::vec::Vec;

/// The option of the same section whose name is most like the last of `path`, if any is.
#[must_use]
pub fn nearest(path: &[&str]) -> Option<&'static str> {
    let (name, section) = path.split_last()?;
    let names = OPTIONS.iter().filter(|option| is_below(option.path, section));
    let names = names.filter_map(|option| option.path.split('.').nth(section.len()));
    let measured = names.map(|known| (distance(known, name), known));
    measured.min().filter(|(distance, _)| *distance <= 2 + name.len() / 8).map(|(_, known)| known)
}

/// Letters to change, add or drop to make one name of the other, in any case. Names longer than any
/// option count as far away.
fn distance(known: &str, name: &str) -> usize {
    if name.len() > 64 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=name.len()).collect();
    for (at, a) in known.bytes().enumerate() {
        let mut corner = at;
        let mut left = at + 1;
        for (b, cell) in name.bytes().zip(row.iter_mut().skip(1)) {
            let swapped = corner + usize::from(!a.eq_ignore_ascii_case(&b));
            corner = *cell;
            left = swapped.min(corner + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelled_options_are_recognised() {
        let cases: [(&[&str], Option<&str>); 8] = [
            (&["entrypoint"], Some("entryPoints")),
            (&["EntryPoints", "web", "adress"], Some("address")),
            (&["pong"], Some("ping")),
            (&["log", "filepth"], Some("filePath")),
            (&["providers", "dokcer"], Some("docker")),
            (&["frobnicate"], None),
            (&["log", "x"], None),
            (&[], None),
        ];
        for (path, known) in cases {
            assert_eq!(nearest(path), known, "{path:?}");
        }
        assert_eq!(distance("abc", "ABD"), 1);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
