//! A server in front of the site: it sees what a browser asks for and what that weighs, and can change what is answered.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One answer that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// The path that was asked for, without its query.
    pub path: String,
    /// What was answered.
    pub status: u16,
    /// Its type: `text/html; charset=utf-8`.
    pub content_type: String,
    /// The bytes of its body on the wire.
    pub bytes: usize,
}

/// A running one; it ends when this is dropped.
pub struct Front {
    url: String,
    passed: Arc<Mutex<Vec<Passed>>>,
    server: JoinHandle<()>,
}

/// Changes the headers of an answer.
type Change = Box<dyn Fn(&mut HeaderMap) + Send + Sync>;

struct Behind {
    /// `127.0.0.1:4601`.
    authority: String,
    client: Client<HttpConnector, Full<Bytes>>,
    change: Change,
    passed: Arc<Mutex<Vec<Passed>>>,
}

impl Front {
    /// Starts one in front of `http://localhost:PORT`. It is reached as `localhost`, too, at a port of its own.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn before(site: &str, change: impl Fn(&mut HeaderMap) + Send + Sync + 'static) -> Front {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let authority = site.trim_start_matches("http://").trim_end_matches('/').replace("localhost", "127.0.0.1");
        let passed = Arc::<Mutex<Vec<Passed>>>::default();
        let client = Client::builder(TokioExecutor::new()).build_http();
        let behind = Arc::new(Behind { authority, client, change: Box::new(change), passed: Arc::clone(&passed) });
        let server = tokio::spawn(serve(listener, behind));
        Front { url: format!("http://localhost:{port}"), passed, server }
    }

    /// Where it is: `http://localhost:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What passed since this was last asked.
    pub fn passed(&self) -> Vec<Passed> {
        std::mem::take(&mut *self.passed.lock().expect("nobody panicked"))
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, behind: Arc<Behind>) {
    while let Ok((stream, _)) = listener.accept().await {
        let behind = Arc::clone(&behind);
        tokio::spawn(async move {
            let service = service_fn(move |request| pass(Arc::clone(&behind), request));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The host that the browser named stays, so that what is behind takes this for its own address.
async fn pass(behind: Arc<Behind>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Failure> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let asked = parts.uri.path_and_query().map_or("/", |asked| asked.as_str());
    parts.uri = format!("http://{}{asked}", behind.authority).parse::<Uri>()?;
    let body = body.collect().await?.to_bytes();
    let (mut parts, body) = behind.client.request(Request::from_parts(parts, Full::new(body))).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    [CONNECTION, TRANSFER_ENCODING].iter().for_each(|hop| drop(parts.headers.remove(hop)));
    (behind.change)(&mut parts.headers);
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let passed =
        Passed { path, status: parts.status.as_u16(), content_type: content_type.to_owned(), bytes: body.len() };
    behind.passed.lock().expect("nobody panicked").push(passed);
    Ok(Response::from_parts(parts, Full::new(body)))
}
