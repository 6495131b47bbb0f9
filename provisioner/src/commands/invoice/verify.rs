//! `invoice verify`: checks an evidence pack, from the file alone.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cloud::evidence_key::PublicKey;
use crate::ledger::evidence::{self, Verified};
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::terminal;

/// Arguments of `invoice verify`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// What `invoice explain --pack` wrote.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The key that is to have signed it: as `output evidence_public_key` prints it, or a file of PEM. Without it the pack
    /// is checked against the key that it brings along, which proves that nothing was changed, not who signed.
    #[arg(long, value_name = "KEY|FILE")]
    pub public_key: Option<String>,
}

/// Verifies the pack.
pub fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let file = &arguments.file;
    let unreadable = |error| Failure::new(format!("{} cannot be read: {error}", file.display()));
    let archive = fs::read(file).map_err(unreadable)?;
    let expected = arguments.public_key.as_deref().map(public_key).transpose()?;
    let verified = evidence::verify(&archive, expected)
        .map_err(|error| Failure::new(format!("{} does not hold: {error}", file.display())))?;
    match global.format {
        Format::Human => terminal::print(&told(&verified, expected.is_some())),
        Format::Json => terminal::print_json(&json!({
            "tenant": verified.manifest.tenant,
            "period": verified.manifest.period,
            "revision": verified.manifest.revision,
            "total": verified.manifest.total,
            "public_key": verified.key.line(),
            "is_expected_key": expected.map(|_| true),
        }))?,
    }
    Ok(exit::DONE)
}

/// A key on one line, or in a file.
fn public_key(given: &str) -> Result<PublicKey, Failure> {
    let read = || PublicKey::read(&fs::read_to_string(given).ok()?);
    PublicKey::read(given).or_else(read).ok_or_else(|| {
        Failure::new(format!("`{given}` is neither an Ed25519 public key nor a file that holds one"))
            .hint("`billform output evidence_public_key` prints the stack's")
    })
}

fn told(verified: &Verified, is_expected: bool) -> String {
    let manifest = &verified.manifest;
    let signed = match is_expected {
        true => "Signed by the given key.".to_owned(),
        false => format!(
            "Signed by the key it brings along; compare it with the issuer's (`billform output evidence_public_key`):\n  {}",
            verified.key.line()
        ),
    };
    format!(
        "{}, {}, revision {}: {} follows from the cost and the terms in the pack; nothing in it was changed.\n{signed}\n",
        manifest.tenant, manifest.period, manifest.revision, manifest.total
    )
}
