//! A tenant's way through the portal in Chromium: the signed link, the costs, a payment method on Stripe's page, which is
//! another site, the way back, an invoice and why it is that much, the file, the help, the way out. Time passes by the
//! clock alone, and nothing is called by name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::HeaderMap;
use http::header::SET_COOKIE;
use jiff::ToSpan as _;
use jiff::civil::Date;
use localcloud::costs::CostModel;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::stage::{Browser, Front, Setup, Stage, get};

use super::payments::{after, default_method, pass_until, set_up, stage_of, standing};

/// What presses a form of the payment section by its action.
macro_rules! button {
    ($action:literal) => {
        concat!("form:has(input[value=", $action, "]) button:enabled")
    };
}

/// A tenant at their browser.
struct Visit {
    stage: Stage,
    browser: Browser,
    downloads: TempDir,
    /// `http://localhost:4601`.
    site: String,
    /// What the portal is signed in with: for asking the API the same.
    token: String,
}

impl Visit {
    async fn of(stage: Stage, width: u32, language: &str) -> Visit {
        let downloads = tempfile::tempdir().expect("a folder");
        let setup = Setup {
            language: language.to_owned(),
            downloads: Some(downloads.path().to_owned()),
            ..Setup::of(width, 800)
        };
        let browser = Browser::with(&setup).await;
        let site = stage.place.cloud.site().trim_end_matches('/').to_owned();
        Visit { stage, browser, downloads, site, token: String::new() }
    }

    /// Opens a new link at the site, as the operator sent it.
    async fn signs_in(&mut self) {
        let link = self.stage.run_as_root(&["tenant", "link", "press", "--format", "json"]).await.ok().json();
        let url = link["url"].as_str().unwrap_or_else(|| panic!("{link}"));
        self.token = link["token"].as_str().expect("a token").to_owned();
        let (_, path) = url.split_at(url.find("/signin#").unwrap_or_else(|| panic!("{url}")));
        self.browser.open(&format!("{}{path}", self.site)).await;
        self.browser.shows(&["Tenant press"]).await;
        let address = self.browser.address().await;
        assert_eq!(address, format!("{}/", self.site), "no token stays in the address");
    }

    /// What the API answers with the same link.
    async fn api(&self, path: &str) -> Value {
        let api = self.stage.place.cloud.site().replace("localhost", "127.0.0.1");
        let bearer = format!("Bearer {}", self.token);
        let answer = get(&format!("{}{path}", api.trim_end_matches('/')), &[("authorization", &bearer)]).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    /// The figures of the page's cards, as they stand there.
    async fn figures(&self) -> Vec<String> {
        let read = "return [...document.querySelectorAll('.figure .big data')].map(data => data.value)";
        let figures = self.browser.run(read, Vec::new()).await;
        serde_json::from_value(figures).expect("texts")
    }

    /// Leaves a card on Stripe's page, which is another site, and comes back to the portal's message.
    async fn leaves_a_card(&self, told: &str) {
        self.at_checkout().await;
        self.fills_in_a_card().await;
        self.browser.arrives_at(&format!("{}/?payment=added", self.site)).await;
        self.browser.shows(&[told]).await;
    }

    async fn fills_in_a_card(&self) {
        for (field, text) in CARD {
            self.browser.fill(&format!("#card input[name={field}]"), text).await;
        }
        self.browser.press("#card button").await;
    }

    async fn at_checkout(&self) {
        self.browser.press(button!("setup-payment-method")).await;
        let at = self.browser.arrives_at(&self.stage.place.cloud.description().stripe_api_base).await;
        assert!(at.starts_with("http://127.0.0.1:") && self.site.starts_with("http://localhost:"), "{at}");
    }

    /// Days later the session is over: the page asks for a link, and the link opens it again.
    async fn comes_back_on(&mut self, day: Date) {
        pass_until(&self.stage, day).await;
        self.browser.open(&self.site).await;
        self.browser.arrives_at(&format!("{}/signin", self.site)).await;
        self.signs_in().await;
    }

    /// Saves what a link of the page has, and reads it.
    async fn saves(&self, link: &str) -> String {
        self.browser.press(link).await;
        for _ in 0..100 {
            if let Some(file) = saved(self.downloads.path()) {
                return std::fs::read_to_string(file).expect("it is read");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("nothing was saved by {link}");
    }

    /// Goes out; then nothing opens the page again, neither its address nor the way back.
    async fn signs_out(self, told: &str) {
        self.browser.press("form[action='/signout'] button").await;
        self.browser.shows(&[told]).await;
        self.browser.back().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!self.browser.text().await.contains("Tenant press"), "{}", self.browser.text().await);
        self.browser.open(&self.site).await;
        self.browser.arrives_at(&format!("{}/signin", self.site)).await;
        assert!(!self.browser.source().await.contains("Tenant press"));
        self.browser.close().await;
    }
}

/// A file that was saved in whole.
fn saved(folder: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).expect("the folder").map(|file| file.expect("a file").path());
    files.into_iter().find(|file| file.extension().is_some_and(|extension| extension == "csv"))
}

/// A dollar and a half on each day of this month and the next.
fn two_months(model: &mut CostModel, first: Date) {
    let tags = json!({ "ClientOrganization": "Press", "BillingProject": "one" });
    let row = |date: Date| {
        let row = json!({ "date": date, "service": "AWS Lambda", "amount": "1.50", "tags": tags });
        serde_json::from_value(row).expect("a row")
    };
    let end = first.checked_add(2.months()).expect("a day");
    (model.rows, model.monthly) = (first.series(1.day()).take_while(|day| *day < end).map(row).collect(), Vec::new());
}

/// The total's row of a file of costs.
fn total_of(file: &str) -> String {
    let row = file.lines().find(|line| line.starts_with("total,")).unwrap_or_else(|| panic!("no total in {file}"));
    row.split(',').nth(2).expect("its cost").to_owned()
}

const CARD: [(&str, &str); 4] =
    [("number", "4242 4242 4242 4242"), ("expiry", "12 / 34"), ("cvc", "123"), ("name", "Ada Press")];

/// What a language says on the way.
struct Words {
    declined: &'static str,
    old_card: &'static str,
    so_far: &'static str,
    thanks: &'static str,
    new_card: &'static str,
    paid: &'static str,
    why: [&'static str; 3],
    help: [&'static str; 2],
    signed_out: &'static str,
}

const ENGLISH: Words = Words {
    declined: "declined",
    old_card: "Card ending in 0341",
    so_far: "so far",
    thanks: "Thank you. Your payment method is saved",
    new_card: "Card ending in 4242",
    paid: "Paid",
    why: ["Why it is this much", "What AWS charged for one service", "Paid in full"],
    help: ["How do I add a payment method?", "Why is today missing?"],
    signed_out: "You are signed out.",
};

const GERMAN: Words = Words {
    declined: "abgelehnt",
    old_card: "Karte mit den Endziffern 0341",
    so_far: "bisher",
    thanks: "Danke. Ihre Zahlungsart ist gespeichert",
    new_card: "Karte mit den Endziffern 4242",
    paid: "Bezahlt",
    why: ["Warum es so viel ist", "Umgerechnet mit 0,9", "Vollständig bezahlt"],
    help: ["Wie füge ich eine Zahlungsart hinzu?", "Warum fehlt der heutige Tag?"],
    signed_out: "Sie sind abgemeldet.",
};

/// The card on file was declined, so the invoice is open. Another one is left; days later Stripe has charged it.
async fn journey((currency, locale): (&str, &str), width: u32, words: &Words) {
    let (stage, first) = stage_of(currency, locale).await;
    stage.place.cloud.costs().change(|model| two_months(model, first));
    set_up(&stage, "pm_card_chargeCustomerFail", "").await;
    default_method(&stage).await;
    pass_until(&stage, after(first, 18)).await;
    standing(&stage, first, "failed").await;
    let mut visit = Visit::of(stage, width, locale).await;

    visit.signs_in().await;
    visit.browser.shows(&[words.declined, words.old_card, words.so_far]).await;
    let (this, last) = (visit.api("/costs?period=current-month").await, visit.api("/costs?period=last-month").await);
    let read = visit.figures().await;
    let total = |answer: &Value| answer["summary"]["totalCost"].as_f64().expect("a number");
    let figure = |at: usize| read[at].parse::<f64>().expect("a number");
    assert_eq!((figure(0), figure(1)), (total(&this), total(&last)), "{read:?}");
    assert!(total(&this) > 20.0 && total(&last) > 40.0, "{read:?}");

    visit.leaves_a_card(words.thanks).await;
    visit.browser.comes_to_show(&[words.new_card]).await;
    // Stripe tried again three days after the first time, and tries again five days after that.
    visit.comes_back_on(after(first, 25)).await;
    visit.browser.comes_to_show(&[words.paid]).await;
    assert!(!visit.browser.text().await.contains(words.declined));

    visit.browser.press("#invoices a").await;
    visit.browser.shows(&words.why).await;
    let answer = visit.api("/customers/press/invoices").await;
    let month = first.strftime("%Y-%m").to_string();
    let issued = answer["invoices"].as_array().and_then(|all| all.iter().find(|invoice| invoice["period"] == month));
    let shown = visit.figures().await.iter().map(|figure| figure.parse().expect("a number")).collect::<Vec<f64>>();
    assert_eq!(Some(shown), issued.map(|invoice| vec![invoice["amount"].as_f64().expect("a number")]), "{answer}");
    visit.browser.press(".back a").await;
    let file = visit.saves("a[href*='period=last-month']").await;
    assert_eq!(total_of(&file), read[1], "{file}");
    visit.browser.press("nav a[href^='/help.html']").await;
    visit.browser.shows(&words.help).await;
    visit.browser.press("nav a[href='/']").await;
    visit.browser.shows(&["Tenant press"]).await;
    visit.signs_out(words.signed_out).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
#[cfg_attr(all(tool_python, not(tool_chromium)), ignore = "Chromium with its driver is missing")]
async fn a_tenant_adds_a_card_in_the_browser_and_the_open_invoice_is_paid() {
    journey(("USD", "en-US"), 1280, &ENGLISH).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
#[cfg_attr(all(tool_python, not(tool_chromium)), ignore = "Chromium with its driver is missing")]
async fn a_tenant_does_the_same_in_german_on_a_phone() {
    journey(("EUR", "de-DE"), 360, &GERMAN).await;
}

/// The session's cookie as it would be with `SameSite=Strict`.
fn strict(headers: &mut HeaderMap) {
    if let Some(cookie) = headers.get_mut(SET_COOKIE) {
        let text = cookie.to_str().expect("text");
        assert!(text.contains("SameSite=Lax"), "{text}");
        *cookie = text.replace("SameSite=Lax", "SameSite=Strict").parse().expect("a header");
    }
}

/// Why the cookie is Lax: a Strict one is not sent on the way back from Stripe, and whoever just left a card is asked to
/// sign in. It also shows that Stripe's pages are another site to this browser.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
#[cfg_attr(all(tool_python, not(tool_chromium)), ignore = "Chromium with its driver is missing")]
async fn a_strict_cookie_would_lose_the_tenant_on_the_way_back_from_stripe() {
    let (stage, _) = stage_of("USD", "en-US").await;
    let front = Front::before(stage.place.cloud.site(), strict).await;
    let mut visit = Visit::of(stage, 1280, "en-US").await;
    visit.site = front.url().to_owned();
    visit.signs_in().await;
    visit.at_checkout().await;
    visit.fills_in_a_card().await;
    visit.browser.arrives_at(&format!("{}/signin", visit.site)).await;
    let asked: Vec<String> =
        front.passed().into_iter().map(|passed| format!("{} {}", passed.path, passed.status)).collect();
    assert!(asked.contains(&"/ 303".to_owned()), "it came back without its cookie: {asked:?}");
    // The cookie is there all the same: whoever goes by themselves is signed in.
    visit.browser.open(&visit.site).await;
    visit.browser.shows(&["Tenant press"]).await;
    visit.browser.close().await;
}
