//! Where the manifest's files write its tenants and imports, for those who show something there.

use std::collections::BTreeMap;

use super::model::Import;
use super::node::{Node, Span, Step, Value};
use super::place::Place;
use super::source::Source;
use super::sources::assemble;

/// The places of a manifest's tenants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    start: Option<Place>,
    tenants: BTreeMap<String, Place>,
}

/// The places in a manifest's files; `environment` is the `--environment` asked for. What cannot be read has none: a
/// manifest need not be sound to be pointed at.
pub fn places(sources: &[Source], environment: Option<&str>) -> Places {
    let start = sources.first().map(|_| Place::of(sources, Span::start_of(0)));
    let tree = assemble(sources, environment, &mut Vec::new());
    let mut tenants = BTreeMap::new();
    for (id, span) in tree.iter().flat_map(ids) {
        if let Some(place) = Place::of(sources, span) {
            tenants.entry(id.to_owned()).or_insert(place);
        }
    }
    Places { start: start.flatten(), tenants }
}

impl Places {
    /// Where a tenant's id is written.
    pub fn tenant(&self, id: &str) -> Option<&Place> {
        self.tenants.get(id)
    }

    /// The start of the manifest, for what has no place of its own; none without files.
    pub fn start(&self) -> Option<&Place> {
        self.start.as_ref()
    }
}

/// The tenants' ids, each with its place.
fn ids(tree: &Node) -> Vec<(&str, Span)> {
    let Some(Value::List(tenants)) = tree.get("tenants").map(|node| &node.value) else { return Vec::new() };
    tenants.iter().filter_map(id).collect()
}

/// A tenant's id and its place.
fn id(tenant: &Node) -> Option<(&str, Span)> {
    let node = tenant.get("id")?;
    match &node.value {
        Value::Plain(id) | Value::Quoted(id) => Some((id, node.span)),
        Value::List(_) | Value::Map(_) | Value::Hole => None,
    }
}

/// Notes at each import where it is written.
pub(super) fn note_imports(sources: &[Source], tree: &Node, imports: &mut [Import]) {
    for (at, import) in imports.iter_mut().enumerate() {
        let span = tree.place(&[Step::from("imports"), Step::from(at), Step::from("to")]);
        import.place = span.and_then(|span| Place::of(sources, span));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    fn found(places: &Places, id: &str) -> Option<(String, usize, usize)> {
        places.tenant(id).map(|place| (place.file.clone(), place.line, place.column))
    }

    fn at(file: &str, line: usize, column: usize) -> Option<(String, usize, usize)> {
        Some((file.to_owned(), line, column))
    }

    #[test]
    fn tenants_are_found_in_either_style_and_file() {
        let sources = [
            source(
                "billform.yaml",
                "version: 1\n# id: gone\ntenants:\n  - { name: A, id: acme-b, tags: {} }\n  - id: acme # here\n",
            ),
            source("tenants/more.yaml", "name: \"pid: zeta, id: acme\"\nid: \"zeta\"\n"),
            source("tenants/two.yaml", "- id: 'eta'\n- {\"id\": theta}\n"),
        ];
        let places = places(&sources, None);
        assert_eq!(found(&places, "acme"), at("billform.yaml", 5, 9));
        assert_eq!(found(&places, "acme-b"), at("billform.yaml", 4, 20));
        assert_eq!(found(&places, "zeta"), at("tenants/more.yaml", 2, 5));
        assert_eq!(found(&places, "eta"), at("tenants/two.yaml", 1, 7));
        assert_eq!(found(&places, "theta"), at("tenants/two.yaml", 2, 10));
        assert_eq!(found(&places, "gone"), None, "a comment names no tenant");
    }

    #[test]
    fn an_environments_tenants_stand_in_its_file() {
        let sources = [
            source("billform.yaml", "version: 1\ntenants: [{ id: acme }]\n"),
            source("environments/test.yaml", "tenants:\n  - id: acme\n"),
        ];
        assert_eq!(found(&places(&sources, None), "acme"), at("billform.yaml", 2, 17));
        assert_eq!(found(&places(&sources, Some("test")), "acme"), at("environments/test.yaml", 2, 9));
    }

    #[test]
    fn anchors_and_faults_elsewhere_hide_no_tenant() {
        let sources =
            [source("m.yaml", "version: 1\nversion: 2\nnonsense: *x\ntenants:\n  - &first\n    id: &a acme\n  - 7\n")];
        let places = places(&sources, None);
        assert_eq!(places.tenant("acme").map(|place| place.line), Some(6));
    }

    #[test]
    fn without_a_place_of_its_own_it_is_the_start() {
        let start = Place { file: "m.yaml".to_owned(), line: 1, column: 1, len: 1 };
        assert_eq!(places(&[source("m.yaml", "tenants: [")], None).start(), Some(&start));
        assert_eq!(places(&[], None), Places::default());
    }
}
