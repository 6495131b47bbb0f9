//! Secrets are named so that each has an environment variable of its own, and the key pair of evidence serves nothing else.

use super::{Checker, steps};
use crate::manifest::model::Secret;

/// Every check of `secrets`.
pub(super) fn check(checker: &mut Checker<'_>) {
    variables(checker);
    evidence(checker);
}

/// The key pair that signs evidence is made up, stored whole, and read by nothing that is deployed.
fn evidence(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    let Some((name, secret)) = manifest.evidence_secret() else { return };
    let used = [manifest.stripe_secret(), manifest.link_secret(), manifest.webhook_secret()];
    let message = if used.iter().flatten().any(|(used, _)| *used == name) || secret.key.is_some() {
        "`evidence` is the key pair that signs evidence of invoices, and holds nothing else"
    } else if secret.generate {
        "`evidence` is a key pair that billform makes up in any case"
    } else {
        return;
    };
    let hint = "give your own secret another name; of `evidence`, set `name` and `description` only".to_owned();
    checker.at_key(&steps!["secrets", name], message, hint);
}

/// Secrets whose names in the manifest would share an environment variable.
fn variables(checker: &mut Checker<'_>) {
    let names: Vec<&String> = checker.manifest.secrets.keys().collect();
    for (i, name) in names.iter().enumerate() {
        let variable = Secret::variable(name);
        if let Some(other) = names[..i].iter().find(|other| Secret::variable(other) == variable) {
            let message = format!("the secrets `{other}` and `{name}` would both be read from {variable}");
            checker.at_key(&steps!["secrets", *name], message, "rename one of them".to_owned());
        }
    }
}
