//! `init`: a commented starter manifest, and a .gitignore for what must not be committed.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::cli::{Format, Global};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::views::terminal;
use crate::views::wrap::wrapped;

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The folder to write into.
    #[arg(value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}

const STARTER: &str = include_str!("../../../templates/billform.yaml");
const IGNORED: &str =
    "# billform's state and bundles: the state names your resources, bundles are rebuilt.\n.billform/\n";

/// Writes both; nothing that exists is overwritten.
pub fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let folder = match (&arguments.folder, global.manifest.is_dir()) {
        (Some(folder), _) => folder.clone(),
        (None, true) => global.manifest.clone(),
        (None, false) => return Err(Failure::new("init writes into a folder").hint("billform init FOLDER")),
    };
    fs::create_dir_all(&folder)?;
    let manifest = folder.join("billform.yaml");
    create(&manifest, STARTER)?;
    let gitignore = folder.join(".gitignore");
    ignore(&gitignore)?;
    match global.format {
        Format::Json => println!("{}", json!({ "written": [manifest, gitignore] })),
        Format::Human => {
            println!("Written: {} and {}.", shown(&manifest), shown(&gitignore));
            let next = "Next: set the account and the tenants in it, then `billform validate` and `billform plan`.";
            println!("{}", wrapped(next, terminal::width(), 2));
        }
    }
    Ok(exit::DONE)
}

fn shown(path: &Path) -> std::path::Display<'_> {
    path.strip_prefix(".").unwrap_or(path).display()
}

fn create(path: &Path, text: &str) -> Result<(), Failure> {
    let file = fs::OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        Failure::new(format!("{} cannot be written: {error}", path.display()))
            .hint("init overwrites nothing: name another folder")
    })
}

/// Adds what is missing to a .gitignore that is there.
fn ignore(path: &Path) -> Result<(), Failure> {
    let present = fs::read_to_string(path).unwrap_or_default();
    if present.lines().any(|line| line.trim() == ".billform/") {
        return Ok(());
    }
    let gap = if present.is_empty() || present.ends_with('\n') { "" } else { "\n" };
    fs::write(path, format!("{present}{gap}{IGNORED}"))?;
    Ok(())
}
