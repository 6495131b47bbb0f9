//! Idempotency tokens: the same request twice gets the same token, another request never does.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Address;

/// The token of a request, 64 hexadecimal digits.
///
/// `generation` is the run's count: each run has another, and what a killed run began is finished under its count
/// ([`crate::state::Intent::generation`]). Without it a resource that was destroyed and is wanted again within a day would
/// get the answer that the service remembers of its first life.
pub fn token(stack: &str, generation: u64, address: &Address, request: &Value) -> String {
    let mut hash = Sha256::new();
    for part in [stack, &generation.to_string(), &address.to_string()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    take_in(&mut hash, request);
    in_hex(hash)
}

/// The SHA-256 of a value in hex, whatever the order of its keys.
pub fn digest(value: &Value) -> String {
    let mut hash = Sha256::new();
    take_in(&mut hash, value);
    in_hex(hash)
}

fn in_hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hashes a value whatever the order of its keys.
fn take_in(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort_unstable();
            hash.update(b"{");
            for name in names {
                hash.update(Value::from(name.as_str()).to_string());
                hash.update(b":");
                take_in(hash, &fields[name]);
                hash.update(b",");
            }
            hash.update(b"}");
        }
        Value::Array(items) => {
            hash.update(b"[");
            for item in items {
                take_in(hash, item);
                hash.update(b",");
            }
            hash.update(b"]");
        }
        plain => hash.update(plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn key_order_does_not_count_and_everything_else_does() {
        let address = Address::new("item", "a");
        let first: Value = serde_json::from_str(r#"{"a":1,"b":[{"c":2,"d":3}]}"#).expect("JSON");
        let second: Value = serde_json::from_str(r#"{"b":[{"d":3,"c":2}],"a":1}"#).expect("JSON");
        let base = token("s", 1, &address, &first);
        assert_eq!(base, token("s", 1, &address, &second));
        assert_eq!(base.len(), 64);
        let others = [
            token("t", 1, &address, &first),
            token("s", 2, &address, &first),
            token("s", 1, &Address::new("item", "b"), &first),
            token("s", 1, &address, &json!({"a": 1, "b": [{"c": 2, "d": 4}]})),
        ];
        assert!(others.iter().all(|other| *other != base));
    }
}
