//! Ids of tenants, made of their names: small letters, digits and dashes.

use std::collections::BTreeSet;

/// The longest id, in bytes.
const LONGEST: usize = 40;

/// What is written for Latin letters with marks.
const LATIN: &[(&str, &str)] = &[
    ("àáâãåāăą", "a"),
    ("äæ", "ae"),
    ("çćčĉċ", "c"),
    ("ďđð", "d"),
    ("èéêëēėęěĕ", "e"),
    ("ĝğġģ", "g"),
    ("ìíîïĩīįı", "i"),
    ("ķ", "k"),
    ("ĺļľł", "l"),
    ("ñńņň", "n"),
    ("òóôõōŏő", "o"),
    ("öøœ", "oe"),
    ("ŕřŗ", "r"),
    ("śŝşšș", "s"),
    ("ß", "ss"),
    ("ţťț", "t"),
    ("þ", "th"),
    ("ùúûũūŭůűų", "u"),
    ("ü", "ue"),
    ("ýÿŷ", "y"),
    ("źżž", "z"),
];

/// Returns an id for a name that none of the `taken` is: `Müller & Söhne` -> `mueller-soehne`, a second one `…-2`.
pub fn unique(name: &str, taken: &BTreeSet<String>) -> String {
    let plain = plain(name);
    let numbered = (2_u64..).map(|number| {
        let ending = format!("-{number}");
        format!("{}{ending}", shortened(&plain, LONGEST - ending.len()))
    });
    let mut all = std::iter::once(shortened(&plain, LONGEST).to_owned()).chain(numbered);
    all.find(|id| !taken.contains(id)).unwrap_or(plain)
}

/// A name in small letters, digits and single dashes; `customer` when it has no letter that Latin knows.
fn plain(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        let latin = LATIN.iter().find(|(marked, _)| marked.contains(letter)).map(|(_, plain)| *plain);
        match (letter, latin) {
            (letter, _) if letter.is_ascii_alphanumeric() => out.push(letter),
            (_, Some(plain)) => out.push_str(plain),
            // An apostrophe parts no words, and a mark by itself belongs to the letter before it.
            ('\'' | '\u{2019}' | '\u{300}'..='\u{36f}', None) => {}
            _ if !out.is_empty() && !out.ends_with('-') => out.push('-'),
            _ => {}
        }
    }
    let plain = out.trim_end_matches('-');
    if plain.is_empty() { "customer".to_owned() } else { plain.to_owned() }
}

/// At most so many bytes of an id, no dash at the end.
fn shortened(plain: &str, bytes: usize) -> &str {
    plain.get(..bytes).unwrap_or(plain).trim_end_matches('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::names::is_id;
    use proptest::prelude::*;

    #[test]
    fn an_id_is_read_off_the_name() {
        let none = BTreeSet::new();
        for (name, id) in [
            ("Acme Inc.", "acme-inc"),
            ("Müller & Söhne", "mueller-soehne"),
            ("  O'Neil--Partners ", "oneil-partners"),
            ("ŁÓDŹ Café", "lodz-cafe"),
            ("Cafe\u{301}", "cafe"),
            ("株式会社", "customer"),
            ("42", "42"),
            ("İstanbul", "istanbul"),
        ] {
            assert_eq!(unique(name, &none), id, "{name}");
        }
    }

    #[test]
    fn the_second_of_a_name_is_numbered_and_no_id_grows_too_long() {
        let mut taken = BTreeSet::new();
        for expected in ["acme", "acme-2", "acme-3"] {
            let id = unique("Acme", &taken);
            assert_eq!(id, expected);
            taken.insert(id);
        }
        let long = "x".repeat(60);
        let first = unique(&long, &BTreeSet::new());
        let second = unique(&long, &BTreeSet::from([first.clone()]));
        assert_eq!((first.len(), second.len()), (40, 40));
        assert!(second.ends_with("x-2"), "{second}");
    }

    proptest! {
        #[test]
        fn whatever_the_name_it_is_an_id_of_its_own(names in proptest::collection::vec(any::<String>(), 1..8)) {
            let mut taken = BTreeSet::new();
            for name in &names {
                let id = unique(name, &taken);
                prop_assert!(is_id(&id), "{id}");
                prop_assert!(taken.insert(id));
            }
        }
    }
}
