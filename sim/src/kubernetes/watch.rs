//! A watch: every change after a version, until its time is over or it breaks.
use super::{
    Filter, HOST, Kubernetes,
    http::{Request, answer},
    store::number,
};
use crate::{
    http1::{Broken, Pace, Wire},
    net::TurmoilStream,
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{self, Instant};

/// Between two bookmarks.
const BOOKMARKS: Duration = Duration::from_secs(60);
/// How long a watch takes whose client says nothing of it.
const SECONDS: u64 = 1800;
const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
                    Transfer-Encoding: chunked\r\n\r\n";

struct Watch<'a> {
    server: Kubernetes,
    request: &'a Request,
    filter: Filter,
    wire: Wire<TurmoilStream>,
    /// All changes up to this one are told.
    from: u64,
    bookmark: Instant,
    over: Instant,
    /// When it breaks, by which mischief.
    breaks: (Instant, u64),
}

impl Kubernetes {
    pub(super) async fn watch(
        self,
        mut wire: Wire<TurmoilStream>,
        request: &Request,
    ) -> Result<(), Broken> {
        let filter = request.filter();
        let from = number(request.query("resourceVersion"));
        let is_known = from.clone().and_then(|from| self.0.store.borrow().since(&filter, from));
        let what = format!("watch {} from {}", filter.resource, request.query("resourceVersion"));
        let code = is_known.as_ref().map_or_else(|refusal| refusal.code, |_| 200);
        self.0.log.note(HOST, format_args!("{what} -> {code}"));
        let from = match (is_known, from) {
            (_, Err(refusal)) => return answer(&mut wire, Err(refusal)).await,
            // The API has both ways to say that a version is forgotten.
            (Err(refusal), _) if self.draw(|rng, _| rng.percent(50)) => {
                return answer(&mut wire, Err(refusal)).await;
            }
            (_, Ok(from)) => from,
        };
        let seconds = request.query("timeoutSeconds").parse().unwrap_or(SECONDS);
        let over = Instant::now() + Duration::from_secs(seconds);
        let bookmark = Instant::now() + BOOKMARKS;
        wire.write(HEAD.as_bytes(), Pace::FULL).await?;
        let breaks = (over, 0);
        let mut watch = Watch { server: self, request, filter, wire, from, bookmark, over, breaks };
        if watch.run().await? {
            return watch.wire.write(b"0\r\n\r\n", Pace::FULL).await;
        }
        watch.server.0.log.note(HOST, format_args!("{what} breaks"));
        if watch.server.draw(|rng, _| rng.percent(50)) {
            // In the middle of a line.
            watch.wire.write(b"20\r\n{\"type\":\"DELETED\",\"obj", Pace::FULL).await?;
        }
        Ok(())
    }
}

impl Watch<'_> {
    /// Tells until it is over (true) or breaks.
    async fn run(&mut self) -> Result<bool, Broken> {
        let mut changes = self.server.0.changed.subscribe();
        loop {
            let end = self.end();
            if Instant::now() >= end {
                return Ok(end == self.over);
            }
            if !self.tell_news().await? {
                return Ok(true);
            }
            if Instant::now() >= self.bookmark {
                self.tell_bookmark().await?;
            }
            tokio::select! {
                biased;
                () = self.wire.closed() => return Err(Broken::Closed),
                _ = changes.changed() => {}
                () = time::sleep_until(end.min(self.bookmark)) => {}
            }
        }
    }

    fn end(&mut self) -> Instant {
        let mischief = self.server.0.mischiefs.get();
        if self.breaks.1 != mischief {
            let at = self.server.draw(|rng, it| match it.break_after {
                0 => self.over,
                most => Instant::now() + rng.millis(0, most),
            });
            self.breaks = (at, mischief);
        }
        self.over.min(self.breaks.0)
    }

    /// False: it is over, since what is to be told is forgotten.
    async fn tell_news(&mut self) -> Result<bool, Broken> {
        let (version, news) = {
            let store = self.server.0.store.borrow();
            (store.version(), store.since(&self.filter, self.from))
        };
        let news = match news {
            Ok(news) => news,
            Err(refusal) => {
                self.tell(&json!({"type": "ERROR", "object": refusal.status()})).await?;
                return Ok(false);
            }
        };
        if !news.is_empty() {
            let end = self.end();
            let late = Instant::now() + self.server.draw(|rng, it| rng.millis(0, it.late));
            time::sleep_until(late.min(end)).await;
            if late >= end {
                return Ok(true);
            }
        }
        for line in news {
            self.tell(&line).await?;
            if self.server.draw(|rng, it| rng.percent(it.twice)) {
                self.tell(&line).await?;
            }
        }
        self.from = version;
        Ok(true)
    }

    async fn tell_bookmark(&mut self) -> Result<(), Broken> {
        self.bookmark = Instant::now() + BOOKMARKS;
        if self.request.query("allowWatchBookmarks") != "true" {
            return Ok(());
        }
        let (api_version, _) = self.filter.resource.rsplit_once('/').unwrap_or_default();
        let metadata = json!({"resourceVersion": self.from.to_string(), "creationTimestamp": null});
        let object = json!({"kind": self.request.kind, "apiVersion": api_version,
            "metadata": metadata});
        self.tell(&json!({"type": "BOOKMARK", "object": object})).await
    }

    /// A line; it may come in two pieces.
    async fn tell(&mut self, line: &Value) -> Result<(), Broken> {
        let line = format!("{line}\n");
        let at = self.server.draw(|rng, _| rng.length(1, line.len()));
        for piece in [&line.as_bytes()[..at], &line.as_bytes()[at..]] {
            if !piece.is_empty() {
                let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
                chunk.extend(piece);
                chunk.extend(b"\r\n");
                self.wire.write(&chunk, Pace::FULL).await?;
            }
        }
        Ok(())
    }
}
