//! `fmt`: the manifest's files in their standard form.

use billing::manifest::edit::{self, FileEdit};
use clap::Args;
use serde_json::json;

use super::tenant::edit::refused;
use crate::project::{self, manifest_file};
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::{difference, terminal};

/// Arguments of `fmt`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Writes nothing: shows what would change, and exits 1 if anything would.
    #[arg(long)]
    pub check: bool,
}

/// Rewrites each file that is not in the standard form. All are read before the first is written.
pub fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let _turn = manifest_file::lock(&global.manifest)?;
    let sources = project::sources(&global.manifest)?;
    let mut edits = Vec::new();
    for file in 0..sources.len() {
        let edit = edit::formatted(&sources, file).map_err(refused)?;
        if edit.before != edit.after {
            edits.push(edit);
        }
    }
    if !arguments.check {
        edits.iter().try_for_each(manifest_file::write)?;
    }
    show(global, arguments, &edits, sources.len())?;
    Ok(if arguments.check && !edits.is_empty() { exit::ERROR } else { exit::DONE })
}

fn show(global: &Global, arguments: &Arguments, edits: &[FileEdit], files: usize) -> Result<(), Failure> {
    if global.format == Format::Json {
        let changed: Vec<&str> = edits.iter().map(|edit| edit.path.as_str()).collect();
        return terminal::print_json(&json!({ "changed": changed, "files": files, "written": !arguments.check }));
    }
    for edit in edits {
        match arguments.check {
            true => terminal::print(&difference::shown(edit)),
            false => terminal::print(&format!("{}\n", edit.path)),
        }
    }
    if edits.is_empty() {
        terminal::print("The manifest is in its standard form.\n");
    }
    Ok(())
}
