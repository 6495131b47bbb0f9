//! `${{ … }}` and `if:`, as far as billform's workflows use them: a value of a context, a literal, `==` and `!=`.
//! Anything else fails the test.
//!
//! Source: <https://docs.github.com/actions/reference/workflows-and-actions/expressions>.

use serde_json::Value;

/// Whether a condition holds.
pub fn holds(condition: &str, contexts: &Value) -> bool {
    for (operator, equal) in [(" == ", true), (" != ", false)] {
        if let Some((left, right)) = condition.split_once(operator) {
            // GitHub compares text without regard to case.
            return value(left, contexts).eq_ignore_ascii_case(&value(right, contexts)) == equal;
        }
    }
    panic!("the condition `{condition}` is not understood")
}

/// A text with its expressions replaced by their values.
pub fn filled(text: &str, contexts: &Value) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (expression, behind) = after.split_once("}}").unwrap_or_else(|| panic!("`{text}` has an open expression"));
        out.push_str(before);
        out.push_str(&value(expression, contexts));
        rest = behind;
    }
    out + rest
}

/// `'text'`, or what stands at a path. Outputs that a step did not set are empty; everything else has to be there.
fn value(expression: &str, contexts: &Value) -> String {
    let expression = expression.trim();
    if let Some(literal) = expression.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        assert!(!literal.contains('\''), "`{expression}` is not understood");
        return literal.to_owned();
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    assert!(expression.chars().all(plain), "`{expression}` is not understood");
    let mut at = contexts;
    let mut in_outputs = false;
    for part in expression.split('.') {
        at = match at.get(part) {
            Some(next) => next,
            None if in_outputs => return String::new(),
            None => panic!("`{expression}`: nothing is known of `{part}`"),
        };
        in_outputs = part == "outputs";
    }
    match at {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        other => panic!("`{expression}` is {other}, which is no text"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn contexts() -> Value {
        json!({ "github": { "token": "t", "event": { "number": 7 } }, "steps": { "one": { "outputs": { "a": "Yes" } } } })
    }

    #[test]
    fn values_are_filled_in_and_compared() {
        let contexts = contexts();
        assert_eq!(filled("a-${{ github.event.number }}-${{github.token}}", &contexts), "a-7-t");
        assert_eq!(filled("[${{ steps.one.outputs.b }}]", &contexts), "[]");
        assert_eq!(filled("plain", &contexts), "plain");
        assert!(holds("steps.one.outputs.a == 'yes'", &contexts));
        assert!(!holds("steps.one.outputs.b != ''", &contexts));
        assert!(holds("github.token != steps.one.outputs.a", &contexts));
    }

    #[test]
    fn what_is_not_understood_fails() {
        for wrong in
            ["always()", "github.token == 't' && true", "!github.token", "steps.two.outputs.a == ''", "env.X == ''"]
        {
            let result = std::panic::catch_unwind(|| holds(wrong, &contexts()));
            assert!(result.is_err(), "{wrong}");
        }
    }
}
