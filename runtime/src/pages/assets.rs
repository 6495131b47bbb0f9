//! The one stylesheet and the one script, under names that say what they hold, so that browsers keep them for ever.

use billing::brand::Brand;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("assets/style.css");
const SCRIPT: &str = include_str!("assets/app.js");

/// Style and script of one stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assets {
    /// The stylesheet, with the brand's colours.
    pub style: Asset,
    /// The script.
    pub script: Asset,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Its name below `/assets/`: `0f3a….css`.
    pub name: String,
    /// `text/css; charset=utf-8`.
    pub content_type: &'static str,
    /// Its text.
    pub text: String,
}

impl Assets {
    /// The assets under a brand.
    pub fn of(brand: &Brand) -> Assets {
        let colours = format!(":root{{--primary:{};--accent:{}}}\n", brand.primary, brand.accent);
        Assets {
            style: Asset::new("css", "text/css; charset=utf-8", format!("{colours}{STYLE}")),
            script: Asset::new("js", "text/javascript; charset=utf-8", SCRIPT.to_owned()),
        }
    }

    /// The file of a name. A page of before a deployment names the one of then: it gets the present one.
    pub fn find(&self, name: &str) -> Option<&Asset> {
        match name.rsplit_once('.')?.1 {
            "css" => Some(&self.style),
            "js" => Some(&self.script),
            _ => None,
        }
    }
}

impl Asset {
    fn new(extension: &str, content_type: &'static str, text: String) -> Asset {
        let hash = hex::encode(Sha256::digest(&text));
        let name = format!("{}.{extension}", &hash[..16]);
        Asset { name, content_type, text }
    }
}
