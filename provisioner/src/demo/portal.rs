//! The tenant's first look at the portal: the link's token becomes a session, and the page is read as text.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::ui::failure::Failure;

/// What the tenant sees.
pub struct Portal {
    link: String,
    lines: Vec<String>,
}

impl Portal {
    /// The link that opens it.
    pub fn link(&self) -> &str {
        &self.link
    }

    /// What stands on it, in a few lines.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }
}

/// Opens the link of `tenant link --format json` as its page's script does.
pub async fn open(made: &Value) -> Result<Portal, Failure> {
    let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
    let (link, token) = (text("url"), text("token"));
    let site = link.split("/signin#").next().unwrap_or_default().to_owned();
    if site.is_empty() {
        return Err(Failure::new("`tenant link` names no address of the portal"));
    }
    let exchange = http::Request::post(format!("{site}/session")).header(CONTENT_TYPE, "application/json");
    let exchange = exchange.header(ORIGIN, &site).body(Full::from(json!({ "token": token }).to_string()))?;
    let answer = answered(exchange).await?;
    let cookie = answer.headers().get(SET_COOKIE).and_then(|cookie| cookie.to_str().ok()).unwrap_or_default();
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    let page = http::Request::get(format!("{site}/")).header(COOKIE, cookie).body(Full::default())?;
    let page = answered(page).await?.into_body();
    let shown = figures(&String::from_utf8_lossy(&page));
    let lines = std::iter::once(format!("{site}/")).chain(shown).collect();
    Ok(Portal { link, lines })
}

async fn answered(request: http::Request<Full<Bytes>>) -> Result<http::Response<Bytes>, Failure> {
    let asked = format!("{} {}", request.method(), request.uri());
    let answer = Client::builder(TokioExecutor::new()).build_http().request(request).await?;
    let (parts, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes();
    match parts.status.is_success() {
        true => Ok(http::Response::from_parts(parts, body)),
        false => Err(Failure::new(format!("{asked} answered {}", parts.status))),
    }
}

/// The figures at the top of the page: each has a heading and a text below it.
fn figures(page: &str) -> Vec<String> {
    let sections = page.split("class=\"card figure\">").skip(1);
    let plain = |markup: &str| {
        let spaced = markup.replace('<', " <");
        let texts = spaced.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
        texts.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let line = |section: &str| {
        let section = section.split("</section>").next()?;
        let (heading, rest) = section.strip_prefix("<h2>")?.split_once("</h2>")?;
        Some(format!("  {}: {}", plain(heading), plain(rest)))
    };
    sections.filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_off_the_page() {
        let page = "<section class=\"card figure\"><h2>November so far</h2><p class=\"big\"><data value=\"1.00\">$1.00</data></p>\
                    <p>November 1–27</p></section>";
        assert_eq!(figures(page), ["  November so far: $1.00 November 1–27"]);
        assert!(figures("<p>nothing</p>").is_empty());
    }
}
