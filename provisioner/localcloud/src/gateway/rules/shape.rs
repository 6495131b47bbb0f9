//! The shapes of names and texts that AWS accepts, told without regular expressions, and a look into small XML.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use percent_encoding::percent_decode_str;

/// Whether a text has a length within bounds (in characters) and only such characters.
pub(super) fn shaped(text: &str, length: RangeInclusive<usize>, allowed: impl Fn(char) -> bool) -> bool {
    length.contains(&text.chars().count()) && text.chars().all(allowed)
}

/// Letters and digits of ASCII, and those of `more`.
pub(super) fn word(more: &'static str) -> impl Fn(char) -> bool {
    move |letter| letter.is_ascii_alphanumeric() || more.contains(letter)
}

/// Why a set of tags would be refused; none when it is fine.
pub(super) fn tag_fault<'a>(tags: impl IntoIterator<Item = (&'a str, &'a str)>, most: usize) -> Option<String> {
    let mut seen = BTreeSet::new();
    for (key, value) in tags {
        if !(1..=128).contains(&key.chars().count()) {
            return Some(format!("Tag key '{key}' must have 1 to 128 characters"));
        }
        if value.chars().count() > 256 {
            return Some(format!("The value of tag '{key}' must have at most 256 characters"));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Some(format!("Tag key '{key}' begins with aws:, which is reserved for system use"));
        }
        if !key
            .chars()
            .chain(value.chars())
            .all(|letter| letter.is_alphanumeric() || letter.is_whitespace() || "_.:/=+-@".contains(letter))
        {
            return Some(format!("Tag '{key}' holds a character that tags cannot have"));
        }
        if !seen.insert(key) {
            return Some(format!("Duplicate tag key '{key}'"));
        }
    }
    (seen.len() > most).then(|| format!("At most {most} tags are allowed, not {}", seen.len()))
}

/// The contents of every element of that name, unescaped where they are text; elements of the same name do not nest.
pub(super) fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let mut found = Vec::new();
    let mut rest = xml;
    while let Some(at) = rest.find(&open) {
        rest = &rest[at + open.len()..];
        // `<Rule` also begins `<RuleId>`: the name must end here.
        let Some(end) = rest.find('>').filter(|_| rest.starts_with(['>', '/', ' ', '\n', '\r', '\t'])) else {
            continue;
        };
        if rest[..end].ends_with('/') {
            found.push(String::new());
            rest = &rest[end + 1..];
            continue;
        }
        let Some(stop) = rest.find(&close) else { break };
        found.push(unescaped(&rest[end + 1..stop]));
        rest = &rest[stop + close.len()..];
    }
    found
}

/// The first element of that name.
pub(super) fn element(xml: &str, name: &str) -> Option<String> {
    elements(xml, name).into_iter().next()
}

/// Text without percent escapes.
pub(super) fn percent_decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn unescaped(text: &str) -> String {
    // Inner markup is looked at again by name, so it must stay markup.
    if text.contains('<') {
        return text.to_owned();
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_their_whole_name() {
        let xml = "<R><Rule><ID>a</ID><Filter/></Rule><Rule x='1'><ID>b &amp; c</ID></Rule><RuleSet>no</RuleSet></R>";
        let rules = elements(xml, "Rule");
        assert_eq!(rules.len(), 2);
        assert_eq!(element(&rules[1], "ID").as_deref(), Some("b & c"));
        assert_eq!(elements(&rules[0], "Filter"), [""]);
        assert_eq!(element(xml, "Missing"), None);
    }

    #[test]
    fn tags_have_lengths_letters_and_no_reserved_prefix() {
        assert_eq!(tag_fault([("billform:stack", "a b/c")], 50), None);
        for bad in [("", "v"), ("aws:x", "v"), ("AWS:x", "v"), ("k", "semi;colon")] {
            assert!(tag_fault([bad], 50).is_some(), "{bad:?}");
        }
        assert!(tag_fault([("k", &*"v".repeat(257))], 50).is_some());
        assert!(tag_fault([("k", "1"), ("k", "2")], 50).is_some());
        assert!(tag_fault([("a", ""), ("b", "")], 1).is_some());
    }
}
