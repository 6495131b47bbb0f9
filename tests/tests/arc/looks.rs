//! Every page of the deployed portal as it looks to tenants in each state, in both languages, on a small screen and a
//! wide one: held against axe-core's rules of WCAG 2.0 to 2.2, A and AA, inside Chromium, and weighed on the wire.

mod scene;

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use tests::stage::{Browser, Front, Passed, Setup};

use scene::{LANGUAGES, STATES, Scene};

const WIDTHS: [u32; 2] = [360, 1280];
/// What a page may weigh on the wire, with all it loads.
const MOST_BYTES: usize = 30 * 1024;
const MOST_REQUESTS: usize = 3;
/// `BILLFORM_PICTURES=FOLDER` keeps a picture of each page there.
const PICTURES: &str = "BILLFORM_PICTURES";

/// axe-core, as it was installed: one script.
fn axe() -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let file = std::env::split_paths(&path).map(|folder| folder.join("axe.min.js")).find(|file| file.is_file());
    fs::read_to_string(file.expect("axe.min.js is on the PATH: `.ci/run` installs it")).expect("it is read")
}

/// What breaks a rule on the open page: rule, what is wrong, where.
async fn violations(browser: &Browser, axe: &str) -> Vec<String> {
    browser.run(axe, Vec::new()).await;
    let run = "const done = arguments[arguments.length - 1];
        document.querySelectorAll('details').forEach(each => each.open = true);
        axe.run(document, { runOnly: { type: 'tag', values: arguments[0] } }).then(
            found => done({ passes: found.passes.length, violations: found.violations.map(
                each => each.id + ': ' + each.help + ': ' + each.nodes.map(node => node.html).join(' | ')) }),
            error => done({ passes: 0, violations: [String(error)] }));";
    let found =
        browser.run_until_called(run, vec![json!(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"])]).await;
    assert!(found["passes"].as_u64() > Some(5), "the rules hold for something: {found}");
    serde_json::from_value(found["violations"].clone()).expect("texts")
}

/// How far the page is wider than the screen, in pixels.
async fn overhang(browser: &Browser) -> i64 {
    let read = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    browser.run(read, Vec::new()).await.as_i64().expect("pixels")
}

/// One page in one browser.
struct Look<'a> {
    browser: &'a Browser,
    front: &'a Front,
    axe: &'a str,
    /// `de-360`.
    screen: String,
    wrong: Vec<String>,
    pages: usize,
}

impl Look<'_> {
    /// Opens a page, weighs it, looks at it.
    async fn at(&mut self, name: &str, path: &str, says: &str) {
        self.front.passed();
        self.browser.open(&format!("{}{path}", self.front.url())).await;
        self.browser.shows(&[says]).await;
        let name = format!("{name}.{}", self.screen);
        self.weigh(&name, &self.front.passed());
        if let Some(folder) = std::env::var_os(PICTURES).map(PathBuf::from) {
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join(format!("{name}.png")), self.browser.picture().await).expect("a picture");
        }
        let found = violations(self.browser, self.axe).await;
        self.wrong.extend(found.into_iter().map(|found| format!("{name}: {found}")));
        let overhang = overhang(self.browser).await;
        if overhang > 0 {
            self.wrong.push(format!("{name}: {overhang} pixels wider than the screen"));
        }
        self.pages += 1;
    }

    fn weigh(&mut self, name: &str, passed: &[Passed]) {
        let bytes: usize = passed.iter().map(|passed| passed.bytes).sum();
        println!("{name:28} {} requests, {bytes:6} B compressed", passed.len());
        if bytes == 0 || bytes > MOST_BYTES || passed.len() > MOST_REQUESTS {
            self.wrong.push(format!("{name}: {bytes} bytes in {} requests: {passed:?}", passed.len()));
        }
    }
}

/// Nothing is kept by the browser, so that each page is weighed with all it loads.
fn uncached(headers: &mut http::HeaderMap) {
    headers.insert(http::header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
#[cfg_attr(all(tool_python, not(tool_chromium)), ignore = "Chromium with its driver is missing")]
#[cfg_attr(all(tool_python, tool_chromium, not(tool_axe)), ignore = "axe-core's axe.min.js is missing from the PATH")]
async fn every_page_in_every_state_is_accessible_and_light() {
    let scene = Scene::new().await;
    let axe = axe();
    let (mut wrong, mut pages) = (Vec::new(), 0);
    for language in &LANGUAGES {
        for width in WIDTHS {
            let front = Front::before(scene.site(), uncached).await;
            let setup = Setup { language: language.locale.to_owned(), ..Setup::of(width, 2400) };
            let browser = Browser::with(&setup).await;
            let screen = format!("{}-{width}", &language.locale[..2]);
            let mut look = Look { browser: &browser, front: &front, axe: &axe, screen, wrong: Vec::new(), pages: 0 };
            look.at("signin", "/signin", language.signin).await;
            look.at("signed-out", "/signin?signed-out=yes", language.signed_out).await;
            look.at("help", "/help.html", language.help).await;
            for state in STATES {
                let tenant = state.tenant(language);
                browser.open(&format!("{}/signin", front.url())).await;
                browser.open(&format!("{}{}", front.url(), scene.link(&tenant).await)).await;
                browser.shows(&[&format!("Tenant {tenant}")]).await;
                look.at(&format!("portal.{}", state.name), "/", state.says(language)).await;
                let says_paused = browser.text().await.contains(scene::paused(language));
                assert_eq!(says_paused, state.name == "paused", "{tenant}");
                if state.has_invoice {
                    let period = scene.period();
                    look.at(&format!("invoice.{}", state.name), &format!("/invoices/{period}"), language.why).await;
                }
                look.at(&format!("error.{}", state.name), "/invoices/1999-01", language.nothing_here).await;
            }
            wrong.append(&mut look.wrong);
            pages += look.pages;
            browser.close().await;
        }
    }
    println!("{pages} pages");
    assert_eq!(pages, LANGUAGES.len() * WIDTHS.len() * (3 + STATES.len() * 3 - 1), "each page was looked at");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The check bites: a picture without words, a grey on white, a button without a name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
#[cfg_attr(all(tool_python, not(tool_chromium)), ignore = "Chromium with its driver is missing")]
#[cfg_attr(all(tool_python, tool_chromium, not(tool_axe)), ignore = "axe-core's axe.min.js is missing from the PATH")]
async fn a_page_that_shuts_people_out_is_seen() {
    let browser = Browser::start(800, 600).await;
    let page = "data:text/html,<html lang=en><title>x</title><main><h1>x</h1><p>x<p>x<ul><li>x</ul><img src=x>\
                <p style='color:%23aaa'>grey</p><button></button></main>";
    browser.open(page).await;
    let found = violations(&browser, &axe()).await.join("\n");
    for rule in ["image-alt", "color-contrast", "button-name"] {
        assert!(found.contains(rule), "{rule} is not in:\n{found}");
    }
    browser.close().await;
}
