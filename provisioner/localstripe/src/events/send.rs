//! One delivery over HTTP, to loopback addresses only.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// How long an endpoint may take to answer, in real time.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) url: String,
    pub(crate) signature: String,
    pub(crate) body: String,
}

/// The status that the endpoint answered, or why there is none.
pub(crate) async fn send(post: Post) -> Result<u16, String> {
    let uri: Uri = post.url.parse().map_err(|_| format!("`{}` is not a URL", post.url))?;
    let target = loopback(&uri)?;
    match tokio::time::timeout(PATIENCE, exchange(target, &uri, post)).await {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err(format!("the endpoint did not answer within {} s", PATIENCE.as_secs())),
    }
}

#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error("connecting failed: {0}")]
    Connect(#[from] std::io::Error),
    #[error("the exchange failed: {0}")]
    Exchange(#[from] hyper::Error),
    #[error("the request could not be built: {0}")]
    Build(#[from] http::Error),
}

async fn exchange(target: SocketAddr, uri: &Uri, post: Post) -> Result<u16, SendError> {
    let stream = TcpStream::connect(target).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let host = uri.authority().map_or_else(|| target.to_string(), ToString::to_string);
    let request = Request::post(path)
        .header("host", host)
        .header("content-type", "application/json; charset=utf-8")
        .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
        .header("stripe-signature", post.signature)
        .body(Full::new(Bytes::from(post.body)))?;
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    // The body means nothing to Stripe; it is read so that the endpoint can finish.
    let read = response.into_body().collect().await;
    connection.abort();
    read.map(|_| status).map_err(SendError::from)
}

/// The address behind a URL, when it is this machine's own. Names below `localhost` are loopback by RFC 6761.
fn loopback(uri: &Uri) -> Result<SocketAddr, String> {
    let refused = |why: &str| Err(format!("`{uri}` is not delivered to: {why}"));
    if uri.scheme_str() != Some("http") {
        return refused("the local Stripe speaks plain HTTP to loopback addresses only");
    }
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let address = if host == "localhost" || host.ends_with(".localhost") {
        Some(IpAddr::V4(Ipv4Addr::LOCALHOST))
    } else {
        host.parse::<IpAddr>().ok()
    };
    match address {
        Some(address) if address.is_loopback() => Ok(SocketAddr::new(address, uri.port_u16().unwrap_or(80))),
        _ => refused("it is not a loopback address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_delivered_to() {
        for (url, address) in [
            ("http://127.0.0.1:4600/hook?x=1", "127.0.0.1:4600"),
            ("http://[::1]:80/", "[::1]:80"),
            ("http://localhost/hook", "127.0.0.1:80"),
            ("http://abc.execute-api.localhost:4566/v1", "127.0.0.1:4566"),
        ] {
            assert_eq!(loopback(&url.parse().unwrap()).unwrap(), address.parse().unwrap(), "{url}");
        }
        for url in [
            "http://10.0.0.1/",
            "http://169.254.169.254/latest",
            "http://example.com/",
            "https://127.0.0.1/",
            "http://localhost.example.com/",
            "http://0.0.0.0/",
        ] {
            assert!(loopback(&url.parse().unwrap()).is_err(), "{url}");
        }
    }
}
