//! The encoders of the codings that there are, as one.
use brotli::{CompressorWriter, enc::BrotliEncoderParams};
use flate2::{Compression, write::GzEncoder};
use rutter_core::middleware::compress::Encoding;
use std::io::{Result, Write};
use zstd::stream::write::Encoder as ZstdEncoder;

/// Compat: middlewares.md "compress", "gzip level 6 only".
const GZIP_LEVEL: u32 = 6;
/// As fast as gzip or faster, and shorter.
const BROTLI_QUALITY: i32 = 4;
const ZSTD_LEVEL: i32 = 3;
/// How far back the two look, as a power of 2: 256 KiB, so that a response takes about a mebibyte.
const WINDOW: u8 = 18;
/// What brotli hands over at once.
const BROTLI_BUFFER: usize = 4 << 10;

/// An encoder and what it has made so far.
pub(super) enum Codec {
    Gzip(GzEncoder<Vec<u8>>),
    Brotli(Box<CompressorWriter<Vec<u8>>>),
    Zstd(Box<ZstdEncoder<'static, Vec<u8>>>),
}

impl Codec {
    /// # Errors
    /// There is no memory for it.
    pub(super) fn new(encoding: Encoding) -> Result<Self> {
        Ok(match encoding {
            Encoding::Gzip => Self::Gzip(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL))),
            Encoding::Brotli => {
                let parameters = BrotliEncoderParams {
                    quality: BROTLI_QUALITY,
                    lgwin: i32::from(WINDOW),
                    ..BrotliEncoderParams::default()
                };
                let writer = CompressorWriter::with_params(Vec::new(), BROTLI_BUFFER, &parameters);
                Self::Brotli(Box::new(writer))
            }
            Encoding::Zstd => {
                let mut encoder = ZstdEncoder::new(Vec::new(), ZSTD_LEVEL)?;
                encoder.window_log(u32::from(WINDOW))?;
                Self::Zstd(Box::new(encoder))
            }
        })
    }

    /// What was made and not taken.
    pub(super) fn made(&self) -> usize {
        match self {
            Self::Gzip(encoder) => encoder.get_ref().len(),
            Self::Brotli(encoder) => encoder.get_ref().len(),
            Self::Zstd(encoder) => encoder.get_ref().len(),
        }
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(match self {
            Self::Gzip(encoder) => encoder.get_mut(),
            Self::Brotli(encoder) => encoder.get_mut(),
            Self::Zstd(encoder) => encoder.get_mut(),
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer().write_all(bytes)
    }

    /// Makes what a decoder needs to see all that was written.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.writer().flush()
    }

    /// The rest.
    pub(super) fn finish(self) -> Result<Vec<u8>> {
        match self {
            Self::Gzip(encoder) => encoder.finish(),
            Self::Brotli(encoder) => Ok(encoder.into_inner()),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Gzip(encoder) => encoder,
            Self::Brotli(encoder) => encoder,
            Self::Zstd(encoder) => encoder,
        }
    }
}
