//! Where in the manifest's files something stands, for those who show it there: the line of a tenant. Pure.

use billing::manifest::Source;

/// A line of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The file as its path is shown.
    pub file: &'a str,
    /// Counts from 1.
    pub line: usize,
}

/// The line that names the tenant; without one, or when none does, the manifest's first line. None without files.
pub fn of<'a>(sources: &'a [Source], tenant: Option<&str>) -> Option<Place<'a>> {
    let named = tenant.and_then(|tenant| {
        sources.iter().find_map(|source| {
            let at = source.text.lines().position(|line| names(line, tenant))?;
            Some(Place { file: &source.path, line: at + 1 })
        })
    });
    named.or_else(|| sources.first().map(|source| Place { file: &source.path, line: 1 }))
}

/// Whether the line has the key `id` with this value, in block or flow style, in quotes or without.
fn names(line: &str, tenant: &str) -> bool {
    let keys = line.match_indices("id:").filter(|(at, _)| {
        let before = line[..*at].chars().next_back();
        before.is_none_or(|c| c.is_whitespace() || matches!(c, '{' | ',' | '-'))
    });
    let mut values = keys.map(|(at, key)| line[at + key.len()..].trim_start());
    values.any(|value| {
        let quoted = value.strip_prefix(['"', '\'']);
        let rest = quoted.unwrap_or(value).strip_prefix(tenant);
        rest.is_some_and(|rest| {
            rest.chars().next().is_none_or(|c| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '}'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_tenant_is_found_in_either_style_and_file_and_all_else_is_line_one() {
        let sources = [
            source(
                "billform.yaml",
                "version: 1\ntenants:\n  - { name: A, id: acme-b, tags: {} }\n  - id: acme # here\n",
            ),
            source("tenants/more.yaml", "name: pid: zeta\nid: \"zeta\"\n"),
        ];
        let line = |tenant| of(&sources, Some(tenant)).map(|place| (place.file, place.line));
        assert_eq!(line("acme"), Some(("billform.yaml", 4)));
        assert_eq!(line("acme-b"), Some(("billform.yaml", 3)));
        assert_eq!(line("zeta"), Some(("tenants/more.yaml", 2)));
        assert_eq!(line("gone"), Some(("billform.yaml", 1)));
        assert_eq!(of(&sources, None), Some(Place { file: "billform.yaml", line: 1 }));
        assert_eq!(of(&[], Some("acme")), None);
    }
}
