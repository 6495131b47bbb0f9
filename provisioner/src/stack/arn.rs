//! ARNs that follow from names we choose, so that nothing has to exist before it can be referred to.

use billing::manifest::model::Manifest;

/// `arn:aws:<service>:<region>:<account>:<resource>`.
pub fn regional(manifest: &Manifest, service: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{}:{}:{resource}", manifest.aws.region, manifest.aws.account)
}

pub fn role(manifest: &Manifest, name: &str) -> String {
    format!("arn:aws:iam::{}:role/{name}", manifest.aws.account)
}

pub fn function(manifest: &Manifest, name: &str) -> String {
    regional(manifest, "lambda", &format!("function:{name}"))
}

pub fn log_group(manifest: &Manifest, name: &str) -> String {
    regional(manifest, "logs", &format!("log-group:{name}"))
}

/// A table by its name, or by its ARN where it is another account's.
pub fn table(manifest: &Manifest, name: &str) -> String {
    if name.starts_with("arn:") {
        return name.to_owned();
    }
    regional(manifest, "dynamodb", &format!("table/{name}"))
}

pub fn rule(manifest: &Manifest, name: &str) -> String {
    regional(manifest, "events", &format!("rule/{name}"))
}

/// Secrets Manager appends six random characters to a secret's ARN.
pub fn secret_pattern(manifest: &Manifest, name: &str) -> String {
    regional(manifest, "secretsmanager", &format!("secret:{name}-??????"))
}
