//! `bench runtime`, its last part: events of paid invoices, signed as Stripe signs them, answered by the deployed webhook.

use std::path::Path;
use std::time::{Duration, Instant};

use localstripe::{Call, Kind, Stripe};
use serde_json::{Value, json};

use crate::Fallible;
use crate::bootstrap::Bootstrap;
use crate::figures::within;
use crate::functions::Function;
use crate::place::Place;

/// The path of the manifest's webhook.
const PATH: &str = "/billing/webhook";
/// What is paid and told of for each measurement, at most.
const EVENTS: usize = 300;
/// Between two events that come one by one: below the pace of calls to Stripe, so that none waits for its turn.
const PAUSE: Duration = Duration::from_millis(150);

/// Events that one process answered, one after the other.
#[derive(Debug)]
pub struct Told {
    /// How they came.
    pub name: &'static str,
    /// From the first to the last.
    pub wall: Duration,
    /// How long each took, the shortest first.
    pub took: Vec<Duration>,
    /// Calls to Stripe.
    pub stripe_calls: u64,
    /// Calls that were over a published rate.
    pub rejections: u64,
    /// The most memory that the process had.
    pub peak_memory_kib: u64,
}

impl Told {
    /// The time within which so many of a hundred were answered.
    pub fn within(&self, percent: usize) -> Duration {
        within(&self.took, percent)
    }
}

/// Has invoices paid and the webhook told of them: with pauses, then without.
pub async fn run(place: &Place, program: &Path, function: &Function) -> Fallible<Vec<Told>> {
    let account = Account { stripe: place.cloud.stripe(), key: &place.cloud.description().stripe_api_key };
    let endpoint = account.endpoint()?;
    let mut paid = account.pay(2 * EVENTS)?;
    account.listens(&endpoint, true)?;
    let mut all = Vec::new();
    let each = (paid.len() / 2).min(EVENTS);
    for (name, pause) in [("with pauses", Some(PAUSE)), ("without pauses", None)] {
        eprintln!("webhooks {name}");
        let events: Vec<String> = paid.drain(..each).collect();
        all.push(told(place, program, function, (name, pause), &account, (&endpoint, &events)).await?);
    }
    account.listens(&endpoint, false)?;
    Ok(all)
}

/// Has Stripe deliver nothing by itself: what the manifest deployed is no program that answers.
pub fn deliver_nothing(place: &Place) -> Fallible<()> {
    let account = Account { stripe: place.cloud.stripe(), key: &place.cloud.description().stripe_api_key };
    account.listens(&account.endpoint()?, false)
}

async fn told(
    place: &Place,
    program: &Path,
    function: &Function,
    (name, pause): (&'static str, Option<Duration>),
    account: &Account<'_>,
    (endpoint, events): (&str, &[String]),
) -> Fallible<Told> {
    let mut bootstrap = Bootstrap::start(program, &function.environment).await?;
    let traffic = place.cloud.traffic();
    traffic.reset();
    let (began, mut took) = (Instant::now(), Vec::with_capacity(events.len()));
    for event in events {
        let sent = account.stripe.sent(event, endpoint).ok_or_else(|| format!("{event} is not sent"))?;
        let request = request(&sent.signature, &sent.body);
        let one = Instant::now();
        let answer = bootstrap.invoke(&request, function.limit).await?;
        took.push(one.elapsed());
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default();
        if answer["statusCode"] != 200 || body["state"] != "applied" {
            return Err(format!("{event} is answered {answer}"));
        }
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
    }
    let (wall, counts, peak_memory_kib) = (began.elapsed(), traffic.counts(), bootstrap.peak_memory_kib());
    bootstrap.stop().await;
    took.sort_unstable();
    let stripe_calls = counts.services.get("stripe").map_or(0, |operations| operations.values().sum());
    Ok(Told { name, wall, took, stripe_calls, rejections: counts.rejected(), peak_memory_kib })
}

/// A request as the HTTP API hands it to the function.
fn request(signature: &str, body: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": format!("POST {PATH}"), "rawPath": PATH,
        "requestContext": {"http": {"method": "POST", "path": PATH}},
        "headers": {"stripe-signature": signature, "content-type": "application/json"}, "body": body,
        "isBase64Encoded": false,
    })
}

/// The account, past HTTP.
struct Account<'a> {
    stripe: &'a Stripe,
    key: &'a str,
}

impl Account<'_> {
    fn post(&self, path: &str, form: &str) -> Fallible<()> {
        let authorization = format!("Bearer {}", self.key);
        let headers = [("authorization", authorization.as_str())];
        let answer = self.stripe.call(Call { method: "POST", path, form, headers: &headers });
        if answer.status == 200 { Ok(()) } else { Err(format!("{path}: {}", answer.json())) }
    }

    fn endpoint(&self) -> Fallible<String> {
        let endpoints = self.stripe.objects(Kind::WebhookEndpoint);
        let id = endpoints.first().and_then(|endpoint| endpoint["id"].as_str());
        id.map(str::to_owned).ok_or_else(|| "there is no webhook endpoint".to_owned())
    }

    fn listens(&self, endpoint: &str, listens: bool) -> Fallible<()> {
        self.post(&format!("/v1/webhook_endpoints/{endpoint}"), &format!("disabled={}", !listens))
    }

    /// Pays so many open invoices by card, as far as there are; the events that say so.
    fn pay(&self, most: usize) -> Fallible<Vec<String>> {
        let open = self.stripe.objects(Kind::Invoice).into_iter().filter(|invoice| invoice["status"] == "open");
        for invoice in open.take(most) {
            let id = invoice["id"].as_str().unwrap_or_default();
            self.post(&format!("/v1/invoices/{id}/pay"), "payment_method=pm_card_visa")?;
        }
        let paid = self.stripe.objects(Kind::Event).into_iter().filter(|event| event["type"] == "invoice.paid");
        Ok(paid.filter_map(|event| event["id"].as_str().map(str::to_owned)).collect())
    }
}
