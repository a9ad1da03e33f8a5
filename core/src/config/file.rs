//! Options that name a file. The core cannot read: the shell does, and fills in what is there.
use super::{Configuration, Defined, Definitions};
use alloc::{
    borrow::ToOwned,
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    sync::Arc,
    vec::Vec,
};
use bytes::Bytes;
use core::fmt;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is in a file, or one line why it cannot be read.
pub type Content = Result<Bytes, Arc<str>>;

/// What is in files, by path as written.
pub type Contents = BTreeMap<Arc<str>, Content>;

/// How PEM begins: such a text is the content itself, not a path.
const PEM: &str = "-----BEGIN";

/// An option that names a file, or holds what would be in it where that is PEM. Empty: not set.
///
/// Two of them are the same only if what was read is: a file that changed is a definition that changed.
/// [`fmt::Debug`] shows no content.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct File {
    written: String,
    content: Option<Content>,
}

impl File {
    /// The option as written.
    #[must_use]
    pub fn new(written: &str) -> Self {
        Self { written: written.to_owned(), content: None }
    }

    /// Whether the option is not set.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    /// The file to read, relative to the working directory of the process.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        (!self.is_empty() && !self.is_inline()).then_some(&*self.written)
    }

    /// Takes in what was read.
    pub fn fill(&mut self, content: Content) {
        self.content = Some(content);
    }

    /// What is in the file. `option` is this option's name.
    ///
    /// # Errors
    /// Why it is not to be had, with the names of option and file.
    pub fn content(&self, option: &str) -> Result<Bytes, String> {
        if self.is_inline() {
            return Ok(Bytes::copy_from_slice(self.written.as_bytes()));
        }
        match &self.content {
            Some(Ok(content)) => Ok(content.clone()),
            Some(Err(reason)) => Err(format!("{option}: cannot read {:?}: {reason}", self.written)),
            None => Err(format!("{option}: {:?} was not read", self.written)),
        }
    }

    fn is_inline(&self) -> bool {
        self.written.contains(PEM)
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_inline() {
            return write!(f, "File(inline, {} bytes)", self.written.len());
        }
        match &self.content {
            Some(Ok(content)) => write!(f, "File({:?}, {} bytes)", self.written, content.len()),
            Some(Err(reason)) => write!(f, "File({:?}, {reason})", self.written),
            None => write!(f, "File({:?})", self.written),
        }
    }
}

/// As written.
impl Serialize for File {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { written: String::deserialize(deserializer)?, content: None })
    }
}

/// A definition some options of which may name files.
pub trait Files {
    /// Every option that is there, set or not.
    fn files(&self) -> Vec<&File>;

    /// The same, to be filled.
    fn files_mut(&mut self) -> Vec<&mut File>;
}

impl Configuration {
    /// The files that its objects name.
    #[must_use]
    pub fn files(&self) -> BTreeSet<&str> {
        let Self { http, tls, .. } = self;
        let http = paths(&http.middlewares).chain(paths(&http.servers_transports));
        let certificates = paths(&tls.certificates).chain(paths(&tls.stores));
        http.chain(certificates).chain(paths(&tls.options)).collect()
    }

    /// The same with what is in the files. A file that `contents` does not have stays unread.
    /// Only objects that name files are copied; a configuration without files comes back as it is.
    #[must_use]
    pub fn with_files(self: &Arc<Self>, contents: &Contents) -> Arc<Self> {
        let mut filled = Arc::clone(self);
        fill(&mut filled, contents, |of| &of.http.middlewares, |of| &mut of.http.middlewares);
        fill(
            &mut filled,
            contents,
            |of| &of.http.servers_transports,
            |of| &mut of.http.servers_transports,
        );
        fill(&mut filled, contents, |of| &of.tls.certificates, |of| &mut of.tls.certificates);
        fill(&mut filled, contents, |of| &of.tls.options, |of| &mut of.tls.options);
        fill(&mut filled, contents, |of| &of.tls.stores, |of| &mut of.tls.stores);
        filled
    }
}

/// Fills definitions of one kind.
fn fill<T: Files + Clone>(
    configuration: &mut Arc<Configuration>,
    contents: &Contents,
    definitions: fn(&Configuration) -> &Definitions<T>,
    definitions_mut: fn(&mut Configuration) -> &mut Definitions<T>,
) {
    let filled = filled(definitions(configuration), contents);
    if !filled.is_empty() {
        definitions_mut(Arc::make_mut(configuration)).extend(filled);
    }
}

/// The files that definitions name.
fn paths<T: Files>(definitions: &Definitions<T>) -> impl Iterator<Item = &str> {
    let read = definitions.values().filter_map(|defined| defined.value.as_ref().ok());
    read.flat_map(Files::files).filter_map(File::path)
}

/// The definitions that name files, with what is in these.
fn filled<T: Files + Clone>(definitions: &Definitions<T>, contents: &Contents) -> Definitions<T> {
    let names_files = |value: &T| value.files().into_iter().any(|file| file.path().is_some());
    let fill = |(name, defined): (&Arc<str>, &Arc<Defined<T>>)| {
        let mut value = defined.value.as_ref().ok().filter(|value| names_files(value))?.clone();
        for file in value.files_mut() {
            if let Some(content) = file.path().and_then(|path| contents.get(path)) {
                file.fill(content.clone());
            }
        }
        let defined = Defined { value: Ok(value), place: defined.place.clone() };
        Some((Arc::clone(name), Arc::new(defined)))
    };
    definitions.iter().filter_map(fill).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Place;
    use alloc::vec;

    #[derive(Clone, Debug, Default, PartialEq)]
    struct Options {
        cert: File,
        key: File,
    }

    impl Files for Options {
        fn files(&self) -> Vec<&File> {
            vec![&self.cert, &self.key]
        }

        fn files_mut(&mut self) -> Vec<&mut File> {
            vec![&mut self.cert, &mut self.key]
        }
    }

    fn definitions(options: &[(&str, &str, &str)]) -> Definitions<Options> {
        let define = |(name, cert, key): &(&str, &str, &str)| {
            let value = Ok(Options { cert: File::new(cert), key: File::new(key) });
            (Arc::from(*name), Arc::new(Defined { value, place: Place::default() }))
        };
        options.iter().map(define).collect()
    }

    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nhunter2\n";

    #[test]
    fn a_file_reads_and_writes_as_its_name() {
        let file: File = serde_json::from_str(r#""/etc/users""#).unwrap();
        assert_eq!(file, File::new("/etc/users"));
        assert_eq!(file.path(), Some("/etc/users"));
        assert_eq!(serde_json::to_string(&file).unwrap(), r#""/etc/users""#);
    }

    #[test]
    fn pem_is_its_own_content() {
        let file = File::new(KEY);
        assert_eq!(file.path(), None);
        assert_eq!(file.content("key").unwrap(), KEY);
    }

    #[test]
    fn an_option_that_is_not_set_names_no_file() {
        assert!(File::default().is_empty() && File::default().path().is_none());
    }

    #[test]
    fn what_cannot_be_read_is_an_error_with_option_and_file() {
        let mut file = File::new("a.pem");
        assert_eq!(file.content("tls.ca").unwrap_err(), "tls.ca: \"a.pem\" was not read");
        file.fill(Err("no such file".into()));
        let error = file.content("tls.ca").unwrap_err();
        assert_eq!(error, "tls.ca: cannot read \"a.pem\": no such file");
    }

    #[test]
    fn debug_shows_no_content() {
        let mut file = File::new("a.pem");
        file.fill(Ok(Bytes::from_static(b"hunter2")));
        let shown = format!("{file:?} {:?}", File::new(KEY));
        assert_eq!(shown, "File(\"a.pem\", 7 bytes) File(inline, 36 bytes)");
    }

    #[test]
    fn another_content_is_another_definition() {
        let with = |text: &'static str| {
            let mut file = File::new("a.pem");
            file.fill(Ok(Bytes::from_static(text.as_bytes())));
            file
        };
        assert_eq!(with("a"), with("a"));
        assert_ne!(with("a"), with("b"));
        assert_ne!(with("a"), File::new("a.pem"));
    }

    #[test]
    fn only_definitions_that_name_files_are_copied() {
        let definitions = definitions(&[("a", "a.pem", KEY), ("b", "", ""), ("c", KEY, KEY)]);
        assert_eq!(paths(&definitions).collect::<Vec<_>>(), ["a.pem"]);
        let contents = Contents::from([("a.pem".into(), Ok(Bytes::from_static(b"cert")))]);
        let filled = filled(&definitions, &contents);
        assert_eq!(filled.keys().map(|name| &**name).collect::<Vec<_>>(), ["a"]);
        let options = filled["a"].value.as_ref().unwrap();
        assert_eq!(options.cert.content("cert").unwrap(), "cert");
    }

    #[test]
    fn a_configuration_without_files_comes_back_as_it_is() {
        let configuration = Arc::new(Configuration::default());
        assert!(Arc::ptr_eq(&configuration, &configuration.with_files(&Contents::new())));
    }
}
