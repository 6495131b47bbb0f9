//! The secrets the manifest names: their place, never their value.

use engine::{Address, Resource};

use super::{Plan, shared};
use crate::kinds::secret;

/// Secrets Manager's shortest recovery window, in days: a deleted key can be had back for a week.
const RECOVERY_DAYS: u32 = 7;

/// One secret per entry of `secrets`.
pub fn resources(stack: &Plan) -> Vec<Resource> {
    let secrets = stack.manifest.secrets.iter().map(|(name, entry)| {
        let is_issued = stack.manifest.webhook().is_some_and(|webhook| webhook.secret == *name);
        let is_evidence = stack.manifest.evidence_secret().is_some_and(|(evidence, _)| evidence == name);
        let source = match entry.generate {
            _ if is_issued => secret::Source::Issued,
            _ if is_evidence => secret::Source::KeyPair,
            true => secret::Source::Generated,
            false => secret::Source::Given(name.clone()),
        };
        let desired = secret::Desired {
            name: entry.name.clone(),
            description: entry.description.clone().unwrap_or_default(),
            source,
            json_key: entry.key.clone(),
            recovery_days: RECOVERY_DAYS,
            replaced_by: None,
            tags: stack.tags(),
        };
        shared(Address::new("secret", name), desired, [])
    });
    secrets.collect()
}
