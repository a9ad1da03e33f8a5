use super::*;
use std::{io::Error, net::SocketAddr};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::{Instant, timeout},
};

const HOUR: Duration = Duration::from_secs(3600);

impl Stream for DuplexStream {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A pump between two streams, and the far ends of these.
fn begin(delay: Option<Duration>) -> (impl Future<Output = ()>, DuplexStream, DuplexStream) {
    let ((client, mut a), (server, mut b)) = (duplex(64), duplex(64));
    let pump = async move { pump(&Scratch::default(), &mut a, &mut b, delay).await };
    (pump, client, server)
}

#[tokio::test(start_paused = true)]
#[allow(clippy::disallowed_methods, reason = "it tells the time of the test")]
async fn one_way_may_stay_open_for_the_delay_after_the_other_has_ended() {
    for millis in [0, 100, 5000] {
        let (pump, mut client, mut server) = begin(Some(Duration::from_millis(millis)));
        let start = Instant::now();
        let ends = async {
            client.shutdown().await.unwrap();
            assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
        };
        tokio::join!(pump, ends);
        let took = u64::try_from(start.elapsed().as_millis()).unwrap();
        assert!((millis..=millis + 1).contains(&took), "{millis} {took}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_delay_it_stays_open_until_it_ends_as_well() {
    let (pump, mut client, mut server) = begin(None);
    let mut pump = Box::pin(pump);
    client.shutdown().await.unwrap();
    assert!(timeout(HOUR, &mut pump).await.is_err());
    server.write_all(b"late").await.unwrap();
    server.shutdown().await.unwrap();
    assert!(timeout(HOUR, &mut pump).await.is_ok());
    let mut late = Vec::new();
    client.read_to_end(&mut late).await.unwrap();
    assert_eq!(late, b"late");
}

/// One that has broken off, and would take what it is sent.
struct Broken(io::ErrorKind);

impl Stream for Broken {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl AsyncRead for Broken {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Err(Error::from(self.0)))
    }
}

impl AsyncWrite for Broken {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_breaks_off_ends_both_ways_and_one_that_ends_without_a_word_only_its_own() {
    for (error, both) in
        [(io::ErrorKind::ConnectionReset, true), (io::ErrorKind::UnexpectedEof, false)]
    {
        let (mut other, mut b) = duplex(64);
        let (scratch, mut a) = (Scratch::default(), Broken(error));
        let ended = timeout(HOUR, pump(&scratch, &mut a, &mut b, None)).await;
        assert_eq!(ended.is_ok(), both, "{error:?}");
        assert_eq!(other.read(&mut [0]).await.unwrap(), 0, "{error:?}");
    }
}
