//! Servers for the proxy to forward to: one thread a connection, told what to answer by a closure.
use crate::message::{Message, read_body, read_head};
use std::{
    io::{BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// What a server does with a request.
pub enum Answer {
    /// 200 with this body.
    Text(String),
    /// These bytes, which hold a whole response.
    Raw(Vec<u8>),
    /// The connection is the closure's from here on, and closes when it returns.
    Take(Box<dyn FnOnce(BufReader<TcpStream>) + Send>),
}

/// A server on a loopback port, if nothing else is asked for. Its threads end with the test's process.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Message>>>,
}

impl Server {
    /// Answers every request with its name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let name = name.to_owned();
        Self::start(move |_| Answer::Text(name.clone()))
    }

    /// Answers every request with its head as received.
    #[must_use]
    pub fn echo() -> Self {
        Self::start(|request| Answer::Text(request.head()))
    }

    /// Answers by `respond`, which runs on the connection's thread and may block it.
    ///
    /// # Panics
    /// If it cannot listen.
    #[must_use]
    pub fn start(respond: impl Fn(&Message) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), respond)
    }

    /// The same at an address of one's own choice.
    ///
    /// # Panics
    /// If it cannot listen.
    #[must_use]
    pub fn start_at(
        address: SocketAddr,
        respond: impl Fn(&Message) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).expect("a free address of this machine");
        let address = listener.local_addr().expect("a bound listener has an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (sink, respond) = (Arc::clone(&seen), Arc::new(respond));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (sink, respond) = (Arc::clone(&sink), Arc::clone(&respond));
                thread::spawn(move || serve(stream, &sink, &*respond));
            }
        });
        Self { address, seen }
    }

    /// Its URL, as a dynamic configuration names it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, bodies included.
    #[must_use]
    pub fn seen(&self) -> Vec<Message> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(
    stream: TcpStream,
    seen: &Mutex<Vec<Message>>,
    respond: &(dyn Fn(&Message) -> Answer + Send + Sync),
) {
    let _ = stream.set_nodelay(true);
    let mut stream = BufReader::new(stream);
    while let Ok(Some(mut request)) = read_head(&mut stream) {
        if read_body(&mut stream, &mut request).is_err() {
            return;
        }
        let head_only = request.method() == "HEAD";
        seen.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        let bytes = match respond(&request) {
            Answer::Text(body) => {
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                if head_only { head.into_bytes() } else { (head + &body).into_bytes() }
            }
            Answer::Raw(bytes) => bytes,
            Answer::Take(tunnel) => return tunnel(stream),
        };
        if stream.get_mut().write_all(&bytes).is_err() {
            return;
        }
    }
}
