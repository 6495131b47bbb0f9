//! HTTP in front of the local Stripe: connections, bodies and headers.

use std::convert::Infallible;
use std::io::ErrorKind;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Larger than any form Stripe takes.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) authorization: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) account: Option<String>,
    /// The `Host` header: where the client takes this server to be.
    pub(crate) host: Option<String>,
    pub(crate) body: Bytes,
}

/// What an answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The API's.
    Json,
    /// A page for a browser.
    Html,
    /// The browser goes there.
    See(String),
}

/// An answer as it goes.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    pub(crate) kind: Kind,
    pub(crate) request_id: String,
    pub(crate) version: String,
    pub(crate) idempotency_key: Option<String>,
    /// Set when this is the answer to an earlier request with the same key.
    pub(crate) original_request: Option<String>,
}

/// Answers requests.
pub(crate) trait Answer: Clone + Send + Sync + 'static {
    /// The answer; none closes the connection without one.
    fn answer(&self, asked: Asked) -> impl Future<Output = Option<Reply>> + Send;
}

/// The answer was lost on purpose: hyper closes the connection without writing one.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("the answer was dropped by a fault")]
    Dropped,
    #[error("the request could not be read: {0}")]
    Unreadable(String),
}

/// Serves until the listener fails; dropping the future closes every connection.
pub(crate) async fn serve(listener: TcpListener, service: impl Answer) -> std::io::Result<Infallible> {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, service.clone()));
                }
                Err(error) if concerns_one_client(&error) => {}
                Err(error) => return Err(error),
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// A client that gave up while it was being accepted.
fn concerns_one_client(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}

async fn converse(stream: TcpStream, answers: impl Answer) {
    // Small answers would otherwise wait for the client's acknowledgement; without it they are only slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| answer(answers.clone(), request));
    let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    // A client that goes, or an answer dropped on purpose, ends this connection only.
    let _ = connection.await;
}

async fn answer(service: impl Answer, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Ended> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY_BYTES).collect().await;
    let body = body.map_err(|error| Ended::Unreadable(error.to_string()))?.to_bytes();
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let asked = Asked {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        authorization: header("authorization"),
        content_type: header("content-type"),
        idempotency_key: header("idempotency-key"),
        version: header("stripe-version"),
        account: header("stripe-account"),
        host: header("host"),
        body,
    };
    match service.answer(asked).await {
        Some(reply) => Ok(response(reply)),
        None => Err(Ended::Dropped),
    }
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    put("cache-control", "no-cache, no-store");
    match &reply.kind {
        Kind::Json => {
            put("content-type", "application/json");
            put("request-id", &reply.request_id);
            put("stripe-version", &reply.version);
        }
        Kind::Html => {
            put("content-type", "text/html; charset=utf-8");
            put("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'");
            put("referrer-policy", "no-referrer");
        }
        Kind::See(location) => put("location", location),
    }
    if let Some(key) = &reply.idempotency_key {
        put("idempotency-key", key);
    }
    if let Some(original) = &reply.original_request {
        put("idempotent-replayed", "true");
        put("original-request", original);
    }
    response
}
