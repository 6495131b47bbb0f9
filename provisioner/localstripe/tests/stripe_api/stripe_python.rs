//! Stripe's own Python package against the local Stripe: it creates, reads, pages, sees refusals as its own exceptions, and
//! verifies what was delivered.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::local::KEY;
use crate::receiver::Receiver;
use crate::{Local, START, id};

const PROGRAM: &str = include_str!("library.py");

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(tool_stripe_python), ignore = "a Python with Stripe's package (stripe-python) is missing")]
async fn the_official_package_works_and_trusts_what_is_signed() {
    let local = Local::start().await;
    let receiver = Receiver::start().await;
    let hook = receiver.url.replace(':', "%3A").replace('?', "%3F").replace('=', "%3D");
    let form = format!("url={hook}&enabled_events[]=customer.created");
    let endpoint = local.post("/v1/webhook_endpoints", &form).await.ok();
    let customer = local.customer().await;
    local.stripe.clock().advance_to(jiff::Timestamp::from_second(START + 1).unwrap()).await;
    let delivered = receiver.taken().pop().expect("a delivery");
    let given = json!({
        "base": local.base.trim_end_matches('/'), "key": KEY, "secret": endpoint["secret"], "customer": customer,
        "payload": String::from_utf8(delivered.raw.to_vec()).unwrap(),
        "signature": delivered.headers["stripe-signature"].to_str().unwrap(), "event": id(&delivered.event()),
    });
    let python = Command::new("stripe-python")
        .args(["-c", PROGRAM])
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut python = python.expect("stripe-python runs");
    python.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = tokio::task::spawn_blocking(move || python.wait_with_output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "28 checks", "{said}");
    let seen = local.stripe.requests();
    assert!(seen.iter().any(|seen| seen.version.as_deref() == Some("2026-10-28.endive")), "{:?}", seen.last());
}
