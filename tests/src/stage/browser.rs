//! Chromium, driven as a person would use it: pages are opened, fields filled in, buttons pressed. It runs as processes of
//! its own on the loopback, and ends with its test.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use fantoccini::key::Key;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// What the driver says once it listens, before its port.
const LISTENS: &str = "started successfully on port ";
/// Longer than a page takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// How a browser is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// How wide what pages see is, in CSS pixels.
    pub width: u32,
    /// How high it is.
    pub height: u32,
    /// The language that it asks pages for.
    pub language: String,
    /// Whether scripts of pages run.
    pub script: bool,
    /// Where files are saved; pages can save none without.
    pub downloads: Option<PathBuf>,
}

impl Setup {
    /// An English one of that size.
    pub fn of(width: u32, height: u32) -> Setup {
        Setup { width, height, language: "en-US".to_owned(), script: true, downloads: None }
    }

    fn options(&self) -> Value {
        let arguments = [
            "--headless=new",
            // Tests run as root in containers, where Chromium has no sandbox of its own.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--remote-debugging-pipe",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
        ];
        let mut preferences = json!({
            "intl.accept_languages": self.language,
            // 1 allows, 2 blocks.
            "profile.managed_default_content_settings.javascript": if self.script { 1 } else { 2 },
        });
        if let Some(folder) = &self.downloads {
            preferences["download.default_directory"] = json!(folder);
            preferences["download.prompt_for_download"] = json!(false);
        }
        // A window is never narrower than 500 pixels; what a page sees of a device may be.
        let metrics = json!({"width": self.width, "height": self.height, "pixelRatio": 1, "touch": false});
        json!({"args": arguments, "prefs": preferences,
            "mobileEmulation": {"deviceMetrics": metrics, "userAgent": "billform tests"}})
    }
}

/// A browser with one window.
pub struct Browser {
    client: Client,
    /// Ends when it is dropped, and its browser with it: they talk over a pipe.
    _driver: Child,
}

impl Browser {
    /// Starts one with a window of that size. It reaches this machine alone.
    ///
    /// # Panics
    /// When Chromium or its driver does not start.
    pub async fn start(width: u32, height: u32) -> Browser {
        Browser::with(&Setup::of(width, height)).await
    }

    /// Starts one that is set up so. It reaches this machine alone.
    ///
    /// # Panics
    /// When Chromium or its driver does not start.
    pub async fn with(setup: &Setup) -> Browser {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver starts");
        let mut said = BufReader::new(driver.stdout.take().expect("its output")).lines();
        let port = loop {
            let line = said.next_line().await.expect("chromedriver speaks").expect("chromedriver listens");
            if let Some((_, port)) = line.split_once(LISTENS) {
                break port.trim_end_matches('.').to_owned();
            }
        };
        let mut capabilities = Capabilities::new();
        capabilities.insert("goog:chromeOptions".to_owned(), setup.options());
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("Chromium starts");
        Browser { client, _driver: driver }
    }

    /// Opens an address.
    ///
    /// # Panics
    /// When there is no page.
    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    /// Types into the field that a CSS selector finds, once it is there.
    ///
    /// # Panics
    /// When it does not appear.
    pub async fn fill(&self, field: &str, text: &str) {
        let found = self.wait_for(field).await;
        found.clear().await.and(found.send_keys(text).await).unwrap_or_else(|error| panic!("{field}: {error}"));
    }

    /// Presses what a CSS selector finds, once it is there.
    ///
    /// # Panics
    /// When it does not appear.
    pub async fn press(&self, button: &str) {
        self.wait_for(button).await.click().await.unwrap_or_else(|error| panic!("{button}: {error}"));
    }

    /// Waits until the address begins so, and gives it.
    ///
    /// # Panics
    /// When the page shown stays another.
    pub async fn arrives_at(&self, begin: &str) -> String {
        let arrived = async {
            loop {
                let at = self.client.current_url().await.expect("an address").to_string();
                if at.starts_with(begin) {
                    return at;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        match tokio::time::timeout(LIMIT, arrived).await {
            Ok(at) => at,
            Err(_) => panic!("it does not arrive at {begin}, but shows:\n{}", self.text().await),
        }
    }

    /// Waits until the page's text has all of these.
    ///
    /// # Panics
    /// When it stays without one.
    pub async fn shows(&self, texts: &[&str]) {
        self.until_shown(texts, async || ()).await;
    }

    /// Asks for the page anew until its text has all of these: what Stripe tells the stack arrives on its own time.
    ///
    /// # Panics
    /// When it stays without one.
    pub async fn comes_to_show(&self, texts: &[&str]) {
        self.until_shown(texts, async || self.client.refresh().await.expect("the page comes again")).await;
    }

    async fn until_shown(&self, texts: &[&str], meanwhile: impl AsyncFn()) {
        let shown = async {
            // A page on its way has no body, or one that goes while it is read.
            while !self.try_text().await.is_some_and(|shown| texts.iter().all(|text| shown.contains(text))) {
                tokio::time::sleep(Duration::from_millis(100)).await;
                meanwhile().await;
            }
        };
        if tokio::time::timeout(LIMIT, shown).await.is_err() {
            panic!("it does not show {texts:?}, but:\n{}", self.text().await);
        }
    }

    async fn try_text(&self) -> Option<String> {
        self.client.find(Locator::Css("body")).await.ok()?.text().await.ok()
    }

    /// The text of the page, as it is seen.
    pub async fn text(&self) -> String {
        let body = self.client.find(Locator::Css("body")).await.expect("a body");
        body.text().await.expect("its text")
    }

    /// A picture of the window, as PNG.
    pub async fn picture(&self) -> Vec<u8> {
        self.client.screenshot().await.expect("a picture")
    }

    /// What a script of ours gives back, run in the page: the function's body, and what it gets. The driver's scripts are
    /// not the page's, so that its content security policy does not hold for them.
    ///
    /// # Panics
    /// When it throws.
    pub async fn run(&self, body: &str, given: Vec<Value>) -> Value {
        self.client.execute(body, given).await.unwrap_or_else(|error| panic!("{error} in {body:.200}"))
    }

    /// The same of a script that calls its last argument once it is done.
    ///
    /// # Panics
    /// When it throws.
    pub async fn run_until_called(&self, body: &str, given: Vec<Value>) -> Value {
        self.client.execute_async(body, given).await.unwrap_or_else(|error| panic!("{error} in {body:.200}"))
    }

    /// Presses the tabulator: the next thing that takes keys has them then.
    pub async fn tab(&self) {
        self.send(&char::from(Key::Tab).to_string()).await;
    }

    /// Presses Enter.
    pub async fn enter(&self) {
        self.send(&char::from(Key::Enter).to_string()).await;
    }

    async fn send(&self, keys: &str) {
        let focused = self.client.active_element().await.expect("something has the keys");
        focused.send_keys(keys).await.expect("it takes the keys");
    }

    /// Goes to the page before.
    pub async fn back(&self) {
        self.client.back().await.expect("there is a page before");
    }

    /// The address of the page.
    pub async fn address(&self) -> String {
        self.client.current_url().await.expect("an address").to_string()
    }

    /// The page as it came, or as scripts left it.
    pub async fn source(&self) -> String {
        self.client.source().await.expect("the page")
    }

    /// Closes it.
    pub async fn close(self) {
        self.client.close().await.expect("Chromium ends");
    }

    async fn wait_for(&self, selector: &str) -> fantoccini::elements::Element {
        let found = self.client.wait().at_most(LIMIT).for_element(Locator::Css(selector)).await;
        match found {
            Ok(found) => found,
            Err(error) => panic!("{selector}: {error}; the page shows:\n{}", self.text().await),
        }
    }
}
