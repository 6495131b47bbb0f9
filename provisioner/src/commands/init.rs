//! `init`: a commented starter manifest, and a .gitignore for what must not be committed. Where a manifest is and keeps
//! its state in S3, the bucket for it; and on request the workflows for GitHub Actions. With `--from-stripe` the manifest
//! proposes a tenant for each customer that Stripe has.

mod from_stripe;
pub mod github;
mod proposal;
mod tenant_id;

use std::borrow::Cow;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use billing::manifest::model::State;
use billing::manifest::{json_schema, tenant_schema};
use clap::Args;
use proposal::Proposal;
use serde_json::json;

use crate::cloud::calls::Calls;
use crate::cloud::connection::Connection;
use crate::project::Project;
use crate::store;
use crate::store::s3::client::Bucket;
use crate::store::s3::{self, Made};
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::terminal;
use crate::ui::views::wrap::wrapped;

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The folder to write into.
    #[arg(value_name = "FOLDER", conflicts_with = "github")]
    pub folder: Option<PathBuf>,
    /// Proposes a tenant and an import for each customer that Stripe has; needs STRIPE_API_KEY and changes nothing there.
    #[arg(long, conflicts_with = "github")]
    pub from_stripe: bool,
    /// What to write for GitHub.
    #[command(flatten)]
    pub github: github::GitHub,
}

/// Where editors find the schema of the whole manifest, beside it.
const MANIFEST_SCHEMA: &str = "billform.schema.json";
/// And that of a tenant's file.
pub const TENANT_SCHEMA: &str = "tenant.schema.json";
const STARTER: &str = include_str!("../../../templates/billform.yaml");
const IGNORED: &str =
    "# billform's state and bundles: the state names your resources, bundles are rebuilt.\n.billform/\n";

/// Writes both, or makes the state's bucket; nothing that exists is overwritten.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    if arguments.github.github {
        return github::run(global, &arguments.github).await;
    }
    if let Some(manifest) = existing(global, arguments) {
        if arguments.from_stripe {
            return Err(overwrites_nothing(&manifest));
        }
        return existing_project(&Global { manifest, ..global.clone() }).await;
    }
    let folder = match (&arguments.folder, global.manifest.is_dir()) {
        (Some(folder), _) => folder.clone(),
        (None, true) => global.manifest.clone(),
        (None, false) => return Err(Failure::new("init writes into a folder").hint("billform init FOLDER")),
    };
    let proposal = match arguments.from_stripe {
        true => Some(from_stripe::propose(STARTER).await?),
        false => None,
    };
    let text = proposal.as_ref().map_or(Cow::Borrowed(STARTER), |proposal| Cow::Owned(proposal.manifest(STARTER)));
    fs::create_dir_all(&folder)?;
    let manifest = folder.join("billform.yaml");
    create(&manifest, &format!("# yaml-language-server: $schema=./{MANIFEST_SCHEMA}\n{text}"))?;
    let gitignore = folder.join(".gitignore");
    ignore(&gitignore)?;
    let schemas = [(MANIFEST_SCHEMA, json_schema()), (TENANT_SCHEMA, tenant_schema())];
    let schemas = schemas.map(|(name, schema)| (folder.join(name), schema));
    for (path, schema) in &schemas {
        fs::write(path, format!("{schema:#}\n"))?;
    }
    match global.format {
        Format::Json => {
            let mut document = json!({ "written": [manifest, gitignore, schemas[0].0, schemas[1].0] });
            if let Some(proposal) = &proposal {
                document["from_stripe"] = proposal.json();
            }
            println!("{document}");
        }
        Format::Human => {
            let [(whole, _), (tenant, _)] = &schemas;
            let written = [&manifest, &gitignore, whole, tenant].map(|path| shown(path).to_string());
            let written = format!("Written: {}; the last two are for your editor.", written.join(", "));
            println!("{}", wrapped(&written, terminal::width(), 2));
            for note in proposal.iter().flat_map(Proposal::notes) {
                println!("{}", wrapped(&note, terminal::width(), 2));
            }
            let next = "Next: set the account and the tenants in it, then `billform validate` and `billform plan`.";
            println!("{}", wrapped(next, terminal::width(), 2));
        }
    }
    Ok(exit::DONE)
}

fn shown(path: &Path) -> std::path::Display<'_> {
    path.strip_prefix(".").unwrap_or(path).display()
}

/// The manifest that is there already, if one is.
fn existing(global: &Global, arguments: &Arguments) -> Option<PathBuf> {
    let named = arguments.folder.as_ref().unwrap_or(&global.manifest);
    let is_there = named.is_file() || named.join("billform.yaml").is_file();
    is_there.then(|| named.clone())
}

/// Makes the bucket of `state.s3` and tries the store out, once for a team.
async fn existing_project(global: &Global) -> Outcome {
    // What is wrong with a manifest is for `validate` to say.
    let project = Project::load(global).ok();
    let Some((project, state)) = project.as_ref().and_then(|project| match &project.manifest.state {
        State::S3(state) => Some((project, state)),
        State::File(_) => None,
    }) else {
        return Err(overwrites_nothing(&global.manifest));
    };
    let connection = Connection::open(&project.manifest, Calls::default()).await?;
    let bucket = Bucket::new(&connection, &state.bucket, &state.region);
    let made = s3::make(&bucket, &state.region, project.manifest.aws.tags.clone()).await?;
    s3::probe(&bucket, &store::site::place(project, state)).await?;
    match global.format {
        Format::Json => println!("{}", json!({ "bucket": state.bucket, "created": made == Made::New })),
        Format::Human => {
            match made {
                Made::New => println!("Made the bucket {}: versioned, encrypted, closed to the public.", state.bucket),
                Made::WasThere => println!("The bucket {} is there.", state.bucket),
            }
            println!("It honours conditional writes, so it can keep the state. Next: `billform plan`.");
        }
    }
    Ok(exit::DONE)
}

fn overwrites_nothing(manifest: &Path) -> Failure {
    Failure::new(format!("there is a manifest in {} already: billform.yaml", manifest.display()))
        .hint("init overwrites nothing: name another folder. With `state.s3` in a sound manifest it makes the bucket")
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
