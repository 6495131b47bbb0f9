//! S3: bucket names, bucket policies, lifecycle rules and bucket tags.

use std::collections::BTreeSet;

use super::super::pipeline::Call;
use super::Refusal;
use super::document::{self, Place};
use super::shape::{element, elements, shaped, tag_fault};

const POLICY_BYTES: usize = 20 * 1024;
const MOST_TAGS: usize = 50;
const INFREQUENT_ACCESS_DAYS: u32 = 30;

/// Checks a request to S3.
pub(super) fn check(call: &Call) -> Result<(), Refusal> {
    let body = || String::from_utf8_lossy(&call.body).into_owned();
    match call.operation.as_str() {
        "CreateBucket" => check_name(&bucket(call)),
        "PutBucketPolicy" => check_policy(&body(), &bucket(call)),
        "PutBucketLifecycleConfiguration" => check_lifecycle(&body()),
        "PutBucketTagging" => check_tags(&body()),
        _ => Ok(()),
    }
}

/// The bucket of a call, from the host or the path.
pub(super) fn bucket(call: &Call) -> String {
    let in_host =
        call.header("host").split_once('.').filter(|(_, rest)| rest.starts_with("s3.") || rest.starts_with("s3-"));
    in_host.map(|(bucket, _)| bucket.to_owned()).or_else(|| call.segments().into_iter().next()).unwrap_or_default()
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let letters = shaped(name, 3..=63, |letter| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-' || letter == '.'
    });
    let ends = name.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && name.ends_with(|letter: char| letter.is_ascii_alphanumeric());
    let is_address = name.split('.').count() == 4 && name.split('.').all(|part| part.parse::<u8>().is_ok());
    let reserved = ["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|prefix| name.starts_with(prefix))
        || ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|suffix| name.ends_with(suffix));
    let fits = letters && ends && !name.contains("..") && !is_address && !reserved;
    fits.then_some(())
        .ok_or_else(|| Refusal::new("InvalidBucketName", format!("The specified bucket is not valid: {name}")))
}

fn check_policy(text: &str, bucket: &str) -> Result<(), Refusal> {
    if text.len() > POLICY_BYTES {
        return Err(Refusal::new(
            "PolicyTooLarge",
            format!("A bucket policy has at most {POLICY_BYTES} bytes, not {}", text.len()),
        ));
    }
    document::check(text, Place::Bucket(bucket)).map_err(|fault| Refusal::new("MalformedPolicy", fault))
}

fn check_lifecycle(xml: &str) -> Result<(), Refusal> {
    let rules = elements(xml, "Rule");
    if rules.is_empty() {
        return Err(malformed("a lifecycle configuration has at least one Rule"));
    }
    let mut ids = BTreeSet::new();
    for rule in &rules {
        check_lifecycle_rule(rule)?;
        if let Some(id) = element(rule, "ID").filter(|id| !id.is_empty())
            && !ids.insert(id.clone())
        {
            return Err(Refusal::new(
                "InvalidArgument",
                format!("Rule ID must be unique. Found same ID for more than one rule: {id}"),
            ));
        }
    }
    Ok(())
}

fn check_lifecycle_rule(rule: &str) -> Result<(), Refusal> {
    let has = |name: &str| !elements(rule, name).is_empty();
    // A prefix beside the filter is the old form and still counts.
    if !has("Filter") && !has("Prefix") {
        return Err(malformed("each lifecycle Rule needs a Filter"));
    }
    if !["Enabled", "Disabled"].contains(&element(rule, "Status").unwrap_or_default().as_str()) {
        return Err(malformed("the Status of a lifecycle Rule is Enabled or Disabled"));
    }
    let actions = [
        "Expiration",
        "Transition",
        "NoncurrentVersionExpiration",
        "NoncurrentVersionTransition",
        "AbortIncompleteMultipartUpload",
    ];
    if !actions.iter().any(|action| has(action)) {
        return Err(Refusal::new("InvalidRequest", "At least one action needs to be specified in a rule"));
    }
    let mut latest_transition = None;
    for transition in elements(rule, "Transition") {
        let days = days(&transition).unwrap_or(u32::MAX);
        let class = element(&transition, "StorageClass").unwrap_or_default();
        if class.ends_with("_IA") && days < INFREQUENT_ACCESS_DAYS {
            let message = format!(
                "'Days' in Transition action must be greater than or equal to {INFREQUENT_ACCESS_DAYS} for storageClass '{class}'"
            );
            return Err(Refusal::new("InvalidArgument", message));
        }
        latest_transition = latest_transition.max(Some(days));
    }
    let expires = element(rule, "Expiration").as_deref().and_then(days);
    // A transition on a date (no days) cannot be compared.
    match (expires, latest_transition.filter(|days| *days != u32::MAX)) {
        (Some(expires), Some(moves)) if expires <= moves => Err(Refusal::new(
            "InvalidArgument",
            "'Days' in the Expiration action must be greater than 'Days' in the Transition action",
        )),
        _ => Ok(()),
    }
}

fn days(action: &str) -> Option<u32> {
    element(action, "Days")?.trim().parse().ok()
}

fn check_tags(xml: &str) -> Result<(), Refusal> {
    let tags: Vec<(String, String)> = elements(xml, "Tag")
        .iter()
        .map(|tag| (element(tag, "Key").unwrap_or_default(), element(tag, "Value").unwrap_or_default()))
        .collect();
    let pairs = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    tag_fault(pairs, MOST_TAGS).map_or(Ok(()), |fault| Err(Refusal::new("InvalidTag", fault)))
}

fn malformed(message: &str) -> Refusal {
    Refusal::new(
        "MalformedXML",
        format!("The XML you provided did not validate against the published schema: {message}"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::call;
    use super::*;
    use http::{HeaderMap, Method};

    fn lifecycle(rules: &str) -> Result<(), Refusal> {
        check_lifecycle(&format!("<LifecycleConfiguration>{rules}</LifecycleConfiguration>"))
    }

    #[test]
    fn names_follow_the_rules() {
        for good in ["client-billing-portal-123456789012", "abc", "a.b.c"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in
            ["ab", "Bad", "a_b", "-ab", "ab-", "a..b", "1.2.3.4", "xn--foo", "sthree-x", "foo-s3alias", &"x".repeat(64)]
        {
            assert_eq!(check_name(bad).unwrap_err().code, "InvalidBucketName", "{bad}");
        }
    }

    #[test]
    fn the_bucket_is_read_from_path_or_host() {
        let of = |path: &str, host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("host", http::HeaderValue::from_static(host));
            bucket(&call("s3", "CreateBucket", Method::PUT, path, headers, String::new()))
        };
        assert_eq!(of("/b1?policy", "127.0.0.1:4600"), "b1");
        assert_eq!(of("/key", "b2.s3.localhost:4600"), "b2");
    }

    #[test]
    fn each_lifecycle_rule_has_a_filter_and_an_action() {
        let good = "<Rule><ID>a</ID><Status>Enabled</Status><Filter><Prefix>results/</Prefix></Filter>\
            <Transition><Days>30</Days><StorageClass>STANDARD_IA</StorageClass></Transition><Expiration><Days>90</Days></Expiration></Rule>";
        assert_eq!(lifecycle(good), Ok(()));
        assert_eq!(lifecycle(&good.replace("<Filter><Prefix>results/</Prefix></Filter>", "<Filter/>")), Ok(()));
        for (from, to, code) in [
            ("<Filter><Prefix>results/</Prefix></Filter>", "", "MalformedXML"),
            ("Enabled", "On", "MalformedXML"),
            ("<Days>30</Days>", "<Days>29</Days>", "InvalidArgument"),
            ("<Days>90</Days>", "<Days>30</Days>", "InvalidArgument"),
        ] {
            assert_eq!(lifecycle(&good.replace(from, to)).unwrap_err().code, code, "{from} -> {to}");
        }
        assert_eq!(lifecycle("").unwrap_err().code, "MalformedXML");
        assert_eq!(lifecycle(&good.repeat(2)).unwrap_err().code, "InvalidArgument");
        let idle = "<Rule><Status>Enabled</Status><Filter/></Rule>";
        assert_eq!(lifecycle(idle).unwrap_err().code, "InvalidRequest");
    }

    #[test]
    fn policies_and_tags_are_checked() {
        assert_eq!(check_policy("{", "b").unwrap_err().code, "MalformedPolicy");
        let tag = |key: &str| format!("<Tag><Key>{key}</Key><Value>v</Value></Tag>");
        assert_eq!(check_tags(&tag("a")), Ok(()));
        assert_eq!(check_tags(&tag("a").repeat(2)).unwrap_err().code, "InvalidTag");
    }
}
