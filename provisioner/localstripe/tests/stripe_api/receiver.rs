//! An endpoint that takes events: it checks every signature as Stripe's documentation says, and answers as told.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Response};
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One delivery as it came.
#[derive(Clone, Debug)]
pub struct Delivered {
    pub headers: HeaderMap,
    pub raw: Bytes,
}

impl Delivered {
    pub fn event(&self) -> Value {
        serde_json::from_slice(&self.raw).expect("an event")
    }

    pub fn kind(&self) -> String {
        self.event()["type"].as_str().expect("a type").to_owned()
    }

    /// The signature's time, once the signature holds for that secret.
    pub fn verified(&self, secret: &str) -> i64 {
        let header = self.headers["stripe-signature"].to_str().unwrap();
        let part = |name: &str| header.split(',').find_map(|part| part.strip_prefix(name)).unwrap().to_owned();
        let at = part("t=");
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("{at}.").as_bytes());
        mac.update(&self.raw);
        assert_eq!(hex::encode(mac.finalize().into_bytes()), part("v1="));
        at.parse().unwrap()
    }
}

/// A running endpoint.
pub struct Receiver {
    pub url: String,
    taken: Arc<Mutex<Vec<Delivered>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
    server: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Receiver {
    /// Takes everything with 200.
    pub async fn start() -> Receiver {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/hook?from=stripe", listener.local_addr().unwrap());
        let (taken, answers) = (Arc::default(), Arc::default());
        let server = tokio::spawn(serve(listener, Arc::clone(&taken), Arc::clone(&answers)));
        Receiver { url, taken, answers, server }
    }

    /// The statuses of the next deliveries; 200 afterwards.
    pub fn answer(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    pub fn taken(&self) -> Vec<Delivered> {
        self.taken.lock().unwrap().clone()
    }

    /// The types of the events, in the order they came.
    pub fn kinds(&self) -> Vec<String> {
        self.taken().iter().map(Delivered::kind).collect()
    }
}

async fn serve(listener: TcpListener, taken: Arc<Mutex<Vec<Delivered>>>, answers: Arc<Mutex<VecDeque<u16>>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (taken, answers) = (Arc::clone(&taken), Arc::clone(&answers));
        let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let (taken, answers) = (Arc::clone(&taken), Arc::clone(&answers));
            async move {
                let (head, body) = request.into_parts();
                assert_eq!((head.method.as_str(), head.uri.to_string().as_str()), ("POST", "/hook?from=stripe"));
                let raw = body.collect().await.unwrap().to_bytes();
                taken.lock().unwrap().push(Delivered { headers: head.headers, raw });
                let status = answers.lock().unwrap().pop_front().unwrap_or(200);
                let answer = Response::builder().status(status).body(Full::new(Bytes::from_static(b"{}"))).unwrap();
                Ok::<_, Infallible>(answer)
            }
        });
        tokio::spawn(async move {
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
