//! `bench runtime`: the deployed function `pages` writes tenants' pages, from what cost_sync and the invoicer left.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use billing::link::{self, LinkClaims, LinkKey};
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::bootstrap::Bootstrap;
use crate::functions::Function;
use crate::place::Place;
use crate::{Fallible, process};

/// How often each page is asked for once the process is warm, at most.
const ASKED: usize = 300;
/// By so many tenants in turn, at most.
const TENANTS: usize = 20;
/// As often as this by each: one alone may ask 60 times at once.
const BY_EACH: usize = 24;
/// How often a process is started to answer its first page.
const COLD: usize = 15;
/// The name of the secret that signs links.
const LINK_KEY: &str = "bench/link-key";

/// A page, as one process answered it again and again.
#[derive(Debug)]
pub struct Page {
    /// Which page.
    pub name: &'static str,
    /// How long each answer took, its calls to the ledger among it, the shortest first.
    pub took: Vec<Duration>,
    /// Processor time of an answer.
    pub processor: Duration,
    /// From the start of a process to its first answer, the shortest first.
    pub cold: Vec<Duration>,
    /// Calls for an answer, by service.
    pub calls: BTreeMap<String, u64>,
    /// Bytes of the answer, compressed.
    pub bytes: usize,
    /// The most memory that the process had.
    pub peak_memory_kib: u64,
}

/// Asks for the portal and for an invoice.
pub async fn run(
    place: &Place,
    program: &Path,
    function: &Function,
    tenants: usize,
    month: Date,
) -> Fallible<Vec<Page>> {
    let key = LinkKey::from_secret(&Function::secret(place, LINK_KEY).await?).map_err(|error| error.to_string())?;
    let tokens = (0..tenants.min(TENANTS)).map(|tenant| token(&key, tenant)).collect::<Fallible<Vec<_>>>()?;
    let period = month.strftime("%Y-%m").to_string();
    let mut all = Vec::new();
    for (name, route, period) in
        [("portal", "GET /", None), ("invoice", "GET /invoices/{period}", Some(period.as_str()))]
    {
        eprintln!("page: {name}");
        let asked = tokens.iter().map(|token| request(route, period, token)).collect::<Vec<_>>();
        all.push(page(place, program, function, name, &asked).await?);
    }
    Ok(all)
}

async fn page(
    place: &Place,
    program: &Path,
    function: &Function,
    name: &'static str,
    asked: &[Value],
) -> Fallible<Page> {
    let times = ASKED.min(BY_EACH * asked.len());
    let mut cold = Vec::with_capacity(COLD);
    for request in asked.iter().cycle().take(COLD) {
        let mut bootstrap = Bootstrap::start(program, &function.environment).await?;
        let began = Instant::now();
        bytes_of(&bootstrap.invoke(request, function.limit).await?)?;
        cold.push(bootstrap.start + began.elapsed());
        bootstrap.stop().await;
    }
    let mut bootstrap = Bootstrap::start(program, &function.environment).await?;
    for request in asked {
        bytes_of(&bootstrap.invoke(request, function.limit).await?)?;
    }
    let traffic = place.cloud.traffic();
    traffic.reset();
    let (mut took, mut bytes, spent) = (Vec::with_capacity(times), 0, bootstrap.processor_time());
    for request in asked.iter().cycle().take(times) {
        let began = Instant::now();
        let answer = bootstrap.invoke(request, function.limit).await?;
        took.push(began.elapsed());
        bytes = bytes_of(&answer)?;
    }
    let processor = bootstrap.processor_time().saturating_sub(spent) / u32::try_from(times).unwrap_or(1).max(1);
    let (counts, peak_memory_kib) = (traffic.counts(), bootstrap.peak_memory_kib());
    bootstrap.stop().await;
    took.sort_unstable();
    cold.sort_unstable();
    let a_page = |operations: &BTreeMap<String, u64>| operations.values().sum::<u64>() / times.max(1) as u64;
    let calls = counts.services.iter().map(|(service, operations)| (service.clone(), a_page(operations)));
    Ok(Page { name, took, processor, cold, calls: calls.collect(), bytes, peak_memory_kib })
}

/// The bytes of the page that was answered.
fn bytes_of(answer: &Value) -> Fallible<usize> {
    let body = answer["body"].as_str().unwrap_or_default();
    match (answer["statusCode"].as_u64(), answer["isBase64Encoded"].as_bool()) {
        (Some(200), Some(true)) => Ok(body.trim_end_matches('=').len() * 3 / 4),
        _ => Err(format!("the page is answered {answer}")),
    }
}

/// A link of a tenant's: read as their bearer, as the session's cookie is.
fn token(key: &LinkKey, tenant: usize) -> Fallible<String> {
    const DAYS_S: i64 = 30 * 86_400;
    let claims = LinkClaims {
        tenant: format!("tenant-{tenant:05}"),
        expires_at_s: Timestamp::now().as_second() + DAYS_S,
        version: 1,
        purpose: link::PORTAL.to_owned(),
    };
    link::sign(&claims, key).map_err(|error| error.to_string())
}

/// A request as the HTTP API hands it to the function.
fn request(route: &str, period: Option<&str>, token: &str) -> Value {
    let parameters = period.map(|period| json!({ "period": period })).unwrap_or_else(|| json!({}));
    json!({
        "version": "2.0", "routeKey": route, "pathParameters": parameters,
        "requestContext": {"http": {"method": "GET"}},
        "headers": {"authorization": format!("Bearer {token}"), "accept-encoding": "gzip"}, "isBase64Encoded": false,
    })
}

impl Bootstrap {
    /// Its time on a processor so far.
    fn processor_time(&self) -> Duration {
        self.id().and_then(process::processor_time_of).unwrap_or_default()
    }
}
