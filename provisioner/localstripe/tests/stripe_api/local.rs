//! A running local Stripe for one test, and ways to reach it.

use std::net::Ipv4Addr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use localstripe::{Observer, Options, Stripe, Unobserved, serve};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The one key that is let in.
pub const KEY: &str = "sk_test_integrationtests";
/// 2026-11-01T00:00:00Z; the clock stands there until a test moves it.
pub const START: i64 = 1_793_491_200;

/// A running local Stripe, and ways to reach it.
pub struct Local {
    pub stripe: Stripe,
    /// `http://127.0.0.1:PORT/`
    pub base: String,
    http: Client<HttpConnector, Full<Bytes>>,
    server: JoinHandle<()>,
}

impl Drop for Local {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// One answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The object of a successful answer.
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    /// Status, code and parameter of a refusal.
    pub fn refusal(&self) -> (u16, Option<&str>, Option<&str>) {
        assert!(self.status >= 400, "not refused: {}", self.body);
        let error = &self.body["error"];
        assert!(error["message"].is_string() && error["type"].is_string() && error["request_log_url"].is_string());
        (self.status, error["code"].as_str(), error["param"].as_str())
    }
}

impl Local {
    pub async fn start() -> Local {
        Local::observed(Unobserved).await
    }

    pub async fn observed(observer: impl Observer) -> Local {
        Local::with(Timestamp::from_second(START).ok(), observer).await
    }

    /// One whose clock runs by itself.
    pub async fn running() -> Local {
        Local::with(None, Unobserved).await
    }

    async fn with(start: Option<Timestamp>, observer: impl Observer) -> Local {
        let options = Options { keys: vec![KEY.to_owned()], start, seed: Some(7), ..Options::default() };
        let stripe = Stripe::observed(options, observer);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let served = stripe.clone();
        let server = tokio::spawn(async move {
            serve(listener, served).await.unwrap();
        });
        Local { stripe, base, http: Client::builder(TokioExecutor::new()).build_http(), server }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "", &[]).await
    }

    pub async fn post(&self, path: &str, form: &str) -> Answer {
        self.send(Method::POST, path, form, &[]).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, "", &[]).await
    }

    pub async fn keyed(&self, key: &str, path: &str, form: &str) -> Answer {
        self.send(Method::POST, path, form, &[("idempotency-key", key)]).await
    }

    pub async fn send(&self, method: Method, path: &str, form: &str, headers: &[(&str, &str)]) -> Answer {
        self.try_send(method, path, form, headers).await.expect("an answer")
    }

    /// None when the connection ends without an answer.
    pub async fn try_send(&self, method: Method, path: &str, form: &str, headers: &[(&str, &str)]) -> Option<Answer> {
        let mut request =
            Request::builder().method(method).uri(format!("{}{}", self.base, path.trim_start_matches('/')));
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {KEY}"));
        }
        if !form.is_empty() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(form.as_bytes()))).unwrap();
        let response = self.http.request(request).await.ok()?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        Some(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: serde_json::from_slice(&body).expect("JSON"),
        })
    }

    /// What a browser sees: status, `Location` and text of a page; a form is sent where `form` is not empty.
    pub async fn browse(&self, url: &str, form: &str) -> (u16, String, String) {
        let path = match url.strip_prefix('/') {
            Some(path) => path,
            None => url.splitn(4, '/').nth(3).unwrap_or_default(),
        };
        let uri = format!("{}{path}", self.base);
        let method = if form.is_empty() { Method::GET } else { Method::POST };
        let request = Request::builder().method(method).uri(uri);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.body(Full::new(Bytes::copy_from_slice(form.as_bytes()))).unwrap();
        let (head, body) = self.http.request(request).await.unwrap().into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        if head.status == 200 {
            assert_eq!(head.headers["content-type"], "text/html; charset=utf-8");
            assert!(!text.contains("<script"), "no script: {text}");
        }
        let location = head.headers.get("location").and_then(|value| value.to_str().ok()).unwrap_or_default();
        (head.status.as_u16(), location.to_owned(), text)
    }

    /// A customer with an e-mail address; its id.
    pub async fn customer(&self) -> String {
        id(&self.post("/v1/customers", "name=ACME&email=pay@acme.test").await.ok())
    }

    /// A draft in US dollars for that customer; its id.
    pub async fn draft(&self, customer: &str) -> String {
        id(&self.post("/v1/invoices", &format!("customer={customer}&currency=usd")).await.ok())
    }

    /// An item of that amount on the draft; its id.
    pub async fn item(&self, customer: &str, invoice: &str, amount: i64) -> String {
        let form = format!("customer={customer}&invoice={invoice}&amount={amount}&currency=usd");
        id(&self.post("/v1/invoiceitems", &form).await.ok())
    }
}

/// The id of an object.
pub fn id(object: &Value) -> String {
    object["id"].as_str().expect("an id").to_owned()
}

/// The ids of a page.
pub fn ids(page: &Value) -> Vec<String> {
    page["data"].as_array().expect("a page").iter().map(id).collect()
}
