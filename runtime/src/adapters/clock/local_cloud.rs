//! The local cloud's clock, which `billform local clock --advance` moves. Compiled into development bundles alone.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::deadline;
use crate::ports::{Clock, PortError};

/// Answers `{"now":"2026-11-27T09:00:00Z","offset_seconds":0}`; 404 where the local cloud keeps the machine's time.
const PATH: &str = "/_billform/clock";
const DOING: &str = "read the local cloud's clock";
/// It answers from memory.
const PATIENCE: Duration = Duration::from_secs(5);

/// The machine's clock, moved by the offset that the local cloud had at the start of the run.
#[derive(Debug)]
pub struct LocalCloudClock {
    address: SocketAddr,
    offset: Mutex<SignedDuration>,
}

#[derive(Deserialize)]
struct Answer {
    offset_seconds: i64,
}

impl LocalCloudClock {
    /// The clock of the local cloud at this `AWS_ENDPOINT_URL`; none unless it is a loopback address over plain HTTP.
    pub fn at(endpoint: &str) -> Option<LocalCloudClock> {
        let authority = endpoint.strip_prefix("http://")?.split('/').next()?;
        let address = match authority.strip_prefix("localhost:") {
            Some(port) => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port.parse().ok()?),
            None => authority.parse().ok()?,
        };
        address.ip().is_loopback().then(|| LocalCloudClock { address, offset: Mutex::default() })
    }

    /// The offset; none when there is no such clock.
    async fn read(&self) -> Result<SignedDuration, String> {
        let mut stream = TcpStream::connect(self.address).await.map_err(|error| error.to_string())?;
        // HTTP/1.0: the answer ends with the connection and is in one piece.
        let request = format!("GET {PATH} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.map_err(|error| error.to_string())?;
        offset(&answer)
    }
}

fn offset(answer: &str) -> Result<SignedDuration, String> {
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("the answer is not HTTP")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    match status {
        "200" => serde_json::from_str::<Answer>(body)
            .map(|answer| SignedDuration::from_secs(answer.offset_seconds))
            .map_err(|error| error.to_string()),
        "404" => Ok(SignedDuration::ZERO),
        other => Err(format!("it answered {other}")),
    }
}

#[async_trait]
impl Clock for LocalCloudClock {
    fn now(&self) -> Timestamp {
        let offset = *self.offset.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Timestamp::now();
        now.checked_add(offset).unwrap_or(now)
    }

    async fn begin_run(&self) -> Result<(), PortError> {
        let read = tokio::time::timeout(PATIENCE.min(deadline::attempt()), self.read()).await;
        let read = read.unwrap_or_else(|_| Err("it does not answer".to_owned()));
        let offset = read.map_err(|cause| PortError::new(DOING, cause))?;
        *self.offset.lock().unwrap_or_else(PoisonError::into_inner) = offset;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Answers every connection with this, as one HTTP/1.0 server.
    async fn server(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut asked = [0; 256];
                let read = stream.read(&mut asked).await.unwrap_or_default();
                assert!(asked[..read].starts_with(b"GET /_billform/clock HTTP/1.0\r\n"));
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        address
    }

    async fn clock(answer: &'static str) -> LocalCloudClock {
        LocalCloudClock::at(&format!("http://{}", server(answer).await)).expect("a loopback address")
    }

    fn ahead_s(clock: &LocalCloudClock) -> i64 {
        clock.now().duration_since(Timestamp::now()).as_secs()
    }

    #[tokio::test]
    async fn it_is_read_at_the_start_of_a_run_and_kept_within_it() {
        let ahead = "HTTP/1.0 200 OK\r\n\r\n{\"now\":\"2026-12-27T09:00:00Z\",\"offset_seconds\":2592000}";
        let clock = clock(ahead).await;
        assert!(ahead_s(&clock).abs() < 60, "not read yet");
        clock.begin_run().await.expect("it is read");
        assert!((ahead_s(&clock) - 2_592_000).abs() < 60, "{}", ahead_s(&clock));
    }

    #[tokio::test]
    async fn a_cloud_without_a_clock_has_the_machines() {
        let clock = clock("HTTP/1.0 404 Not Found\r\n\r\n").await;
        clock.begin_run().await.expect("a 404 is no failure");
        assert!(ahead_s(&clock).abs() < 60);
    }

    #[tokio::test]
    async fn a_clock_that_cannot_be_read_is_an_error() {
        for answer in ["HTTP/1.0 500 Oops\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n{}", "nonsense"] {
            let error = clock(answer).await.begin_run().await.expect_err("an error");
            assert!(error.to_string().contains("local cloud's clock"), "{error}");
        }
    }

    #[test]
    fn only_loopback_is_asked() {
        for endpoint in ["http://127.0.0.1:4566", "http://localhost:4566/", "http://[::1]:4566", "http://127.0.0.9:1/x"]
        {
            assert!(LocalCloudClock::at(endpoint).is_some(), "{endpoint}");
        }
        for endpoint in [
            "https://127.0.0.1:4566",
            "http://10.0.0.1:4566",
            "http://169.254.169.254:80",
            "http://localhost.evil.example:80",
            "http://127.0.0.1.evil.example:80",
            "http://dynamodb.us-east-1.amazonaws.com",
            "",
        ] {
            assert!(LocalCloudClock::at(endpoint).is_none(), "{endpoint}");
        }
    }
}
