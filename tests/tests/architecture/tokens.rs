//! A Rust source as words and signs, without comments, texts and test code: enough to read its imports.

/// One word, number or sign; `::` is one sign.
pub type Token = String;

/// Splits a source into tokens, and drops every item behind `#[cfg(test)]`.
pub fn tokens(text: &str) -> Vec<Token> {
    without_tests(&split(text))
}

/// Returns the names of the modules that are declared behind `#[cfg(test)]`: their files are test code.
pub fn test_modules(text: &str) -> Vec<String> {
    let all = split(text);
    let starts = (0..all.len()).filter(|at| is_test_attribute(&all[*at..]));
    let declared = starts.filter_map(|at| {
        let item = &all[at + TEST_ATTRIBUTE.len()..];
        let module = item.iter().position(|token| token == "mod").filter(|at| *at < 8)?;
        (item.get(module + 2)? == ";").then(|| item[module + 1].clone())
    });
    declared.collect()
}

const TEST_ATTRIBUTE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];

fn is_test_attribute(tokens: &[Token]) -> bool {
    tokens.len() >= TEST_ATTRIBUTE.len() && tokens.iter().zip(TEST_ATTRIBUTE).all(|(token, sign)| token == sign)
}

fn without_tests(all: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < all.len() {
        if is_test_attribute(&all[at..]) {
            at = end_of_item(all, at + TEST_ATTRIBUTE.len());
        } else {
            kept.push(all[at].clone());
            at += 1;
        }
    }
    kept
}

/// Where the item that starts at `from` has ended: behind its `;`, its `,` or its closing brace.
fn end_of_item(all: &[Token], from: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in all.iter().enumerate().skip(from) {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" if depth == 0 => return at,
            "}" if depth == 1 => return at + 1,
            "}" | ")" | "]" => depth -= 1,
            ";" | "," if depth == 0 => return at + 1,
            _ => {}
        }
    }
    all.len()
}

fn split(text: &str) -> Vec<Token> {
    let signs: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < signs.len() {
        let rest = &signs[at..];
        at += match rest {
            ['/', '/', ..] => until(rest, |rest| rest.starts_with(&['\n'])),
            ['/', '*', ..] => until(rest, |rest| rest.starts_with(&['*', '/'])) + 2,
            ['r', '"' | '#', ..] if raw_text(rest).is_some() => raw_text(rest).unwrap_or(1),
            ['b', 'r', '"' | '#', ..] if raw_text(&rest[1..]).is_some() => 1 + raw_text(&rest[1..]).unwrap_or(1),
            ['"', ..] => quoted(rest),
            ['\'', ..] => character(rest),
            [':', ':', ..] => {
                tokens.push("::".to_owned());
                2
            }
            [sign, ..] if sign.is_alphanumeric() || *sign == '_' => {
                let length = until(rest, |rest| !(rest[0].is_alphanumeric() || rest[0] == '_'));
                tokens.push(rest[..length].iter().collect());
                length
            }
            [sign, ..] => {
                if !sign.is_whitespace() {
                    tokens.push(sign.to_string());
                }
                1
            }
            [] => break,
        };
    }
    tokens
}

fn until(rest: &[char], is_end: impl Fn(&[char]) -> bool) -> usize {
    (0..rest.len()).find(|at| is_end(&rest[*at..])).unwrap_or(rest.len())
}

/// The length of a text in quotes.
fn quoted(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The length of `r"…"` or `r#"…"#`; none where it is neither, but a name such as `r#type`.
fn raw_text(rest: &[char]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|sign| **sign == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return None;
    }
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let begin = 2 + hashes;
    Some(begin + until(&rest[begin..], |rest| rest.starts_with(&end)) + end.len())
}

/// The length of a character, or of the sign before a lifetime's name.
fn character(rest: &[char]) -> usize {
    match rest {
        ['\'', '\\', ..] => 2 + until(&rest[3.min(rest.len())..], |rest| rest[0] == '\'') + 2,
        ['\'', _, '\'', ..] => 3,
        _ => 1,
    }
}
