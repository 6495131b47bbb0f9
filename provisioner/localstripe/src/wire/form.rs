//! Form and query text to a tree: `a[b][0][c]=x` nests. Whether a level is a list or a map is the parameter table's
//! to say, so lists stay maps with numbers as keys here.

use percent_encoding::percent_decode;

use super::error::ApiError;

/// How deep keys may nest; Stripe's own parameters need five levels.
const MAX_DEPTH: usize = 12;

/// One value of a decoded form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Text(String),
    /// Entries in the order they came; each key once.
    Map(Vec<(String, Form)>),
}

impl Form {
    /// The top-level entry of that name.
    #[cfg(test)]
    pub(crate) fn get(&self, name: &str) -> Option<&Form> {
        match self {
            Form::Text(_) => None,
            Form::Map(entries) => entries.iter().find(|(key, _)| key == name).map(|(_, value)| value),
        }
    }
}

/// Reads `key=value&key=value`. A key given twice keeps its last value, as with Stripe.
pub(crate) fn parse(text: &str) -> Result<Form, ApiError> {
    let mut root = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (decode(key)?, decode(value)?);
        let path = segments(&key)?;
        insert(&mut root, &path, value, &key)?;
    }
    Ok(Form::Map(root))
}

fn decode(text: &str) -> Result<String, ApiError> {
    let spaced = text.replace('+', " ");
    percent_decode(spaced.as_bytes())
        .decode_utf8()
        .map(|text| text.into_owned())
        .map_err(|_| ApiError::invalid("Invalid request: the parameters are not valid UTF-8."))
}

/// `a[b][]` is `["a", "b", ""]`.
fn segments(key: &str) -> Result<Vec<String>, ApiError> {
    let bad = || ApiError::invalid(format!("Invalid request: malformed parameter name `{key}`."));
    let (head, mut rest) = match key.find('[') {
        Some(at) => key.split_at(at),
        None => (key, ""),
    };
    if head.is_empty() {
        return Err(bad());
    }
    let mut path = vec![head.to_owned()];
    while !rest.is_empty() {
        let inner = rest.strip_prefix('[').ok_or_else(bad)?;
        let (segment, after) = inner.split_once(']').ok_or_else(bad)?;
        path.push(segment.to_owned());
        rest = after;
    }
    if path.len() > MAX_DEPTH {
        return Err(bad());
    }
    Ok(path)
}

fn insert(map: &mut Vec<(String, Form)>, path: &[String], value: String, whole: &str) -> Result<(), ApiError> {
    let Some((head, rest)) = path.split_first() else {
        return Ok(());
    };
    let key = if head.is_empty() { appended_index(map, rest).to_string() } else { head.clone() };
    let at = match map.iter().position(|(known, _)| *known == key) {
        Some(at) => at,
        None => {
            let fresh = if rest.is_empty() { Form::Text(String::new()) } else { Form::Map(Vec::new()) };
            map.push((key, fresh));
            map.len() - 1
        }
    };
    match (&mut map[at].1, rest.is_empty()) {
        (Form::Text(text), true) => {
            *text = value;
            Ok(())
        }
        (Form::Map(inner), false) => insert(inner, rest, value, whole),
        _ => Err(ApiError::invalid(format!(
            "Invalid request: `{whole}` is given both as a value and as a group of values."
        ))
        .with_param(whole)),
    }
}

/// `a[][x]=1&a[][y]=2&a[][x]=3` makes two elements: a new one starts where a field would repeat.
fn appended_index(map: &[(String, Form)], rest: &[String]) -> usize {
    let last_takes_it = match (map.last(), rest.first()) {
        (Some((_, Form::Map(last))), Some(field)) => !field.is_empty() && !last.iter().any(|(known, _)| known == field),
        _ => false,
    };
    if last_takes_it { map.len() - 1 } else { map.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Form {
        Form::Text(value.to_owned())
    }

    fn map(entries: &[(&str, Form)]) -> Form {
        Form::Map(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    }

    #[test]
    fn nested_keys_become_a_tree() {
        let form = parse("a[b][0][c]=x&a[b][0][d]=y&a[b][1][c]=z&e=1").unwrap();
        let rows = map(&[("0", map(&[("c", text("x")), ("d", text("y"))])), ("1", map(&[("c", text("z"))]))]);
        assert_eq!(form, map(&[("a", map(&[("b", rows)])), ("e", text("1"))]));
    }

    #[test]
    fn names_and_values_are_decoded() {
        let form = parse("metadata%5Bthe+key%5D=caf%C3%A9+%26%2B").unwrap();
        assert_eq!(form, map(&[("metadata", map(&[("the key", text("café &+"))]))]));
    }

    #[test]
    fn empty_brackets_append() {
        let form = parse("expand[]=a&expand[]=b&l[][x]=1&l[][y]=2&l[][x]=3").unwrap();
        assert_eq!(form.get("expand"), Some(&map(&[("0", text("a")), ("1", text("b"))])));
        let rows = map(&[("0", map(&[("x", text("1")), ("y", text("2"))])), ("1", map(&[("x", text("3"))]))]);
        assert_eq!(form.get("l"), Some(&rows));
    }

    #[test]
    fn the_last_of_a_repeated_key_wins() {
        assert_eq!(parse("a=1&a=2").unwrap().get("a"), Some(&text("2")));
    }

    #[test]
    fn an_empty_text_has_no_parameters() {
        assert_eq!(parse("").unwrap(), map(&[]));
        assert_eq!(parse("&&").unwrap(), map(&[]));
    }

    #[test]
    fn malformed_names_are_refused() {
        for bad in ["=1", "[a]=1", "a[b=1", "a[b]c=1", "a=1&a[b]=2", "a[b]=2&a=1", "a=%ff"] {
            assert!(parse(bad).is_err(), "{bad} passed");
        }
        assert!(parse(&format!("a{}=1", "[b]".repeat(40))).is_err());
    }
}
