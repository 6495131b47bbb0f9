//! Pictures of the portal's pages, taken by Chromium as a tenant would see them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::ui::failure::Failure;

/// Where Chromium may be, by the names that it is installed under.
const PROGRAMS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// Width and height of a picture, and what it is called.
const SIZES: [(&str, u32, u32); 2] = [("wide", 1280, 2350), ("narrow", 360, 3600)];

/// Takes a picture of each page in each size; the lines name the files. `period` is an invoiced month.
pub fn take(link: &str, period: &str, folder: &Path) -> Result<Vec<String>, Failure> {
    let site = link.split("/signin#").next().unwrap_or_default();
    let program = program()?;
    fs::create_dir_all(folder)?;
    let folder = std::path::absolute(folder)?;
    // A profile of its own: the session's cookie is in it from the first picture on, and goes with it.
    let profile = folder.join(".profile");
    let invoice = format!("{site}/invoices/{period}");
    let (signin, help) = (format!("{site}/signin"), format!("{site}/help.html"));
    let pages = [("portal", link), ("invoice", &invoice), ("signin", &signin), ("help", &help)];
    let mut lines = Vec::new();
    for (size, width, height) in SIZES {
        for (name, address) in pages {
            let file = folder.join(format!("{name}-{size}.png"));
            picture(&program, &profile, address, (width, height), &file)?;
            lines.push(file.display().to_string());
        }
    }
    fs::remove_dir_all(&profile)?;
    Ok(lines)
}

fn picture(program: &str, profile: &Path, address: &str, size: (u32, u32), file: &Path) -> Result<(), Failure> {
    let mut command = Command::new(program);
    command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]);
    // The link's page goes on to the portal once its script has signed in.
    command.arg("--virtual-time-budget=8000").arg(format!("--window-size={},{}", size.0, size.1));
    command.arg(format!("--user-data-dir={}", profile.display())).arg(format!("--screenshot={}", file.display()));
    let status = command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    match status.success() && file.exists() {
        true => Ok(()),
        false => Err(Failure::new(format!("{program} took no picture: {status}"))),
    }
}

fn program() -> Result<String, Failure> {
    let answers = |program: &&&str| {
        let mut asked = Command::new(program);
        asked.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        asked.status().is_ok_and(|status| status.success())
    };
    let found = PROGRAMS.iter().find(answers);
    found.map(|program| (*program).to_owned()).ok_or_else(|| {
        Failure::new("pictures are taken by Chromium, and none is installed")
            .hint("install it (Debian: `apt-get install chromium`), or leave --screenshots out")
    })
}
