//! What a certificate says: names, validity, key and alternative names, found in its DER. RFC 5280.
//!
//! One pass without copies, and as lenient as can be: who takes part in a handshake is not decided
//! here, and a certificate that none would accept costs no more than any other.
use alloc::{borrow::Cow, string::String, string::ToString, vec::Vec};
use core::net::IpAddr;
use der::{
    Choice, DecodeValue, Reader, SliceReader, Tag, TagNumber, Tagged,
    asn1::{AnyRef, GeneralizedTime, UtcTime},
};

/// Subject alternative names: id-ce 17.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1D, 17];
/// The attribute commonName: id-at 3.
pub(crate) const COMMON_NAME: &[u8] = &[0x55, 0x04, 3];

/// The parts of a certificate that are told.
#[derive(Debug, Default)]
pub(crate) struct Certificate<'a> {
    pub(crate) issuer: Name<'a>,
    pub(crate) subject: Name<'a>,
    /// Seconds since 1970; `None`: unreadable, or before.
    pub(crate) not_before: Option<u64>,
    pub(crate) not_after: Option<u64>,
    pub(crate) key: Key<'a>,
    extensions: &'a [u8],
}

/// What kind of key a certificate is about: the contents of object identifiers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Key<'a> {
    pub(crate) algorithm: &'a [u8],
    /// What the algorithm needs besides, where it is an identifier: the curve.
    pub(crate) parameters: &'a [u8],
}

/// Kinds of alternative names: RFC 5280 section 4.2.1.6.
pub(crate) const MAILBOX: u32 = 1;
pub(crate) const DNS: u32 = 2;
pub(crate) const URI: u32 = 6;
pub(crate) const ADDRESS: u32 = 7;

/// A distinguished name: the contents of its sequence.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Name<'a>(&'a [u8]);

impl<'a> Certificate<'a> {
    /// Reads a certificate; `None`: it is none.
    pub(crate) fn read(der: &'a [u8]) -> Option<Self> {
        let certificate = elements(der).next().and_then(sequence)?;
        let mut fields = elements(elements(certificate).next().and_then(sequence)?).peekable();
        fields.next_if(|field| is_context(field.tag(), 0));
        let (_serial, _algorithm) = (fields.next()?, fields.next()?);
        let issuer = fields.next().and_then(sequence)?;
        let mut validity = elements(fields.next().and_then(sequence)?);
        let (not_before, not_after) =
            (validity.next().and_then(time), validity.next().and_then(time));
        let subject = fields.next().and_then(sequence)?;
        let key = fields.next().and_then(sequence).and_then(|info| elements(info).next());
        let mut identifiers = elements(key.and_then(sequence).unwrap_or_default())
            .map(|it| if it.tag() == Tag::ObjectIdentifier { it.value() } else { &[] });
        let algorithm = identifiers.next().unwrap_or_default();
        let key = Key { algorithm, parameters: identifiers.next().unwrap_or_default() };
        let extensions = fields.find(|field| is_context(field.tag(), 3));
        let extensions = extensions.and_then(|it| elements(it.value()).next()).and_then(sequence);
        Some(Self {
            issuer: Name(issuer),
            subject: Name(subject),
            not_before,
            not_after,
            key,
            extensions: extensions.unwrap_or_default(),
        })
    }

    /// The alternative names of a kind; addresses as they are written, those that are none left out.
    pub(crate) fn alternative_names(&self, kind: u32) -> impl Iterator<Item = Cow<'a, [u8]>> {
        let names = elements(self.extensions).filter_map(sequence).find_map(|extension| {
            let mut parts = elements(extension);
            let is_it = parts.next()?.value() == SUBJECT_ALT_NAME;
            let value = parts.last()?.value();
            is_it.then(|| elements(value).next().and_then(sequence))?
        });
        let names = elements(names.unwrap_or_default());
        names.filter(move |name| is_context(name.tag(), kind)).filter_map(move |name| match kind {
            ADDRESS => address(name.value()).map(Cow::Owned),
            _ => Some(Cow::Borrowed(name.value())),
        })
    }
}

impl<'a> Name<'a> {
    /// A name of these contents.
    #[cfg(test)]
    pub(crate) const fn of(contents: &'a [u8]) -> Self {
        Self(contents)
    }

    /// Attributes in order: the contents of the identifier, and the value as text.
    pub(crate) fn attributes(self) -> impl Iterator<Item = (&'a [u8], Cow<'a, [u8]>)> {
        let sets = elements(self.0).filter(|set| set.tag() == Tag::Set);
        let attributes = sets.flat_map(|set| elements(set.value())).filter_map(sequence);
        attributes.filter_map(|attribute| {
            let mut parts = elements(attribute);
            Some((parts.next()?.value(), text(parts.next()?)?))
        })
    }
}

/// The elements one after the other, up to the first that is none.
fn elements(bytes: &[u8]) -> impl Iterator<Item = AnyRef<'_>> {
    let mut reader = SliceReader::new(bytes).ok();
    core::iter::from_fn(move || {
        let reader = reader.as_mut().filter(|reader| !reader.is_finished())?;
        reader.decode().ok()
    })
}

fn sequence(element: AnyRef<'_>) -> Option<&[u8]> {
    (element.tag() == Tag::Sequence).then(|| element.value())
}

fn is_context(tag: Tag, wanted: u32) -> bool {
    matches!(tag, Tag::ContextSpecific { number, .. } if number == TagNumber(wanted))
}

fn time(element: AnyRef<'_>) -> Option<u64> {
    fn decoded<'a, T: Choice<'a> + DecodeValue<'a>>(element: AnyRef<'a>) -> Option<T> {
        element.decode_as().ok()
    }
    let utc = decoded::<UtcTime>(element).map(|time| time.to_unix_duration());
    let time =
        utc.or_else(|| decoded::<GeneralizedTime>(element).map(|it| it.to_unix_duration()))?;
    Some(time.as_secs())
}

/// The text of an attribute. Teletex text goes through as it is: what it means nobody agrees on.
fn text(value: AnyRef<'_>) -> Option<Cow<'_, [u8]>> {
    if value.tag() == Tag::BmpString {
        let units =
            value.value().chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        let text: String =
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        return Some(Cow::Owned(text.into_bytes()));
    }
    let is_text = matches!(
        value.tag(),
        Tag::Utf8String
            | Tag::PrintableString
            | Tag::Ia5String
            | Tag::NumericString
            | Tag::TeletexString
    );
    is_text.then(|| Cow::Borrowed(value.value()))
}

fn address(bytes: &[u8]) -> Option<Vec<u8>> {
    let address = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical(),
        _ => return None,
    };
    Some(address.to_string().into_bytes())
}
