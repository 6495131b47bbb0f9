//! The example manifests and the schema beside them.
#![cfg(feature = "manifest")]
#![allow(clippy::disallowed_methods, reason = "tests read files and one setting; the domain does not")]

mod bundle;

use std::path::{Path, PathBuf};

use billing::manifest::{Manifest, Source, json_schema};
use bundle::load;
use serde_json::Value;

fn manifests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../manifests")
}

fn source(path: &Path) -> Source {
    let name = path.file_name().expect("a file name").to_string_lossy();
    Source::from_bytes(name, std::fs::read(path).expect("the file is readable")).expect("UTF-8")
}

fn load_or_show(source: Source) -> Manifest {
    load(&[source], None).unwrap_or_else(|problems| {
        let shown: Vec<String> = problems.iter().map(billing::manifest::Problem::render).collect();
        panic!("{}", shown.join("\n\n"))
    })
}

#[test]
fn the_portal_is_expressed_with_its_own_names() {
    let manifest = load_or_show(source(&manifests().join("mmp-toledo.yaml")));
    assert_eq!(manifest.function_name("costs"), "client-billing-costs");
    assert_eq!(manifest.function_name("invoicer"), "monthly-invoice-generator");
    assert_eq!(manifest.function_name("payment"), "client-billing-payment");
    assert_eq!(manifest.function_name("webhook"), "client-billing-webhook");
    assert_eq!(manifest.ledger.name, "client-billing-data");
    assert_eq!(manifest.schedules["monthly"].expression.as_deref(), Some("cron(0 0 1 * ? *)"));
    assert_eq!(manifest.stripe_secret().map(|(id, secret)| (id, secret.name.as_str(), secret.key.as_deref())), {
        Some(("stripe", "client-billing/stripe-api-key", Some("apiKey")))
    });
    assert_eq!(manifest.link_secret().map(|(_, secret)| secret.generate), Some(true));
    assert_eq!(manifest.attribution.activate.len(), 4);
    let record = &manifest.tenant_records()["mmp-toledo"];
    assert_eq!(record.tags["ClientOrganization"], "MMP-Toledo".into());
    assert_eq!(record.terms, [billing::pricing::Terms::default()]);
    assert_eq!((record.days_until_due, record.link_version), (30, 1));
    let budget = manifest.budget_of(&manifest.tenants[0]).expect("a budget");
    assert_eq!(budget.name, "client-billing-mmp-toledo-monthly");
    assert_eq!(budget.limit.to_string(), "500.00 USD");
    let percents: Vec<u32> = budget.alerts.iter().map(|alert| alert.percent).collect();
    assert_eq!(percents, [50, 80, 100]);
    assert!(budget.alerts.iter().all(|alert| alert.emails == ["billing@example.com"]));
    let unprovisioned = manifest.unprovisioned_sections();
    let sections = ["auth.cognito", "portal.bucket", "notifications.from", "notifications.welcome", "api.domain"];
    for section in sections.into_iter().chain(["tenants.domain"]) {
        assert!(unprovisioned.contains(&section), "{section} is not in {unprovisioned:?}");
    }
}

#[test]
fn every_example_loads_and_follows_the_schema() {
    let schema = json_schema();
    let files = std::fs::read_dir(manifests()).expect("the folder of examples");
    let files = files.map(|file| file.expect("an entry").path());
    let examples: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|ext| ext == "yaml")).collect();
    assert!(!examples.is_empty());
    for path in examples {
        load_or_show(source(&path));
        let text = std::fs::read_to_string(&path).expect("the file is readable");
        let value: Value = serde_yaml::from_str(&text).expect("plain YAML");
        let faults = faults(&schema, &schema, &value, "");
        assert!(faults.is_empty(), "{}: {faults:#?}", path.display());
    }
}

/// The schema and the decoder refuse the same manifests; each edit of the example breaks one rule that both know.
#[test]
fn schema_and_decoder_agree_on_bad_manifests() {
    let schema = json_schema();
    let text = std::fs::read_to_string(manifests().join("mmp-toledo.yaml")).expect("the example");
    for (from, to) in [
        ("project: client-billing", "projekt: client-billing"),
        ("version: 1\n", ""),
        ("account: \"123456789012\"", "account: \"12345\""),
        ("region: us-east-1", "regions: us-east-1"),
        ("source: cost-explorer", "source: cost-exploder"),
        ("amount: \"5.00 USD\"", "amount: 5"),
        ("surfaces: [portal]", "surfaces: portal"),
        ("surfaces: [portal]", "surfaces: [gate]"),
        ("deletion_protection: true", "deletion_protection: \"true\""),
        ("- id: mmp-toledo", "- id: MMP Toledo"),
        ("name: Minute Man Press Toledo", "title: Minute Man Press Toledo"),
        ("valid_for: \"30 days\"", "valid_for: \"30\""),
        ("file: .billform/state.json", "gcs: bucket"),
        ("markup: \"10%\"", "markup: \"ten\""),
        ("flat: \"10.00 USD\"", "flat: \"10.00\""),
    ] {
        let bad = text.replacen(from, to, 1);
        let value: Value = serde_yaml::from_str(&bad).expect("plain YAML");
        let by_schema = !faults(&schema, &schema, &value, "").is_empty();
        let by_load = load(&[Source { path: "bad.yaml".into(), text: bad.clone() }], None).is_err();
        assert_eq!((by_schema, by_load), (bad != text, bad != text), "{from} -> {to}");
    }
}

#[test]
fn the_schema_beside_the_examples_is_current() {
    let path = manifests().join("schema.json");
    let current = serde_json::to_string_pretty(&json_schema()).expect("JSON") + "\n";
    if std::env::var_os("BILLFORM_BLESS").is_some() {
        std::fs::write(&path, &current).expect("the schema is writable");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == current,
        "manifests/schema.json is stale; renew it with `BILLFORM_BLESS=1 cargo test -p billing --features manifest schema`"
    );
}

/// What a value breaks of the part of JSON Schema that ours uses.
fn faults(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).expect("the reference leads somewhere");
        return faults(root, target, value, at);
    }
    for keyword in ["anyOf", "oneOf"] {
        if let Some(options) = schema[keyword].as_array() {
            let fits = options.iter().any(|option| faults(root, option, value, at).is_empty());
            return if fits { vec![] } else { vec![format!("{at}: fits no option of {keyword}")] };
        }
    }
    let mut found = Vec::new();
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    let is_type = |name: &&str| match *name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        other => panic!("the schema uses the type {other}"),
    };
    if !types.is_empty() && !types.iter().any(is_type) {
        return vec![format!("{at}: {value} is no {types:?}")];
    }
    let listed = |options: &Vec<Value>| options.contains(value);
    if schema["enum"].as_array().is_some_and(|options| !listed(options)) {
        found.push(format!("{at}: {value} is not in the enumeration"));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        found.push(format!("{at}: {value} is not the constant"));
    }
    if let (Some(pattern), Some(text)) = (schema["pattern"].as_str(), value.as_str())
        && !matches(pattern, text)
    {
        found.push(format!("{at}: {text} does not match {pattern}"));
    }
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(required).is_none() {
            found.push(format!("{at}: {required} is missing"));
        }
    }
    if let Some(object) = value.as_object() {
        for (key, value) in object {
            let known = schema["properties"].get(key);
            let other = schema.get("additionalProperties");
            match (known, other) {
                (Some(schema), _) => found.extend(faults(root, schema, value, &format!("{at}/{key}"))),
                (None, Some(Value::Bool(false))) => found.push(format!("{at}: unknown key {key}")),
                (None, Some(schema)) if schema.is_object() => {
                    found.extend(faults(root, schema, value, &format!("{at}/{key}")));
                }
                _ => {}
            }
        }
    }
    if let Some(items) = value.as_array() {
        for (index, item) in items.iter().enumerate() {
            found.extend(faults(root, &schema["items"], item, &format!("{at}/{index}")));
        }
    }
    found
}

/// Whether text matches one of our patterns: anchored, of character classes, groups and counts. Backtracking, small.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern = pattern.strip_prefix('^').and_then(|p| p.strip_suffix('$')).expect("an anchored pattern");
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    ends(&pattern, &text, 0).contains(&text.len())
}

/// Where matches of a whole pattern that begin at `from` end.
fn ends(pattern: &[char], text: &[char], from: usize) -> Vec<usize> {
    let mut depth = 0;
    for (i, c) in pattern.iter().enumerate() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '|' if depth == 0 => {
                let mut all = ends(&pattern[..i], text, from);
                all.extend(ends(&pattern[i + 1..], text, from));
                return all;
            }
            _ => {}
        }
    }
    if pattern.is_empty() {
        return vec![from];
    }
    let close = |open: char, shut: char| {
        let mut depth = 0;
        pattern.iter().position(|c| {
            depth += i32::from(*c == open) - i32::from(*c == shut);
            depth == 0
        })
    };
    let atom_len = match pattern[0] {
        '[' => close('[', ']').expect("a closed class") + 1,
        '(' => close('(', ')').expect("a closed group") + 1,
        '\\' => 2,
        _ => 1,
    };
    let (atom, rest) = pattern.split_at(atom_len);
    let (least, most, quantifier) = match rest.first() {
        Some('+') => (1, usize::MAX, 1),
        Some('*') => (0, usize::MAX, 1),
        Some('?') => (0, 1, 1),
        Some('{') => {
            let shut = rest.iter().position(|c| *c == '}').expect("a closed count");
            let counts: String = rest[1..shut].iter().collect();
            let (least, most) = counts.split_once(',').unwrap_or((&counts, &counts));
            (least.parse().expect("a count"), most.parse().unwrap_or(usize::MAX), shut + 1)
        }
        _ => (1, 1, 0),
    };
    let rest = &rest[quantifier..];
    let mut reached = vec![from];
    let mut found = Vec::new();
    for count in 0.. {
        if count >= least {
            found.extend(reached.iter().flat_map(|at| ends(rest, text, *at)));
        }
        if count >= most {
            break;
        }
        reached = reached.iter().flat_map(|at| atom_ends(atom, text, *at)).collect();
        if reached.is_empty() {
            break;
        }
    }
    found
}

fn atom_ends(atom: &[char], text: &[char], from: usize) -> Vec<usize> {
    if atom[0] == '(' {
        return ends(&atom[1..atom.len() - 1], text, from);
    }
    let Some(c) = text.get(from) else { return vec![] };
    let fits = match atom {
        ['[', class @ .., ']'] => {
            let ranges = class.windows(3).any(|w| w[1] == '-' && (w[0]..=w[2]).contains(c));
            ranges || (class.contains(c) && (*c != '-' || class.last() == Some(&'-')))
        }
        ['\\', escaped] => escaped == c,
        [plain] => plain == c,
        _ => panic!("the pattern uses {atom:?}"),
    };
    if fits { vec![from + 1] } else { vec![] }
}
