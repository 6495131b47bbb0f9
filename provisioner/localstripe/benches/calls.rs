//! How many calls a second one process makes of the strict Stripe without HTTP: `cargo bench -p localstripe`. Each tenant
//! has one invoice a month, drawn up with ten lines, finalised, sent, paid and read, while the clock moves by months.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use localstripe::{Call, Options, Stripe};
use serde_json::Value;

const MONTH: SignedDuration = SignedDuration::from_hours(24 * 31);

/// The time the calls of one kind took.
#[derive(Default)]
struct Taken {
    calls: u32,
    time: Duration,
}

struct Client {
    stripe: Stripe,
    taken: Vec<(&'static str, Taken)>,
    keys: u64,
}

impl Client {
    fn call(&mut self, name: &'static str, method: &str, path: &str, form: &str) -> Value {
        self.keys += 1;
        let key = format!("key-{}", self.keys);
        let headers = [("authorization", "Bearer sk_test_local"), ("idempotency-key", key.as_str())];
        let start = Instant::now();
        let answer = self.stripe.call(Call { method, path, form, headers: &headers });
        let time = start.elapsed();
        assert_eq!(answer.status, 200, "{name}: {}", answer.json());
        let at = self.taken.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            self.taken.push((name, Taken::default()));
            self.taken.len() - 1
        });
        self.taken[at].1.calls += 1;
        self.taken[at].1.time += time;
        answer.json()
    }

    fn month(&mut self, customer: &str, lines: &str) {
        let form = format!(
            "customer={customer}&currency=usd&auto_advance=false&collection_method=send_invoice&days_until_due=14\
             &pending_invoice_items_behavior=exclude&metadata[billform:period]=2026-10"
        );
        let invoice = self.call("create", "POST", "/v1/invoices", &form);
        let path = format!("/v1/invoices/{}", invoice["id"].as_str().unwrap_or_default());
        self.call("add_lines", "POST", &format!("{path}/add_lines"), lines);
        self.call("lines", "GET", &format!("{path}/lines?limit=100"), "");
        self.call("finalize", "POST", &format!("{path}/finalize"), "auto_advance=false");
        self.call("send", "POST", &format!("{path}/send"), "");
        self.call("retrieve", "GET", &path, "");
        self.call("list", "GET", &format!("/v1/invoices?customer={customer}&limit=100"), "");
        self.call("pay", "POST", &format!("{path}/pay"), "payment_method=pm_card_visa");
        let payments = format!("/v1/invoice_payments?invoice={}", invoice["id"].as_str().unwrap_or_default());
        self.call("payments", "GET", &payments, "");
    }
}

fn main() {
    let mut sizes = std::env::args().skip(1).filter_map(|size| size.parse::<usize>().ok());
    let (tenants, months) = (sizes.next().unwrap_or(50), sizes.next().unwrap_or(24));
    let start = Timestamp::from_second(1_793_491_200).ok();
    let stripe = Stripe::new(Options { start, seed: Some(1), ..Options::default() });
    let mut client = Client { stripe, taken: Vec::new(), keys: 0 };
    let customers: Vec<String> = (0..tenants)
        .map(|n| client.call("customer", "POST", "/v1/customers", &format!("name=T{n}&email=t{n}@lab.test")))
        .filter_map(|customer| customer["id"].as_str().map(str::to_owned))
        .collect();
    let lines: Vec<String> = (0..10)
        .map(|n| {
            format!(
                "lines[{n}][amount]={}&lines[{n}][description]=Service+{n}&lines[{n}][metadata][service]=s{n}",
                100 * n + 5
            )
        })
        .chain(["invoice_metadata[billform_state]=complete".to_owned()])
        .collect();
    let (lines, begun) = (lines.join("&"), Instant::now());
    for _ in 0..months {
        for customer in &customers {
            client.month(customer, &lines);
        }
        client.stripe.advance(MONTH);
    }
    let calls: u32 = client.taken.iter().map(|(_, taken)| taken.calls).sum();
    println!("{tenants} tenants, {months} months: {calls} calls in {:.2?}", begun.elapsed());
    for (name, taken) in &client.taken {
        let a_second = u128::from(taken.calls) * 1_000_000_000 / taken.time.as_nanos().max(1);
        println!("{name:>10}: {a_second:>7} calls a second");
    }
}
