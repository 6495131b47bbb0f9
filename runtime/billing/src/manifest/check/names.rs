//! Names as each AWS service takes them, written or derived.

use super::shapes::is_id;
use super::{Checker, report_repeats, steps};
use crate::manifest::catalogue::Catalogue;
use crate::manifest::model::Manifest;
use crate::manifest::node::Step;

/// A kind of name: how long it may be, and what it is made of.
struct Rule {
    what: &'static str,
    shortest: usize,
    longest: usize,
    characters: &'static str,
    lower_case: bool,
}

const fn rule(what: &'static str, longest: usize, characters: &'static str) -> Rule {
    Rule { what, shortest: 1, longest, characters, lower_case: false }
}

/// Role names have 64 characters; a function's role carries the function's name.
const FUNCTION: Rule = rule("a function's name", 64, "-_");
const TABLE: Rule = Rule { shortest: 3, ..rule("a table's name", 255, "-_.") };
const BUCKET: Rule = Rule { shortest: 3, lower_case: true, ..rule("a bucket's name", 63, "-.") };
const RULE: Rule = rule("a schedule's name", 64, "-_.");
const LOG_GROUP: Rule = rule("a log group's name", 512, "-_./#");
const API: Rule = rule("an API's name", 128, "-_. ");
const STAGE: Rule = rule("a stage's name", 128, "-_$");
const SECRET: Rule = rule("a secret's name", 512, "/_+=.@-");
const REPORT: Rule = rule("a report's name", 256, "!-_.*'()");
const BUDGET: Rule = rule("a budget's name", 100, "-_. @+=,");
const LOOKUP_KEY: Rule = rule("a lookup key", 200, "-_.:");

/// Whether DynamoDB takes a table's name.
pub(super) fn is_table(name: &str) -> bool {
    TABLE.fault(name).is_none()
}

/// A name, its rule, and where it is written when it is.
type Named = (Rule, String, Vec<Step>);

pub(super) fn check(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    let faulty = names(manifest, checker.catalogue)
        .into_iter()
        .filter_map(|(rule, name, steps)| Some((rule.fault(&name)?, rule, name, steps)));
    let (written, derived): (Vec<_>, Vec<_>) = faulty.partition(|(.., steps)| checker.is_written(steps));
    for (fault, rule, name, steps) in written {
        let message = format!("`{name}` cannot be {}: {fault}", rule.what);
        checker.at(&steps, message, "choose another name".to_owned());
    }
    // Names derived from what is no id are no names either; the id was reported.
    let sound = is_id(&manifest.project) && manifest.environment.as_ref().is_none_or(|environment| is_id(environment));
    // They share one cause: the one that is the most too long stands for all.
    let worst = derived.iter().max_by_key(|(_, rule, name, _)| name.len().saturating_sub(rule.longest));
    if let (Some((fault, rule, name, steps)), true) = (worst, sound) {
        report_derived(checker, rule, name, steps, fault);
    }
    let functions = handlers(manifest, checker.catalogue).map(|(name, steps)| (name, steps.to_vec()));
    report_repeats(checker, "the function name", &functions.collect::<Vec<_>>(), "functions need names of their own");
    let secrets =
        manifest.secrets.iter().map(|(id, secret)| (secret.name.clone(), steps!["secrets", id, "name"].to_vec()));
    report_repeats(checker, "the secret name", &secrets.collect::<Vec<_>>(), "secrets need names of their own");
    let rules = manifest.schedules.iter();
    let rules = rules.map(|(id, rule)| (rule.name.clone(), steps!["schedules", id, "name"].to_vec()));
    report_repeats(checker, "the schedule name", &rules.collect::<Vec<_>>(), "schedules need names of their own");
    let keys = manifest.products.iter().flat_map(|(product, settings)| {
        settings.prices.iter().map(move |(price, settings)| {
            (settings.lookup_key.clone(), steps!["products", product, "prices", price, "lookup_key"].to_vec())
        })
    });
    report_repeats(checker, "the lookup key", &keys.collect::<Vec<_>>(), "a lookup key finds one price");
}

/// A name that the manifest does not write: what it was derived from is at fault.
fn report_derived(checker: &mut Checker<'_>, rule: &Rule, name: &str, steps: &[Step], fault: &str) {
    let keys = steps.iter().filter_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Index(_) => None,
    });
    let key = keys.collect::<Vec<_>>().join(".");
    let message = format!("`{name}`, derived from the project, cannot be {}: {fault}", rule.what);
    checker.at(&steps!["project"], message, format!("shorten the project, or set `{key}`"));
}

/// The functions of the handlers that the manifest has what they need for.
fn handlers(manifest: &Manifest, catalogue: Catalogue<'_>) -> impl Iterator<Item = (String, [Step; 4])> {
    catalogue
        .needed_by(manifest)
        .map(|name| (manifest.function_name(name), steps!["functions", "handlers", name, "name"]))
}

fn names(manifest: &Manifest, catalogue: Catalogue<'_>) -> Vec<Named> {
    let functions = handlers(manifest, catalogue);
    let mut names: Vec<Named> = functions.map(|(name, steps)| (FUNCTION, name, steps.to_vec())).collect();
    let mut add = |rule: Rule, name: &str, steps: &[&str]| {
        names.push((rule, name.to_owned(), steps.iter().copied().map(Step::from).collect()));
    };
    add(TABLE, &manifest.ledger.name, &["ledger", "name"]);
    for (id, schedule) in &manifest.schedules {
        add(RULE, &schedule.name, &["schedules", id, "name"]);
    }
    if !manifest.api.surfaces.is_empty() {
        add(API, &manifest.api.name, &["api", "name"]);
        add(STAGE, &manifest.api.stage, &["api", "stage"]);
        add(LOG_GROUP, &manifest.api.access_log.group, &["api", "access_log", "group"]);
    }
    if let Some(report) = &manifest.costs.report {
        add(REPORT, &report.name, &["costs", "report", "name"]);
        add(BUCKET, &report.bucket, &["costs", "report", "bucket"]);
    }
    if let Some(portal) = &manifest.portal {
        add(BUCKET, &portal.bucket, &["portal", "bucket"]);
    }
    for (id, secret) in &manifest.secrets {
        add(SECRET, &secret.name, &["secrets", id, "name"]);
    }
    for (product, settings) in &manifest.products {
        for (price, settings) in &settings.prices {
            add(LOOKUP_KEY, &settings.lookup_key, &["products", product, "prices", price, "lookup_key"]);
        }
    }
    let longest = manifest.tenants.iter().max_by_key(|tenant| tenant.id.len());
    if let Some(budget) = longest.and_then(|tenant| manifest.budget_of(tenant)) {
        add(BUDGET, &budget.name, &["budgets", "name"]);
    }
    if let (Some(storage), Some(tenant)) = (&manifest.storage, longest) {
        let bucket = storage.bucket.replace("{prefix}", &manifest.prefix()).replace("{tenant}", &tenant.id);
        let bucket = bucket.replace("{account}", &manifest.aws.account);
        add(BUCKET, &bucket, &["storage", "bucket"]);
    }
    names
}

impl Rule {
    fn fault(&self, name: &str) -> Option<String> {
        let letter = |c: char| match self.lower_case {
            true => c.is_ascii_lowercase(),
            false => c.is_ascii_alphabetic(),
        };
        let length = name.chars().count();
        if length < self.shortest || length > self.longest {
            return Some(format!("it has {length} characters, and {} to {} are allowed", self.shortest, self.longest));
        }
        let wrong = name.chars().find(|c| !letter(*c) && !c.is_ascii_digit() && !self.characters.contains(*c));
        if let Some(wrong) = wrong {
            return Some(format!("`{wrong}` is not allowed in it"));
        }
        let edges = self.lower_case && !(starts_plain(name) && name.ends_with(|c: char| c.is_ascii_alphanumeric()));
        edges.then(|| "it begins and ends with a letter or digit".to_owned())
    }
}

fn starts_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
}
