//! What a page weighs: at most three requests and 30 KB compressed each, without Stripe.js.

use super::world::{self, Page};
use crate::http::gzip;
use crate::pages::assets::Assets;

const MOST_BYTES: usize = 30 * 1024;
const MOST_REQUESTS: usize = 3;

/// The page itself, and what it loads.
fn requests(page: &str) -> usize {
    let loads =
        ["<script src=\"", "rel=\"stylesheet\"", "<img src=\"http", "<img src=\"/", "<iframe", "<object", "url("];
    1 + loads.iter().map(|load| page.matches(load).count()).sum::<usize>()
}

#[test]
fn pages_are_light() {
    let assets = Assets::of(&world::brand());
    let large = world::large();
    let more = [
        Page { name: "portal.Large.en".to_owned(), html: world::html(&large, "en-US") },
        Page { name: "invoice.Large.en".to_owned(), html: world::invoice_html(&large, "en-US") },
    ];
    let [style, script] = [&assets.style, &assets.script].map(|asset| gzip(asset.text.as_bytes()).len());
    let shared = style + script;
    println!("style {style} B, script {script} B compressed");
    for page in world::every_page().into_iter().chain(more) {
        let (bytes, requests) = (gzip(page.html.as_bytes()).len() + shared, requests(&page.html));
        println!("{:24} {requests} requests, {bytes:6} B compressed, style and script among them", page.name);
        assert!(bytes <= MOST_BYTES, "{}: {bytes} bytes", page.name);
        assert!(requests <= MOST_REQUESTS, "{}: {requests} requests", page.name);
    }
}

#[test]
fn a_heavier_page_is_seen() {
    assert_eq!(requests("<script src=\"/a\"><link rel=\"stylesheet\"><img src=\"https://x\">"), 4);
}

/// `BILLFORM_PAGES=FOLDER` keeps every page there, to be looked at in a browser or held against axe-core.
#[test]
fn pages_are_kept_where_asked() {
    let Some(folder) = std::env::var_os("BILLFORM_PAGES").map(std::path::PathBuf::from) else { return };
    let assets = Assets::of(&world::brand());
    std::fs::create_dir_all(folder.join("assets")).expect("a folder");
    for asset in [&assets.style, &assets.script] {
        std::fs::write(folder.join("assets").join(&asset.name), &asset.text).expect("a file");
    }
    for page in world::every_page() {
        std::fs::write(folder.join(format!("{}.html", page.name)), &page.html).expect("a file");
    }
}
