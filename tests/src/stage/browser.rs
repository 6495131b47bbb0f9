//! Chromium, driven as a person would use it: pages are opened, fields filled in, buttons pressed. It runs as processes of
//! its own on the loopback, and ends with its test.

use std::process::Stdio;
use std::time::Duration;

use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// What the driver says once it listens, before its port.
const LISTENS: &str = "started successfully on port ";
/// Longer than a page takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

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
        let size = format!("--window-size={width},{height}");
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
            &size,
        ];
        let mut capabilities = Capabilities::new();
        capabilities.insert("goog:chromeOptions".to_owned(), json!({ "args": arguments }));
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

    /// The text of the page, as it is seen.
    pub async fn text(&self) -> String {
        let body = self.client.find(Locator::Css("body")).await.expect("a body");
        body.text().await.expect("its text")
    }

    /// A picture of the window, as PNG.
    pub async fn picture(&self) -> Vec<u8> {
        self.client.screenshot().await.expect("a picture")
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
