//! The portal for those without a mouse, and for those without JavaScript.

use http::HeaderValue;
use http::header::SET_COOKIE;
use serde_json::{Value, json};
use tests::stage::{Browser, Front, Setup, Stage, send};

use super::payments::{after, default_method, pass_until, set_up, stage, standing};

/// More keys than any page takes from its top to its end.
const MOST_TABS: usize = 60;

/// A tenant with an invoice that was declined: something to read, and something to do. Their link's token.
async fn scene() -> (Stage, String) {
    let (stage, first) = stage("USD").await;
    set_up(&stage, "pm_card_chargeCustomerFail", "").await;
    default_method(&stage).await;
    pass_until(&stage, after(first, 18)).await;
    standing(&stage, first, "failed").await;
    let link = stage.run_as_root(&["tenant", "link", "press", "--format", "json"]).await.ok().json();
    let token = link["token"].as_str().unwrap_or_else(|| panic!("{link}")).to_owned();
    (stage, token)
}

fn site(stage: &Stage) -> String {
    stage.place.cloud.site().trim_end_matches('/').to_owned()
}

/// What has the keys: how it is found, what it says, and how it shows that it has them.
async fn focused(browser: &Browser) -> Value {
    let read = "const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
        return { is: arguments[0].find(each => at.matches(each)) || '', text: at.textContent.trim(),
            outline: style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth),
            shown: box.width > 1 && box.height > 1 && box.top < innerHeight && box.bottom > 0 }";
    browser.run(read, vec![json!(["body", ".skip", "#invoices a", ".back a", PAY])]).await
}

const PAY: &str = "form:has(input[value=setup-payment-method]) button";

/// Tabs on until what a selector finds has the keys; each step on the way can be seen.
async fn tabs_to(browser: &Browser, wanted: &str) {
    for nth in 0..MOST_TABS {
        browser.tab().await;
        let at = focused(browser).await;
        if at["is"] != "body" {
            assert!(at["outline"].as_f64() >= Some(2.0), "nobody sees where the keys are, tab {nth}: {at}");
            assert_eq!(at["shown"], true, "tab {nth}: {at}");
        }
        if at["is"] == wanted {
            return;
        }
    }
    panic!("no tab leads to {wanted}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
#[cfg_attr(all(tool_python, not(tool_chromium)), ignore = "Chromium with its driver is missing")]
async fn the_portal_is_used_by_keys_alone() {
    let (stage, token) = scene().await;
    let (site, browser) = (site(&stage), Browser::start(1280, 800).await);
    browser.open(&format!("{site}/signin#{token}")).await;
    browser.shows(&["Tenant press"]).await;

    // The first key leads past the navigation.
    tabs_to(&browser, ".skip").await;
    browser.enter().await;
    assert!(browser.address().await.ends_with("/#content"));
    tabs_to(&browser, "#invoices a").await;
    browser.enter().await;
    browser.arrives_at(&format!("{site}/invoices/")).await;
    browser.shows(&["Why it is this much"]).await;
    tabs_to(&browser, ".back a").await;
    browser.enter().await;
    browser.shows(&["Tenant press"]).await;
    tabs_to(&browser, PAY).await;
    browser.enter().await;
    browser.arrives_at("http://127.0.0.1:").await;
    browser.shows(&["Card number"]).await;
    browser.close().await;
}

/// The values of the figures on a page.
fn figures(page: &str) -> Vec<&str> {
    page.split("<data value=\"").skip(1).map(|rest| rest.split('"').next().expect("a value")).collect()
}

/// The session is opened before: a link needs its script to be exchanged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
#[cfg_attr(all(tool_python, not(tool_chromium)), ignore = "Chromium with its driver is missing")]
async fn signed_in_every_page_reads_without_javascript() {
    let (stage, token) = scene().await;
    let site = site(&stage);
    let at = site.replace("localhost", "127.0.0.1");
    let body = json!({ "token": token }).to_string();
    let headers = [("content-type", "application/json"), ("origin", at.as_str())];
    let answer = send("POST", &format!("{at}/session"), &headers, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let set_cookie = answer.headers["set-cookie"].clone();
    let cookie = set_cookie.split(';').next().expect("a cookie").to_owned();
    let value: HeaderValue = set_cookie.parse().expect("a header");
    // Whatever is opened at the front comes with the cookie, until it is taken away.
    let front = Front::before(&site, move |headers| {
        headers.entry(SET_COOKIE).or_insert(value.clone());
    })
    .await;
    let site = front.url().to_owned();
    let browser = Browser::with(&Setup { script: false, ..Setup::of(1280, 800) }).await;
    browser.open(&format!("{site}/signin#{token}")).await;
    browser.shows(&["Signing in by link needs JavaScript this once"]).await;
    browser.open(&site).await;
    browser.shows(&["Tenant press", "Payment declined", "What changed", "Paying needs JavaScript"]).await;
    // What a script would have to fill in would be missing in the page as it is sent.
    let sent = send("GET", &format!("{at}/"), &[("cookie", &cookie)], "").await;
    let shown = browser.source().await;
    assert!(figures(&sent.body).len() > 20, "{}", sent.body);
    assert_eq!(figures(&shown), figures(&sent.body));
    browser.press("summary").await;
    browser.shows(&["Show as a table", "31"]).await;
    browser.press("#invoices a").await;
    browser.shows(&["Why it is this much", "What AWS charged for one service"]).await;
    browser.press("nav a[href^='/help.html']").await;
    browser.shows(&["How do I add a payment method?"]).await;
    browser.back().await;
    browser.press("form[action='/signout'] button").await;
    browser.shows(&["You are signed out."]).await;
    browser.close().await;
}
