//! `tenant add`, `tenant set`, `tenant remove`: a tenant edited in the manifest's text; comments, order and style stay.

use std::path::Path;

use billing::manifest::Source;
use billing::manifest::edit::{self, FileEdit, Refusal, TenantEdit, Written};
use billing::names::is_id;
use clap::Args;
use serde_json::json;

use crate::commands::init::TENANT_SCHEMA;
use crate::project::{self, ProjectError, manifest_file};
use crate::stack;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::{difference, terminal};

/// Arguments of `tenant add`.
#[derive(Debug, Args)]
pub struct Add {
    /// The tenant's id, key of everything that is theirs: `acme`. It never changes.
    pub id: String,
    /// What is written; a name, an e-mail address and the tag that tells their cost are needed.
    #[command(flatten)]
    pub fields: Fields,
    /// Shows the edit and writes nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `tenant set`.
#[derive(Debug, Args)]
pub struct Set {
    /// The tenant's id.
    pub id: String,
    /// What is written anew.
    #[command(flatten)]
    pub fields: Fields,
    /// Takes a key out, so that its default holds: `budget`, `pricing`. Repeatable.
    #[arg(long, value_name = "KEY")]
    pub unset: Vec<String>,
    /// Shows the edit and writes nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `tenant remove`.
#[derive(Debug, Args)]
pub struct Remove {
    /// The tenant's id.
    pub id: String,
    /// Shows the edit and writes nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// A tenant's keys, named as in the manifest.
#[derive(Debug, Args)]
pub struct Fields {
    /// The name on pages and invoices.
    #[arg(long)]
    pub name: Option<String>,
    /// Where invoices go.
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// BCP 47 language tag of pages and invoices: `de-DE`.
    #[arg(long, value_name = "TAG")]
    pub locale: Option<String>,
    /// The currency they are billed in: `EUR`.
    #[arg(long, value_name = "CODE")]
    pub currency: Option<String>,
    /// The value of the tenant tag that tells their cost: `ClientOrganization=Acme`.
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    pub tags: Vec<(String, String)>,
    /// Which entry of `pricing` holds for them; repeat it for terms that follow one another.
    #[arg(long, value_name = "NAME")]
    pub pricing: Vec<String>,
    /// Their budget a month: `"500.00 USD"`.
    #[arg(long, value_name = "MONEY")]
    pub budget: Option<String>,
    /// Who is told about their budget. Repeatable.
    #[arg(long = "budget-email", value_name = "ADDRESS")]
    pub budget_emails: Vec<String>,
    /// Days until their invoices are due: `"30 days"`.
    #[arg(long, value_name = "DAYS")]
    pub terms: Option<String>,
    /// The first month they are billed: `2026-12`.
    #[arg(long, value_name = "MONTH")]
    pub first_period: Option<String>,
    /// The domain of their pages.
    #[arg(long)]
    pub domain: Option<String>,
    /// Raising it revokes every signed link of the tenant.
    #[arg(long, value_name = "NUMBER")]
    pub link_version: Option<u32>,
    /// Your account number for them, kept on the Stripe customer.
    #[arg(long, value_name = "TEXT")]
    pub billing_account: Option<String>,
    /// Their cost centre, kept on the Stripe customer.
    #[arg(long, value_name = "TEXT")]
    pub cost_center: Option<String>,
}

fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("`{text}` is no KEY=VALUE")),
    }
}

impl Fields {
    /// What a new tenant needs and was not given.
    fn lacking(&self) -> impl Iterator<Item = &'static str> {
        let needed = [
            ("--name", self.name.is_none()),
            ("--email", self.email.is_none()),
            ("--tag KEY=VALUE", self.tags.is_empty()),
        ];
        needed.into_iter().filter(|(_, lacks)| *lacks).map(|(flag, _)| flag)
    }

    /// What was given, by the manifest's keys.
    fn written(&self) -> Vec<(String, Written)> {
        let text = |key: &str, value: &Option<String>| Some((key.to_owned(), Written::Text(value.clone()?)));
        let list = |key: &str, values: &[String]| {
            (!values.is_empty()).then(|| (key.to_owned(), Written::List(values.to_vec())))
        };
        let pricing = match &self.pricing[..] {
            [one] => Some(("pricing".to_owned(), Written::Text(one.clone()))),
            many => list("pricing", many),
        };
        let tags = (!self.tags.is_empty()).then(|| ("tags".to_owned(), Written::Map(self.tags.clone())));
        let link_version = self.link_version.map(|number| ("link_version".to_owned(), Written::Number(number)));
        let written = [
            text("name", &self.name),
            text("email", &self.email),
            text("locale", &self.locale),
            text("currency", &self.currency),
            tags,
            pricing,
            text("budget", &self.budget),
            list("budget_emails", &self.budget_emails),
            text("terms", &self.terms),
            text("first_period", &self.first_period),
            text("domain", &self.domain),
            link_version,
            text("billing_account", &self.billing_account),
            text("cost_center", &self.cost_center),
        ];
        written.into_iter().flatten().collect()
    }
}

/// Adds a tenant.
pub fn add(global: &Global, arguments: &Add) -> Outcome {
    let id = &arguments.id;
    if !is_id(id) {
        return Err(
            Failure::new(format!("`{id}` is no id")).hint("an id has lower-case letters, digits and hyphens: acme")
        );
    }
    let lacking: Vec<&str> = arguments.fields.lacking().collect();
    if !lacking.is_empty() {
        return Err(Failure::new(format!("a new tenant needs {} as well", lacking.join(", ")))
            .hint("nothing was written; `billform tenant add --help` shows an example"));
    }
    let folder = manifest_file::tenants_folder(&global.manifest);
    edited(global, arguments.dry_run, |at| {
        let edit = edit::add_tenant(at, &arguments.id, &arguments.fields.written(), folder.as_deref())?;
        Ok(for_editors(edit, &global.manifest))
    })
}

/// A tenant's file of its own names its schema, where `init` wrote one.
fn for_editors(edit: FileEdit, manifest: &Path) -> FileEdit {
    match &edit.after {
        Some(text) if edit.before.is_none() && manifest.join(TENANT_SCHEMA).is_file() => {
            let text = format!("# yaml-language-server: $schema=../{TENANT_SCHEMA}\n{text}");
            FileEdit { after: Some(text), ..edit }
        }
        _ => edit,
    }
}

/// Changes a tenant.
pub fn set(global: &Global, arguments: &Set) -> Outcome {
    let fields = arguments.fields.written();
    if fields.is_empty() && arguments.unset.is_empty() {
        return Err(Failure::new("nothing is to be set").hint("`billform tenant set --help` lists what can be"));
    }
    edited(global, arguments.dry_run, |at| edit::set_tenant(at, &arguments.id, &fields, &arguments.unset))
}

/// Removes a tenant.
pub fn remove(global: &Global, arguments: &Remove) -> Outcome {
    edited(global, arguments.dry_run, |at| edit::remove_tenant(at, &arguments.id))
}

fn edited(global: &Global, dry_run: bool, edit: impl FnOnce(&TenantEdit<'_>) -> Result<FileEdit, Refusal>) -> Outcome {
    let _turn = manifest_file::lock(&global.manifest)?;
    let sources: Vec<Source> = project::sources(&global.manifest)?;
    let handlers = stack::handlers();
    let at = TenantEdit { sources: &sources, environment: global.environment.as_deref(), handlers: &handlers };
    let edit = edit(&at).map_err(refused)?;
    let changes = edit.before != edit.after;
    if changes && !dry_run {
        manifest_file::write(&edit)?;
    }
    let diff = difference::shown(&edit);
    match global.format {
        Format::Json => terminal::print_json(&json!({
            "file": edit.path, "changed": changes, "written": changes && !dry_run, "diff": diff,
        }))?,
        Format::Human if changes => terminal::print(&diff),
        Format::Human => terminal::print("No changes: the manifest says so already.\n"),
    }
    Ok(exit::DONE)
}

/// Why there is no edit, as a failure; nothing was written.
pub fn refused(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Unsound(problems) => ProjectError::Invalid(problems).into(),
        Refusal::Impossible(message, hint) => Failure::new(message).hint(hint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_a_key_and_a_value() {
        assert_eq!(tag("Client=a=b"), Ok(("Client".to_owned(), "a=b".to_owned())));
        assert!(tag("Client").is_err() && tag("=x").is_err());
    }
}
