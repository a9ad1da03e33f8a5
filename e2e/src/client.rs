//! A raw HTTP/1.1 client: what curl hides, such as when a connection closes, is visible here.
use crate::{
    PATIENCE,
    message::{Message, read_body, read_head},
};
use std::{
    io::{self, BufReader, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
};

/// One connection.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Connects; reads give up after [`PATIENCE`].
    ///
    /// # Errors
    /// Those of connecting.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes.as_ref())
    }

    /// Sends a request without a body, keeping the connection.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn send_get(&mut self, host: &str, target: &str) -> io::Result<()> {
        self.send(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
    }

    /// Reads a response, whole.
    ///
    /// # Errors
    /// Those of the connection; `ConnectionAborted` where it closed before the first byte.
    pub fn response(&mut self) -> io::Result<Message> {
        let mut message = self.response_head()?;
        read_body(&mut self.stream, &mut message)?;
        Ok(message)
    }

    /// Reads a response's head only, as before a tunnel.
    ///
    /// # Errors
    /// As [`Self::response`].
    pub fn response_head(&mut self) -> io::Result<Message> {
        read_head(&mut self.stream)?.ok_or_else(|| ErrorKind::ConnectionAborted.into())
    }

    /// One exchange.
    ///
    /// # Errors
    /// As [`Self::response`].
    pub fn get(&mut self, host: &str, target: &str) -> io::Result<Message> {
        self.send_get(host, target)?;
        self.response()
    }

    /// Reads exactly `count` bytes.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn read_bytes(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads until the other side closes, and returns what came.
    ///
    /// # Errors
    /// Those of the connection: a reset is one.
    pub fn read_to_close(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
